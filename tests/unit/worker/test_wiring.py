"""A worker at work: real runners, a fake server, and workers that are dropped as if killed."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time

import pytest

from pileus.compute.layout import Layout
from pileus.core import failpoints
from pileus.core.errors import InvalidRequest
from pileus.core.schemas.code import CodeFile, CodeManifest
from pileus.core.schemas.jobs import AttemptInput
from pileus.worker.errors import WorkerRunning
from pileus.worker.settings import WorkerSettings
from pileus.worker.wiring import locked, working
from tests.unit.compute.building import is_alive, json_in
from tests.unit.worker.fakes import FakeServer, digest_of, make_order
from tests.unit.worker.wheels import make_wheel, needs_uv


@pytest.fixture
def settings(tmp_path):
    return WorkerSettings(home=tmp_path, node_name="here", retry_seconds_max=0.2)


@pytest.fixture
def directory(settings):
    def of(attempt="att_1"):
        return Layout(settings.directory / "attempts" / attempt)

    yield of
    for path in (settings.directory / "attempts").glob("*/runner.json"):
        pid = json_in(path)["pid"]
        if pid and is_alive(pid):
            os.kill(pid, signal.SIGTERM)


@pytest.fixture
def server():
    return FakeServer()


def code_order(server, name, text):
    """An order to print the word of the wheel, with a snapshot of one file that asks for it."""
    digest = digest_of(text.encode())
    file = CodeFile(path=name, size=len(text.encode()), digest=digest)
    manifest = CodeManifest(pack=digest, files=(file,)).content()
    files = (server.add_blob("manifest.json", manifest), server.add_blob("pack", text.encode()))
    return make_order(
        "att_1",
        "python",
        "-c",
        "import tinylesson; tinylesson.main()",
        inputs=(AttemptInput(name="code", kind="code", files=files),),
        environment_file=name,
    )


class TestLife:
    async def test_an_attempt_runs_from_order_to_end(self, settings, directory, server):
        server.order(make_order("att_1", "sh", "-c", "echo out; echo err >&2; exit 2"))

        async with working(settings, server):
            end = await server.end_of("att_1")
            await server.until(lambda: not directory().directory.exists())

        assert (end.exit["code"], end.exit["reason"]) == (2, "exited")
        assert end.lease_token == "lease-of-att_1"
        assert end.started_at is not None
        assert end.artifacts == ()
        assert server.stream("att_1") == b"out\n"
        assert server.stream("att_1", "stderr") == b"err\n"

    async def test_what_it_uses_is_told_while_it_runs(self, settings, server):
        server.order(make_order("att_1", "sleep", "30"))

        async with working(settings, server):
            await server.until(lambda: server.usage)
            server.stop("att_1")
            await server.end_of("att_1")
            await server.until(lambda: not server.usage[-1].samples)

        [sample] = server.usage[0].samples
        assert (sample.attempt, sample.processes) == ("att_1", 1)
        assert sample.cpu_milli < 500

    async def test_it_finds_its_inputs_and_leaves_artifacts(self, settings, directory, server):
        files = (server.add_blob("a.csv", b"1,2\n"), server.add_blob("packs/p", b"packed"))
        order = make_order(
            "att_1",
            "sh",
            "-c",
            "cat ../inputs/data/a.csv ../inputs/data/packs/p $PILEUS_ATTEMPT_TOKEN_FILE;"
            " mkdir ../out/deep; echo made > ../out/deep/file; ln -s /etc/passwd ../out/link",
            inputs=(AttemptInput(name="data", kind="files", files=files),),
        )
        server.order(order)

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert server.stream("att_1") == b"1,2\npackedpla_secret"
        assert [artifact.path for artifact in end.artifacts] == ["deep/file"]
        assert server.blobs[end.artifacts[0].digest] == b"made\n"

    @needs_uv
    async def test_it_runs_in_the_environment_that_its_code_asks_for(
        self, settings, directory, server, tmp_path
    ):
        wheel = make_wheel(tmp_path / "made")
        order = code_order(server, "requirements.txt", f"{wheel}\n")
        server.order(order)

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0, server.stream("att_1", "stderr")
        assert server.stream("att_1") == b"learned 1.0\n"
        assert b"Building environment" in server.stream("att_1", "stderr")

    @needs_uv
    async def test_an_environment_that_cannot_be_built_ends_it_with_the_reason(
        self, settings, directory, server
    ):
        server.order(code_order(server, "requirements.txt", "./missing.whl\n"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "start_failed"
        assert "cannot be built" in end.exit["message"]
        assert b"missing.whl" in server.stream("att_1", "stderr")

    async def test_a_module_reports_metrics_and_a_result(
        self, settings, directory, server, tmp_path
    ):
        (tmp_path / "lesson.py").write_text(
            "def main(attempt):\n"
            "    attempt.log_metric('loss', 0.5, 7)\n"
            "    attempt.finish({'accuracy': 0.9})\n"
        )
        server.order(
            make_order(command=None, recipe_entry="lesson", env={"PYTHONPATH": str(tmp_path)})
        )

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0, server.stream("att_1", "stderr")
        assert end.result["summary"] == {"accuracy": 0.9}
        point = json.loads(server.stream("att_1", "metrics"))
        assert (point["name"], point["value"], point["step"]) == ("loss", 0.5, 7)

    async def test_output_arrives_while_it_runs(self, settings, directory, server):
        server.order(make_order("att_1", "sh", "-c", "sleep 0.3; date +%s.%N; sleep 30"))

        async with working(settings, server):
            await server.until(lambda: server.stream("att_1"))
            delay = time.time() - float(server.stream("att_1"))

        assert delay < 1.0

    async def test_several_run_side_by_side(self, settings, directory, server):
        for number in range(4):
            server.order(make_order(f"att_{number}", "sh", "-c", f"sleep 0.3; exit {number}"))

        async with working(settings, server):
            ends = [await server.end_of(f"att_{number}") for number in range(4)]

        assert [end.exit["code"] for end in ends] == [0, 1, 2, 3]

    async def test_the_node_presents_itself(self, settings, directory, server):
        async with working(settings, server):
            await server.until(lambda: server.registrations)

        said = server.registrations[0]
        assert said.name == "here"
        assert said.capacity.cpu_milli >= 1000
        assert said.holding == ()

    async def test_a_server_that_forgot_the_node_hears_of_it_again(
        self, settings, directory, server
    ):
        async with working(settings, server):
            await server.until(lambda: server.registrations)
            server.knows_node = False
            server.order(make_order())
            end = await server.end_of("att_1")

        assert len(server.registrations) == 2
        assert end.exit["code"] == 0


class TestRefusal:
    async def test_a_command_that_does_not_exist(self, settings, directory, server):
        server.order(make_order("att_1", "no-such-program"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "start_failed"
        assert "no-such-program" in end.exit["message"]

    async def test_an_input_that_the_server_does_not_have(self, settings, directory, server):
        file = server.add_blob("a", b"content")
        server.blobs.clear()
        inputs = (AttemptInput(name="data", kind="files", files=(file,)),)
        server.order(make_order(inputs=inputs))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "start_failed"
        assert file.digest in end.exit["message"]

    async def test_an_environment_that_the_node_does_not_have(self, settings, directory, server):
        server.order(make_order(command=None, recipe_entry="x", environment="tensorflow"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "start_failed"
        assert "Use one of plain, torch" in end.exit["message"]

    async def test_a_runner_that_dies_before_it_speaks_is_no_fault_of_the_job(
        self, settings, directory, server, tmp_path, monkeypatch
    ):
        (tmp_path / "runner.claimed").touch()
        monkeypatch.setattr(failpoints, "_directory", str(tmp_path))
        server.order(make_order())

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "node_failed"

    async def test_an_artifact_that_the_server_refuses_fails_the_attempt(
        self, settings, directory, server
    ):
        server.refuses_blobs = InvalidRequest("Blob of 9 GB is larger than the limit")
        server.order(make_order("att_1", "sh", "-c", "echo x > ../out/file"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "artifacts_refused"
        assert "9 GB" in end.exit["message"]


class TestStop:
    async def test_a_running_attempt_is_stopped_for_the_reason_given(
        self, settings, directory, server
    ):
        server.order(make_order("att_1", "sleep", "30"))

        async with working(settings, server):
            await server.until_running("att_1")
            server.stop("att_1", "preempt")
            end = await server.end_of("att_1")

        assert (end.exit["signal"], end.exit["reason"]) == (15, "preempt")

    async def test_one_that_waits_for_its_inputs_does_not_start(
        self, settings, directory, server, monkeypatch
    ):
        file = server.add_blob("a", b"content")
        waiting = asyncio.Event()

        async def never(project, digest):
            waiting.set()
            await asyncio.sleep(60)
            yield b""

        monkeypatch.setattr(server, "blob", never)
        inputs = (AttemptInput(name="data", kind="files", files=(file,)),)
        server.order(make_order(inputs=inputs))

        async with working(settings, server):
            await waiting.wait()
            server.stop("att_1")
            end = await server.end_of("att_1")

        assert (end.exit["code"], end.exit["reason"]) == (None, "cancel")
        assert end.exit["message"] == "Stopped before it started"

    async def test_one_that_the_server_does_not_want_any_more_is_ended(
        self, settings, directory, server
    ):
        server.order(make_order("att_1", "sleep", "30"))

        async with working(settings, server):
            await server.until_running("att_1")
            pid = json_in(directory().runner)["pid"]
            server.withdraw("att_1")
            await server.until(lambda: not directory().directory.exists())

        assert not is_alive(pid)


class TestKilledWorker:
    async def test_the_next_worker_adopts_the_same_runner(self, settings, directory, server):
        server.order(make_order("att_1", "sh", "-c", "echo one; sleep 1; echo two; exit 5"))
        async with working(settings, server):
            await server.until_running("att_1")
            await server.until(lambda: server.stream("att_1"))
            pid = json_in(directory().runner)["pid"]

        assert is_alive(pid)
        async with working(settings, server):
            await server.until(lambda: len(server.registrations) == 2)
            assert server.registrations[1].holding == ("att_1",)
            assert json_in(directory().runner)["pid"] == pid
            end = await server.end_of("att_1")

        assert end.exit["code"] == 5
        assert server.stream("att_1") == b"one\ntwo\n"

    async def test_an_end_without_a_worker_is_told_by_the_next(self, settings, directory, server):
        server.order(make_order("att_1", "sh", "-c", "sleep 0.5; echo late; echo x > ../out/f"))
        async with working(settings, server):
            await server.until_running("att_1")
        await server.until(directory().exit.exists)

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0
        assert server.stream("att_1") == b"late\n"
        assert [artifact.path for artifact in end.artifacts] == ["f"]

    async def test_a_runner_that_was_killed_meanwhile_is_told_as_lost(
        self, settings, directory, server
    ):
        server.order(make_order("att_1", "sleep", "30"))
        async with working(settings, server):
            await server.until_running("att_1")
        os.kill(json_in(directory().runner)["pid"], signal.SIGKILL)

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "runner_lost"

    async def test_an_attempt_that_was_half_prepared_is_prepared_again(
        self, settings, directory, server
    ):
        layout = directory()
        layout.inputs.mkdir(parents=True)
        (layout.inputs / "data").mkdir(mode=0o500)
        file = server.add_blob("a", b"content")
        inputs = (AttemptInput(name="data", kind="files", files=(file,)),)
        server.order(make_order("att_1", "cat", "../inputs/data/a", inputs=inputs))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0
        assert server.stream("att_1") == b"content"

    async def test_a_damaged_directory_does_not_stop_the_worker(self, settings, directory, server):
        for attempt, content in (("att_8", b"{"), ("att_9", b'{"attempt": 1}')):
            directory(attempt).directory.mkdir(parents=True)
            directory(attempt).spec.write_bytes(content)
            directory(attempt).runner.write_bytes(b"\xff")
        server.order(make_order())

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0
        assert server.registrations[0].holding == ()
        assert not directory("att_8").directory.exists()


class TestServerAway:
    async def test_an_attempt_goes_on_and_is_told_when_the_server_is_back(
        self, settings, directory, server
    ):
        server.order(make_order("att_1", "sh", "-c", "sleep 0.4; echo done; echo x > ../out/f"))

        async with working(settings, server):
            await server.until_running("att_1")
            server.is_away = True
            await server.until(directory().exit.exists)
            await asyncio.sleep(0.2)
            server.is_away = False
            end = await server.end_of("att_1")

        assert end.exit["code"] == 0
        assert server.stream("att_1") == b"done\n"
        assert len(end.artifacts) == 1

    async def test_a_lease_that_the_server_does_not_renew_fences(self, settings, directory):
        server = FakeServer(fence_seconds=1.0)
        server.order(make_order("att_1", "sleep", "30"))

        async with working(settings, server):
            await server.until_running("att_1")
            server.is_away = True
            await server.until(directory().exit.exists)
            server.is_away = False
            end = await server.end_of("att_1")

        assert end.exit["reason"] == "fenced"

    async def test_a_lease_that_the_server_renews_does_not(self, tmp_path, directory):
        server = FakeServer(fence_seconds=1.0)
        settings = WorkerSettings(home=tmp_path, node_name="here", wait_seconds=0.2)
        server.order(make_order("att_1", "sleep", "2"))

        async with working(settings, server):
            end = await server.end_of("att_1")

        assert (end.exit["code"], end.exit["reason"]) == (0, "exited")


class TestLock:
    def test_one_worker_per_home(self, tmp_path):
        with (
            locked(tmp_path / "worker"),
            pytest.raises(WorkerRunning),
            locked(tmp_path / "worker"),
        ):
            pass

        with locked(tmp_path / "worker"):
            pass


class TestImports:
    async def test_a_worker_carries_no_database_and_no_framework(self):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "import pileus.worker.main, sys;"
            "print({'sqlalchemy', 'torch', 'sklearn', 'numpy', 'fastapi'} & set(sys.modules))",
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()

        assert out.strip() == b"set()"
        with contextlib.suppress(ProcessLookupError):
            process.kill()
