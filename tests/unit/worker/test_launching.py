from pathlib import Path

from pileus.compute.layout import ATTEMPT_MODULES, Layout
from pileus.compute.limits.amounts import LEAST_MEMORY_MIB, Limits
from pileus.core.schemas.gangs import Seat
from pileus.core.schemas.resources import Resources
from pileus.worker.launching import environment, launch_of
from tests.unit.worker.fakes import make_order, make_spec

HERE = Path("/home/worker/attempts/att_1")
BASE = {"PATH": "/bin", "HOME": "/root"}


class TestEnvironment:
    def test_the_job_overrides_the_node_but_not_what_is_ours(self):
        spec = make_spec(env={"HOME": "/data", "PILEUS_ATTEMPT_DIR": "/elsewhere"})

        env = environment(spec, (), HERE, BASE)

        assert env["HOME"] == "/data"
        assert env["PILEUS_ATTEMPT_DIR"] == str(HERE)
        assert env["PILEUS_ATTEMPT_TOKEN_FILE"] == str(HERE / "token")

    def test_libraries_report_to_nobody_unless_the_job_says_so(self):
        own = make_spec(env={"ORT_DISABLE_TELEMETRY": "0"})

        assert environment(make_spec(), (), HERE, BASE)["ORT_DISABLE_TELEMETRY"] == "1"
        assert environment(own, (), HERE, BASE)["ORT_DISABLE_TELEMETRY"] == "0"

    def test_a_member_of_a_gang_is_told_its_place(self):
        seat = Seat(rank=1, size=2, address="10.0.0.1", port=20001)

        assert seat.variables.items() <= environment(make_spec(seat=seat), (), HERE, BASE).items()
        assert "RANK" not in environment(make_spec(), (), HERE, BASE)

    def test_our_module_comes_before_the_jobs_own(self):
        spec = make_spec(env={"PYTHONPATH": "/mine"})

        assert environment(spec, (), HERE, BASE)["PYTHONPATH"] == f"{ATTEMPT_MODULES}:/mine"

    def test_threads_follow_the_processors_unless_the_job_says_otherwise(self):
        resources = Resources(cpu=2.5)

        env = environment(make_spec(resources=resources), (), HERE, BASE)
        single = make_spec(resources=resources, env={"OMP_NUM_THREADS": "1"})
        own = environment(single, (), HERE, BASE)

        assert env["PILEUS_ATTEMPT_CPUS"] == "2.5"
        assert env["OMP_NUM_THREADS"] == "2"
        assert own["OMP_NUM_THREADS"] == "1"

    def test_it_sees_the_devices_of_its_lease_and_no_other(self):
        leased = make_spec(resources=Resources(gpu=2), env={"CUDA_VISIBLE_DEVICES": "7"})

        none = environment(make_spec(), (), HERE, BASE)
        two = environment(leased, ("GPU-a", "GPU-b"), HERE, BASE)

        assert none["CUDA_VISIBLE_DEVICES"] == ""
        assert two["CUDA_VISIBLE_DEVICES"] == "GPU-a,GPU-b"

    def test_it_knows_the_request_that_submitted_the_job(self):
        spec = make_spec().model_copy(update={"request_id": "req_1"})

        env = environment(spec, (), HERE, BASE)

        assert env["PILEUS_ATTEMPT_REQUEST_ID"] == "req_1"
        assert "PILEUS_ATTEMPT_REQUEST_ID" not in environment(make_spec(), (), HERE, BASE)


class TestLaunchOf:
    def test_it_carries_the_limits_and_the_lease(self):
        order = make_order("att_1", "true", timeout_seconds=9.0, grace_seconds=1.0)

        launch = launch_of(order, Layout(HERE), BASE, 12.5, 600.0)

        assert launch.command == ("true",)
        assert (launch.timeout_seconds, launch.grace_seconds) == (9.0, 1.0)
        assert launch.lease_token == "lease-of-att_1"
        assert (launch.confirmed_at, launch.fence_seconds) == (12.5, 600.0)


class TestEnvironmentFile:
    def test_its_programs_come_first(self):
        spec = make_spec(environment_file="requirements.txt")

        env = environment(spec, (), HERE, BASE)

        assert env["PATH"] == f"{HERE}/environment/bin:/bin"
        assert env["VIRTUAL_ENV"] == f"{HERE}/environment"


class TestLimits:
    def test_an_attempt_is_held_to_what_its_job_asked_for(self):
        asked = Resources(cpu=0.5, memory_mib=100, disk_mib=10)

        launch = launch_of(make_order(resources=asked), Layout(HERE), BASE, 0.0, 600.0)

        assert launch.limits == Limits(cpu_milli=500, memory_mib=100, disk_mib=10)

    def test_none_is_held_to_less_memory_than_it_takes_to_come_up(self):
        asked = Resources(memory_mib=1)

        launch = launch_of(make_order(resources=asked), Layout(HERE), BASE, 0.0, 600.0)

        assert launch.limits.memory_mib == LEAST_MEMORY_MIB
