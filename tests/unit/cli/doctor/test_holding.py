import pytest

from pileus.cli.doctor.finding import State
from pileus.cli.doctor.holding import check
from pileus.compute.files import replace_json
from pileus.compute.limits.means import in_force
from tests.unit.cli.doctor.building import made_home, only, scene


@pytest.fixture
def home(tmp_path):
    made = made_home(tmp_path)
    (made.path / "worker").mkdir(exist_ok=True)
    return made


class TestCheck:
    def test_what_is_only_watched_is_told_with_the_way_to_more(self, home):
        path = home.path / "worker" / "means.json"
        replace_json(path, {"limits": in_force(None), "cgroup": None})

        found, sandbox = check(scene(home))

        assert "Attempts that ask" in sandbox.found

        assert "memory, disk: watched" in found.found
        assert "cpu, processes: not held" in found.found
        assert "Delegate=yes" in (found.hint or "")

    def test_a_missing_sandbox_is_told_with_its_reason(self, home):
        path = home.path / "worker" / "means.json"
        why = "bubblewrap is not installed"
        replace_json(path, {"limits": in_force(None), "cgroup": None, "no_sandbox": why})

        _, found = check(scene(home))

        assert why in found.found
        assert "apt install bubblewrap" in (found.hint or "")

    def test_a_home_where_no_worker_ran_is_skipped(self, home):
        only(check(scene(home)), State.SKIP)
