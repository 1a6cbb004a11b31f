import json
from datetime import UTC, datetime, timedelta

import pytest

from pileus.cli import main
from pileus.core.errors import InvalidRequest
from pileus.core.status import EXIT


def line(message, level="info", ago=0, **more):
    moment = datetime.now(UTC) - timedelta(seconds=ago)
    time = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"time": time, "level": level, "message": message} | more) + "\n"


@pytest.fixture
def logs(tmp_path, capsys):
    """Runs `pileus logs` over a home with a few lines."""
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "server.jsonl").write_text(
        line("old", ago=7200)
        + line("asked", request_id="req_1", ago=30)
        + line("broken", "error", exception="Traceback\n  here", ago=20)
    )
    (directory / "worker.jsonl").write_text(
        line("done", request_id="req_1", job="job_1", ago=10) + line("quiet", "debug", ago=5)
    )

    def run(*words):
        code = main.run_command(["--home", str(tmp_path), "logs", *words])
        return code, capsys.readouterr()

    return run


def messages(logs, *words):
    code, printed = logs("--json", *words)
    assert code == 0
    return [one["message"] for one in json.loads(printed.out)]


class TestSelection:
    @pytest.mark.parametrize(
        "words,expected",
        [
            ((), ["old", "asked", "broken", "done", "quiet"]),
            (("worker",), ["done", "quiet"]),
            (("--request", "req_1"), ["asked", "done"]),
            (("--job", "job_1"), ["done"]),
            (("--level", "warning"), ["broken"]),
            (("--since", "10m"), ["asked", "broken", "done", "quiet"]),
            (("--since", "15s"), ["done", "quiet"]),
            (("-n", "2"), ["done", "quiet"]),
            (("gateway",), []),
        ],
    )
    def test_only_what_was_asked_for(self, logs, words, expected):
        assert messages(logs, *words) == expected

    @pytest.mark.parametrize("since", ["yesterday", "10", "5w", "-3m", "999999999d"])
    def test_a_time_that_is_none_is_refused_with_the_way_to_write_it(self, logs, since):
        code, printed = logs(f"--since={since}")

        assert code == EXIT[InvalidRequest]
        assert "10m" in printed.err


class TestText:
    def test_a_person_sees_process_level_message_and_what_it_is_about(self, logs):
        _, printed = logs()

        rows = printed.out.splitlines()
        assert [row for row in rows if "server" in row and "error" in row and "broken" in row]
        assert [row for row in rows if "done" in row and "req_1" in row and "job_1" in row]
        assert "  here" in printed.out

    def test_nothing_found_says_where_it_looked(self, logs, tmp_path):
        _, printed = logs("--request", "req_none")

        assert str(tmp_path / "logs") in printed.out
