"""Groups as files, and the real kernel's where this machine lets us make one."""

import os
import subprocess
from pathlib import Path

import pytest

from pileus.compute.limits.amounts import Limits
from pileus.compute.limits.cgroup import LEADERS, PROCESSES_MAX, Cgroup, delegated


@pytest.fixture
def tree(tmp_path):
    """A container's root group, as files: they hold what is written, and limit nothing."""
    root = tmp_path / "cgroup"
    root.mkdir()
    (root / "cgroup.procs").write_text("11\n12\n")
    (root / "cgroup.type").write_text("domain\n")
    (root / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    mounts, own = tmp_path / "mounts", tmp_path / "own"
    mounts.write_text(f"proc /proc proc rw 0 0\ncgroup2 {root} cgroup2 rw 0 0\n")
    own.write_text("4:memory:/elsewhere\n0::/\n")
    return root, mounts, own


@pytest.fixture
def real():
    """A group of this machine; the test is skipped where none can be made."""
    parent = next(
        (
            Path(line.split()[1])
            for line in Path("/proc/self/mounts").read_text().splitlines()
            if line.split()[2] == "cgroup2"
        ),
        None,
    )
    if parent is None:
        pytest.skip("no control groups of version 2 on this machine")
    try:
        group = Cgroup.make(parent, f"pileus-test-{os.getpid()}", Limits())
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    yield group
    group.kill()
    group.remove()


class TestMake:
    def test_the_limits_are_written_as_the_kernel_reads_them(self, tmp_path):
        group = Cgroup(tmp_path / "att_1")
        group.path.mkdir()
        for name in ("cpu.max", "memory.max", "memory.swap.max", "memory.oom.group", "pids.max"):
            (group.path / name).touch()

        Cgroup.make(tmp_path, "att_1", Limits(cpu_milli=1500, memory_mib=256))

        found = {path.name: path.read_text() for path in group.path.iterdir()}
        assert found == {
            "cpu.max": "150000 100000",
            "memory.max": str(256 << 20),
            "memory.swap.max": "0",
            "memory.oom.group": "1",
            "pids.max": str(PROCESSES_MAX),
        }

    def test_peak_and_kills_are_read_as_the_kernel_writes_them(self, tmp_path):
        group = Cgroup(tmp_path)
        (tmp_path / "memory.peak").write_text(f"{300 << 20}\n")
        (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n")

        assert (group.peak_mib, group.oom_kills) == (300, 1)

    def test_what_is_used_leaves_out_what_the_kernel_caches(self, tmp_path):
        group = Cgroup(tmp_path)
        stat = f"anon {90 << 20}\nfile {700 << 20}\nshmem {10 << 20}\ninactive_file 0\n"
        (tmp_path / "memory.stat").write_text(stat)
        (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\n")
        (tmp_path / "cgroup.procs").write_text("11\n0\n12\n")

        assert (group.used_mib, group.cpu_ms, group.size) == (100, 2500, 3)

    def test_a_controller_that_is_off_is_no_failure(self, tmp_path):
        group = Cgroup.make(tmp_path, "att_1", Limits(cpu_milli=1000, memory_mib=256))

        assert not group.limits_memory
        assert (group.peak_mib, group.oom_kills) == (0, 0)


class TestDelegated:
    def test_a_containers_root_is_ours(self, tree):
        root, mounts, own = tree

        assert delegated(mounts, own) == root
        assert (root / "cgroup.subtree_control").read_text() == "+cpu +memory +pids"
        assert (root / LEADERS / "cgroup.procs").read_text() in {"11", "12"}

    def test_a_worker_that_starts_again_finds_the_same(self, tree):
        root, mounts, own = tree
        delegated(mounts, own)
        (root / LEADERS / "cgroup.procs").touch()
        own.write_text(f"0::/{LEADERS}\n")

        assert delegated(mounts, own) == root

    def test_the_machines_own_root_is_left_alone(self, tree):
        root, mounts, own = tree
        (root / "cgroup.type").unlink()

        assert delegated(mounts, own) is None
        assert not (root / LEADERS).exists()

    def test_a_group_that_systemd_did_not_give_us_is_left_alone(self, tree):
        root, mounts, own = tree
        session = root / "session.scope"
        session.mkdir()
        for path in root.iterdir():
            if path.is_file():
                (session / path.name).write_text(path.read_text())
        own.write_text("0::/session.scope\n")

        assert delegated(mounts, own) is None

    def test_a_hierarchy_without_memory_is_no_use(self, tree):
        root, mounts, own = tree
        (root / "cgroup.controllers").write_text("hugetlb\n")

        assert delegated(mounts, own) is None

    def test_version_1_alone_is_no_use(self, tmp_path):
        mounts, own = tmp_path / "mounts", tmp_path / "own"
        mounts.write_text("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n")
        own.write_text("4:memory:/\n")

        assert delegated(mounts, own) is None


class TestKernel:
    def test_what_is_started_inside_is_in_it_and_we_are_not(self, real):
        with real.entered():
            process = subprocess.Popen(["sleep", "60"])

        assert real.pids == [process.pid]
        real.kill()
        assert process.wait(5) == -9

    def test_a_kill_takes_what_left_session_and_parent(self, real):
        with real.entered():
            process = subprocess.Popen(
                ["sh", "-c", "setsid env -i sh -c '(sleep 63 &) ; sleep 64' & sleep 65"]
            )
        while len(real.pids) < 4:
            assert process.poll() is None

        assert real.kill()

        process.wait(5)
        assert real.pids == []
