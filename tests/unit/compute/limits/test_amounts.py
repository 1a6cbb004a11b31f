from pileus.compute.executor import Launch
from pileus.compute.limits.amounts import Limits


class TestLimits:
    def test_they_are_what_the_launch_says(self):
        limits = Limits(cpu_milli=500, memory_mib=64, disk_mib=10, cgroup="/sys/fs/cgroup/x")

        assert Limits.of(Launch("lease", limits=limits).document()) == limits

    def test_a_launch_of_an_earlier_release_has_none(self):
        assert Limits.of({"schema": 1, "command": ["true"]}) == Limits()
