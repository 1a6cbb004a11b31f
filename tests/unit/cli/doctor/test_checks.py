"""Each illness is made on purpose, and has to be found with the step that cures it."""

import os
import socket
import sqlite3
import stat
from datetime import datetime, timedelta
from typing import ClassVar

import pytest

from pileus import __version__
from pileus.cli.doctor import (
    answering,
    backlog,
    clocks,
    database,
    disk,
    extras,
    keys,
    permissions,
    platforms,
    ports,
    processes,
    schedules,
    versions,
)
from pileus.cli.doctor.checks import CHECKS, examine
from pileus.cli.doctor.finding import Finding, State
from pileus.cli.home import SCHEMA, replace
from pileus.compute.processes import boot_id, start_ticks
from tests.unit.cli.doctor.building import NOW, is_silent, made_home, only, says, scene, states

OK, WARN, FAIL, SKIP = State.OK, State.WARN, State.FAIL, State.SKIP


@pytest.fixture
def home(tmp_path):
    return made_home(tmp_path)


def seen(directory):
    """Every file with its content and mode: what a look must not change."""
    return {
        str(path): (
            path.stat().st_mode,
            path.stat().st_mtime_ns,
            path.is_file() and path.read_bytes(),
        )
        for path in sorted(directory.rglob("*"))
    }


class TestExamine:
    def test_a_home_at_rest_is_well_and_stays_as_it_is(self, home):
        before = seen(home.path)

        found = [f for f in examine(scene(home)) if f.check not in {"server port", "gateway port"}]

        assert [f for f in found if f.state is FAIL] == []
        assert seen(home.path) == before

    def test_a_home_that_is_not_there_is_no_illness_and_is_not_made(self, tmp_path):
        from pileus.cli.home import Home

        found = list(examine(scene(Home(tmp_path / "nothing"))))

        assert [f for f in found if f.state is FAIL and "port" not in f.check] == []
        assert not (tmp_path / "nothing").exists()

    def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(self, home):
        def breaks(_scene):
            raise OSError("no such device")

        def works(_scene):
            yield Finding.ok("works", "well")

        broken, well = examine(scene(home), {"breaks": breaks, "works": works})

        assert (broken.check, broken.state) == ("breaks", FAIL)
        assert "no such device" in broken.found
        assert well.state is OK

    def test_whatever_is_not_well_has_a_next_step(self, home):
        (home.path / "keys" / "token.key").unlink()
        (home.path / "run").chmod(0o755)

        ill = [f for f in examine(scene(home, asking=is_silent)) if f.state in {WARN, FAIL}]

        assert len(ill) >= 4
        assert all(f.hint and f.found for f in ill)

    def test_no_secret_is_in_a_report(self, home):
        secrets = [path.read_text().strip() for path in home.run.glob("*.token")]
        secrets.append((home.path / "keys" / "token.key").read_text().strip())

        text = "".join(f"{f.found}{f.hint}" for f in examine(scene(home)))

        assert [secret for secret in secrets if secret in text] == []

    def test_every_check_is_in_the_list(self):
        names = {
            path.stem for path in __import__("pathlib").Path(ports.__file__).parent.glob("*.py")
        }

        assert len(CHECKS) == len(names - {"__init__", "checks", "finding", "scene"})


class TestDisk:
    @pytest.mark.parametrize("free_mib,expected", [(100, FAIL), (1000, WARN), (50 * 1024, OK)])
    def test_room(self, home, free_mib, expected):
        def statvfs(_path):
            block = 4096
            free = free_mib * 1024 * 1024 // block
            total = 100 * 1024**3 // block
            return os.statvfs_result((block, block, total, free, free, 0, 0, 0, 0, 255))

        found = list(disk.check(scene(home, statvfs=statvfs)))

        assert states(found) == {expected}
        assert expected is OK or all("Free space" in f.hint for f in found)

    def test_room_for_files(self, home):
        def statvfs(_path):
            total = 10**9
            return os.statvfs_result((4096, 4096, total, total, total, 10**6, 5, 5, 0, 255))

        assert "5 more files" in [f.found for f in disk.check(scene(home, statvfs=statvfs))][1]


class TestPermissions:
    @pytest.mark.parametrize(
        "name,mode,expected",
        [
            ("keys/token.key", 0o644, "chmod 0600"),
            ("keys", 0o755, "chmod 0700"),
            (".", 0o711, "chmod 0700"),
            ("run/metrics.token", 0o640, "chmod 0600"),
            ("run/worker.token", 0o000, "chmod 0600"),
        ],
    )
    def test_a_wrong_mode(self, home, name, mode, expected):
        path = home.path / name
        path.chmod(mode)

        finding = only(permissions.check(scene(home)), FAIL)

        assert expected in finding.hint
        assert f"{mode:04o}" in finding.found
        assert stat.S_IMODE(path.stat().st_mode) == mode, "it was not changed"

    def test_a_home_of_somebody_else(self, home, monkeypatch):
        monkeypatch.setattr(os, "geteuid", lambda: 4711)

        found = list(permissions.check(scene(home)))

        assert states(found) == {FAIL}
        assert "4711" in found[0].hint


class TestKeys:
    @pytest.mark.parametrize(
        "content,expected", [("abcd", "2 bytes instead of 32"), ("no hex", "not hexadecimal")]
    )
    def test_one_that_is_damaged(self, home, content, expected):
        (home.path / "keys" / "token.key").write_text(content)

        finding = only(keys.check(scene(home)), FAIL)

        assert expected in finding.found
        assert "backup" in finding.hint

    def test_one_that_is_missing(self, home):
        (home.path / "keys" / "token.key").unlink()

        assert "missing" in only(keys.check(scene(home)), FAIL).found

    def test_one_of_another_kind_that_is_empty(self, home):
        (home.path / "keys" / "other.key").touch()

        assert "other.key" in only(keys.check(scene(home)), FAIL).found


class TestPorts:
    def test_one_that_is_taken_names_who_holds_it(self, home):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            (home.path / "pileus.toml").write_text(
                f"[server]\nport = {port}\n[gateway]\nport = 0\n"
            )

            finding = only(ports.check(scene(home)), FAIL)

        assert str(port) in finding.found
        assert f"process {os.getpid()}" in finding.found
        assert "--port" in finding.hint

    def test_one_of_ours_that_another_process_holds(self, home):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            here = scene(home)
            here.is_up = True
            here.ports = {"server": listener.getsockname()[1]}
            here.pids = {"server": os.getpid() + 1}

            finding = only(ports.check(here), FAIL)

        assert f"process {os.getpid()}" in finding.found


class TestClocks:
    @pytest.mark.parametrize("seconds,expected", [(1, OK), (-10, WARN), (600, FAIL)])
    def test_the_servers_against_ours(self, home, seconds, expected):
        date = (NOW + timedelta(seconds=seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")

        found = list(clocks.check(scene(home, asking=says({}, date=date))))

        [server] = [f for f in found if f.check == "server clock"]
        assert server.state is expected
        assert expected is OK or "time service" in server.hint

    @pytest.mark.parametrize("seconds,expected", [(0.2, OK), (5, WARN), (-600, FAIL)])
    def test_a_nodes_against_the_servers(self, home, seconds, expected):
        nodes = {"items": [{"name": "one", "clock_skew_seconds": seconds}]}

        [node] = [
            f for f in clocks.check(scene(home, asking=says(nodes))) if f.check == "node clock"
        ]

        assert node.state is expected
        assert "one" in node.found

    def test_one_that_was_never_set(self, home):
        old = datetime(1970, 1, 1, tzinfo=NOW.tzinfo)

        assert "1970" in only(clocks.check(scene(home, now=lambda: old)), FAIL).found

    def test_one_that_went_back(self, home):
        log = home.logs / "server.jsonl"
        log.touch()
        os.utime(log, (NOW.timestamp() + 90, NOW.timestamp() + 90))

        assert "90 s in the future" in only(clocks.check(scene(home)), WARN).found


class TestVersions:
    def test_a_server_of_another_version_wants_a_restart(self, home):
        found = list(versions.check(scene(home, asking=says({"version": "0.0.1"}))))

        finding = only(found, WARN)
        assert "0.0.1" in finding.found
        assert "pileus up" in finding.hint

    def test_a_worker_of_another_version(self, home):
        nodes = {"version": __version__, "items": [{"name": "one", "version": "0.0.2"}]}

        assert "0.0.2" in only(versions.check(scene(home, asking=says(nodes))), WARN).found

    def test_a_newer_home(self, home):
        replace(home.path / "home.json", {"schema": SCHEMA + 1})

        assert "Upgrade" in only(versions.check(scene(home)), FAIL).hint

    def test_a_damaged_home(self, home):
        (home.path / "home.json").write_text("{")

        assert "damaged" in only(versions.check(scene(home)), FAIL).found


class TestDatabase:
    def test_one_that_is_damaged(self, home):
        path = home.path / "state" / "pileus.db"
        with path.open("r+b") as file:
            file.seek(4096 * 3)
            file.write(b"\xff" * 4096 * 4)

        finding = only(database.check(scene(home)), FAIL)

        assert "damaged" in finding.found
        assert "backup" in finding.hint

    def test_one_of_a_newer_version(self, home):
        self._at(home, "9999")

        assert "9999" in only(database.check(scene(home)), FAIL).found

    def test_one_of_an_older_version(self, home):
        self._at(home, "0001")

        assert "pileus up" in only(database.check(scene(home)), WARN).hint

    def test_one_elsewhere_is_left_to_the_server(self, home):
        (home.path / "pileus.toml").write_text('[server]\ndatabase_url = "postgresql://x"\n')

        assert states(database.check(scene(home))) == {SKIP}

    @staticmethod
    def _at(home, revision):
        connection = sqlite3.connect(home.path / "state" / "pileus.db")
        with connection:
            connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
        connection.close()


class TestBacklog:
    @pytest.mark.parametrize(
        "name,check",
        [
            ("gateway/segments/00ff-abc/prj_a.1.sealed", "records"),
            ("worker/attempts/att_1/exit.json", "results"),
        ],
    )
    @pytest.mark.parametrize("age,expected", [(5, OK), (300, WARN)])
    def test_what_is_old_does_not_get_through(self, home, name, check, age, expected):
        path = home.path / name
        path.parent.mkdir(parents=True)
        path.write_text("x")
        os.utime(path, (NOW.timestamp() - age, NOW.timestamp() - age))

        [finding] = [f for f in backlog.check(scene(home)) if f.check == check]

        assert finding.state is expected
        assert expected is OK or "pileus up" in finding.hint

    def test_records_that_are_about_to_be_dropped(self, home):
        (home.path / "pileus.toml").write_text("[gateway]\nmax_segments_mib = 1\n")
        path = home.path / "gateway" / "segments" / "00ff-abc" / "prj_a.1.sealed"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * 1_000_000)

        assert "dropped" in only(backlog.check(scene(home)), FAIL).hint

    def test_meters_that_nobody_has_taken(self, home):
        (home.path / "gateway" / "meters").mkdir()
        (home.path / "gateway" / "meters" / "00ff-abc-0000.meter").touch()

        assert "money" in only(backlog.check(scene(home)), WARN).hint


class TestProcesses:
    def test_a_crash_loop_and_a_restart(self, home):
        here = scene(home)
        here.is_up = True
        report = {"pid": 7, "restarts": 0, "state": "running", "reason": None}
        loop = report | {"state": "crash_loop", "restarts": 5, "reason": "ended with exit code 1"}
        home.write("processes.json", {"server": loop, "worker": report | {"restarts": 1}})

        found = list(processes.check(here))

        assert "exit code 1" in only(found, FAIL).found
        assert "pileus logs server" in only(found, FAIL).hint
        assert "worker" in only(found, WARN).found

    def test_one_that_runs_and_keeps_dying(self, home):
        here = scene(home)
        here.is_up = True
        report = {"pid": 7, "restarts": 9, "state": "running", "recent_deaths": 6}
        report["reason"] = "died 6 times within 60 minutes, the last time: killed by signal 9"
        home.write("processes.json", {"worker": report})

        finding = only(processes.check(here), FAIL)

        assert "keeps dying: died 6 times" in finding.found
        assert "pileus logs worker" in finding.hint

    def test_what_a_killed_supervisor_left(self, home):
        home.write("pids.json", {"supervisor": 1, "server": 2**22 + 1})

        assert "did not stop in order" in only(processes.check(scene(home)), WARN).found

    def test_what_a_killed_supervisor_left_running(self, home):
        own = {"pid": os.getpid(), "boot_id": boot_id(), "start_ticks": start_ticks(os.getpid())}
        home.write("processes.json", {"server": own, "worker": own | {"start_ticks": 1}})

        found = only(processes.check(scene(home)), WARN).found

        assert found == f"The supervisor is gone and has left server ({os.getpid()})"


class TestAnswering:
    def test_a_process_that_does_not_answer(self, home):
        found = list(answering.check(scene(home, asking=is_silent)))

        assert states(found) == {FAIL}
        assert "pileus logs" in found[0].hint

    @pytest.mark.parametrize("seconds,expected", [(0.01, OK), (3.0, WARN)])
    def test_one_that_is_slow(self, home, seconds, expected):
        found = answering.check(scene(home, asking=says({}, seconds)))

        assert states(found) == {expected}


class TestPlatform:
    def test_an_old_python(self):
        assert platforms._python((3, 9)).state is FAIL

    def test_another_system(self):
        assert platforms._system("Darwin").state is WARN


class TestExtras:
    def test_each_extra_is_there_or_says_how_to_get_it(self):
        found = {
            finding.check: finding
            for finding in extras.report(
                [
                    "httpx>=0.28",
                    'pydantic>=2; extra == "one"',
                    'no-such-package>=1; extra == "torch"',
                    "no-such-package[x]>=1; python_version > '3' and extra == 'two'",
                    'no-such-package; extra == "dev"',
                ]
            )
        }

        assert {name: f.state for name, f in found.items()} == {
            "extra one": OK,
            "extra torch": WARN,
            "extra two": SKIP,
        }
        assert "pip install 'pileus[torch]'" in found["extra torch"].hint


class TestSchedules:
    NIGHTLY: ClassVar = {
        "name": "nightly",
        "due_at": None,
        "trouble": {"at": "2026-01-01T00:00:00Z", "message": "No dataset 'x'", "hint": "Make it."},
    }

    def test_one_that_was_refused_is_named_with_the_next_step(self, home):
        well = {"name": "weekly", "due_at": None, "trouble": None}
        asking = says({"items": [well, self.NIGHTLY]})

        [found] = schedules.check(scene(home, asking=asking))

        assert (found.state, found.hint) == (WARN, "Make it.")
        assert found.found.startswith("Schedule nightly submitted nothing at ")
        assert found.found.endswith(", and is paused: No dataset 'x'")

    def test_all_is_well_where_none_was(self, home):
        [found] = schedules.check(scene(home, asking=says({"items": []})))

        assert found.state is OK

    def test_without_a_server_it_is_not_known(self, home):
        [found] = schedules.check(scene(home, asking=is_silent, project="vision"))

        assert found.state is SKIP
        assert "'vision'" in found.found
