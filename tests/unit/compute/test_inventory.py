import os

import psutil
import pytest

from pileus.compute.inventory import (
    boot_id,
    nvidia_devices,
    nvidia_use,
    parse_nvidia,
    parse_nvidia_use,
    take,
)

GIB = 2**30


@pytest.fixture
def cgroup(tmp_path):
    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_dot_", ".")
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return tmp_path

    return write


class TestTake:
    def test_without_limits_it_is_the_machine(self, cgroup):
        capacity = take({"fpga": 2}, cgroup())

        assert capacity.cpu_milli == len(os.sched_getaffinity(0)) * 1000
        assert capacity.memory_mib == psutil.virtual_memory().total // 2**20
        assert capacity.custom == {"fpga": 2}

    def test_a_quota_of_version_2_counts(self, cgroup):
        capacity = take({}, cgroup(cpu_dot_max="50000 100000\n", memory_dot_max=f"{GIB}\n"))

        assert (capacity.cpu_milli, capacity.memory_mib) == (500, 1024)

    def test_a_quota_of_version_1_counts(self, cgroup):
        root = cgroup(
            cpu__cpu_dot_cfs_quota_us="25000\n",
            cpu__cpu_dot_cfs_period_us="100000\n",
            memory__memory_dot_limit_in_bytes=f"{GIB}\n",
        )

        assert (take({}, root).cpu_milli, take({}, root).memory_mib) == (250, 1024)

    def test_no_limit_has_two_spellings(self, cgroup):
        v1 = cgroup(cpu__cpu_dot_cfs_quota_us="-1\n", cpu__cpu_dot_cfs_period_us="100000\n")
        assert take({}, v1).cpu_milli >= 1000

        v2 = cgroup(cpu_dot_max="max 100000\n", memory_dot_max="max\n")
        assert take({}, v2).cpu_milli >= 1000
        assert take({}, v2).memory_mib > 0


class TestNvidia:
    def test_each_line_is_a_device(self):
        devices = parse_nvidia("GPU-8f, NVIDIA H200, 143771\nGPU-9a, Tesla V100-SXM2-16GB, 16384\n")

        assert [(d.id, d.kind, d.memory_mib) for d in devices] == [
            ("GPU-8f", "nvidia-h200", 143771),
            ("GPU-9a", "nvidia-tesla-v100-sxm2-16gb", 16384),
        ]

    @pytest.mark.parametrize("listing", ["", "No devices were found\n", "GPU-1, X, [N/A]\n"])
    def test_a_message_is_no_device(self, listing):
        assert parse_nvidia(listing) == ()

    @pytest.mark.parametrize("script", ["exit 9", "echo 'No devices were found'"])
    def test_a_tool_that_fails_means_none(self, tmp_path, monkeypatch, script):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path))

        assert nvidia_devices() == ()


class TestBootId:
    def test_it_stays_while_the_machine_is_up(self):
        assert boot_id()
        assert boot_id() == boot_id()


class TestNvidiaUse:
    def test_percents_become_thousandths(self):
        assert parse_nvidia_use("GPU-8f, 97\nGPU-9a, 0\n") == {"GPU-8f": 970, "GPU-9a": 0}

    def test_what_the_driver_does_not_tell_is_left_out(self):
        assert parse_nvidia_use("GPU-8f, [N/A]\nNo devices were found\n") == {}

    def test_the_tool_is_asked(self, tmp_path, monkeypatch):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(
            '#!/bin/sh\n[ "$1" = --query-gpu=uuid,utilization.gpu ] && echo GPU-8f, 42\n'
        )
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        assert nvidia_use() == {"GPU-8f": 420}

    def test_a_tool_that_fails_knows_nothing(self, tmp_path, monkeypatch):
        tool = tmp_path / "nvidia-smi"
        tool.write_text("#!/bin/sh\nexit 9\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

        assert nvidia_use() == {}
