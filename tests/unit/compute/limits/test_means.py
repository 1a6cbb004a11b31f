from pileus.compute.limits.means import BY_KERNEL, BY_WATCHING, NOT_HELD, in_force


class TestInForce:
    def test_a_control_group_holds_what_its_controllers_can(self, tmp_path):
        (tmp_path / "cgroup.subtree_control").write_text("memory pids\n")

        found = in_force(tmp_path)

        assert found == {
            "cpu": NOT_HELD,
            "memory": BY_KERNEL,
            "processes": BY_KERNEL,
            "disk": BY_WATCHING,
        }

    def test_without_one_memory_and_disk_are_watched(self):
        assert in_force(None) == {
            "cpu": NOT_HELD,
            "memory": BY_WATCHING,
            "processes": NOT_HELD,
            "disk": BY_WATCHING,
        }
