"""Starting and stopping, and what the command line says about it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import time
from contextlib import closing

import pytest

from pileus.core.errors import Conflict, InvalidRequest
from tests.e2e.conftest import Digits
from tests.e2e.installation import (
    Installation,
    exit_code,
    lives,
    processes_of,
    run_pileus,
    until,
    value_of,
)

TOKEN = re.compile(r"plt_[A-Za-z0-9_-]{43}")


class TestLife:
    @pytest.mark.slow
    def test_from_the_first_up_to_down_and_up_again(self, fresh: Installation) -> None:
        assert fresh.cli("status")["state"] == "stopped"

        first = fresh.cli("up", "--port", "0", "--gateway-port", "0", json=False)

        tokens = fresh.home / "run" / "tokens.json"
        [token] = TOKEN.findall(first)
        assert json.loads(tokens.read_text("utf-8")) == {"default": token}
        for name in ("tokens.json", "worker.token", "gateway.token"):
            assert stat.S_IMODE((tokens.parent / name).stat().st_mode) == 0o600
        assert stat.S_IMODE(fresh.home.stat().st_mode) == 0o700
        ready = fresh.cli("status")
        assert ready["state"] == "ready"
        assert {p["state"] for p in ready["processes"].values()} == {"running"}
        assert len(ready["nodes"]) == 1

        second = fresh.run("up", "--json")

        assert second.returncode == exit_code(Conflict)
        error = json.loads(second.stdout)["error"]
        assert (error["code"], error["family"]) == ("already_up", "conflict")
        assert str(fresh.home) in error["message"]
        assert str(fresh.pid("supervisor")) in error["message"]
        assert ready["processes"]["server"]["url"] in error["message"]

        began = time.monotonic()
        stopped = fresh.down()

        assert (stopped["state"], stopped["was_running"]) == ("stopped", True)
        assert time.monotonic() - began < 10
        assert processes_of(fresh.home) == []
        assert fresh.cli("status")["state"] == "stopped"
        assert fresh.cli("down")["was_running"] is False

        again = fresh.cli("up", "--port", "0", "--gateway-port", "0", json=False)

        assert not TOKEN.search(again), "the token is shown once"
        assert fresh.token == token
        assert fresh.cli("status")["state"] == "ready"

    def test_blobs_are_encrypted_unless_told_otherwise(
        self, calm: Installation, digits: Digits
    ) -> None:
        blobs = calm.home / "blobs"
        found = [path for path in blobs.glob("*/??/*") if path.is_file()]

        assert found
        assert {path.suffix for path in found} == {".enc"}
        assert list((calm.home / "staging").iterdir()) == [], "packs on their way are gone"

    def test_no_secret_is_left_in_a_log(self, calm: Installation) -> None:
        run = calm.home / "run"
        secrets = [calm.token, *((run / f"{n}.token").read_text() for n in ("worker", "gateway"))]

        for log in (calm.home / "logs").iterdir():
            text = log.read_text("utf-8")
            assert not [secret for secret in secrets if secret.strip() in text], log


class TestRestart:
    @pytest.mark.parametrize("process", ["gateway", "server", "worker"])
    def test_a_dead_child_is_back_within_a_second(self, rough: Installation, process: str) -> None:
        killed = rough.kill(process)
        began = time.monotonic()

        until(lambda: rough.pid(process) not in {None, killed}, seconds=5, every_seconds=0.01)

        assert time.monotonic() - began < 1
        until(lambda: rough.cli("status")["state"] == "ready", seconds=8)
        assert rough.cli("status")["processes"][process]["restarts"] >= 1
        assert not lives(killed)

    def test_what_a_killed_supervisor_has_left_is_ended_first(self, rough: Installation) -> None:
        left = rough.pid("server")
        assert left is not None
        os.kill(left, signal.SIGSTOP)  # it does not notice that nobody watches it
        rough.kill("supervisor")

        said = rough.run("doctor").stdout
        rough.up()

        assert f"server ({left})" in said
        assert not lives(left)
        assert rough.cli("status")["state"] == "ready"


class TestRefusal:
    @pytest.mark.parametrize("what", ["layout", "database"])
    def test_what_a_newer_version_wrote_is_refused_and_left_alone(
        self, fresh: Installation, what: str
    ) -> None:
        state = fresh.home / "state"
        state.mkdir(parents=True)
        (fresh.home / "home.json").write_text(json.dumps({"schema": 9 if what == "layout" else 1}))
        with closing(sqlite3.connect(state / "pileus.db")) as database, database:
            database.execute("CREATE TABLE alembic_version (version_num TEXT)")
            database.execute("INSERT INTO alembic_version VALUES ('9999')")

        done = fresh.run("--json", "up", "--port", "0", "--gateway-port", "0")

        code = {"layout": "home_not_usable", "database": "home_too_new"}[what]
        assert value_of(done)["error"]["code"] == code
        assert not fresh.document("pids.json")

    def test_an_occupied_port_is_named(self, fresh: Installation) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for option in ("--port", "--gateway-port"):
                other = "--gateway-port" if option == "--port" else "--port"
                done = fresh.run("up", option, str(port), other, "0")

                assert done.returncode == exit_code(Conflict)
                assert str(port) in done.stderr
                assert option in done.stderr, "the hint names the option"
                assert "Traceback" not in done.stderr
        assert fresh.cli("status")["state"] == "stopped"

    def test_a_home_that_cannot_be_made_is_named(self) -> None:
        done = run_pileus("--home", "/dev/null/x", "up")

        assert done.returncode == exit_code(InvalidRequest)
        assert "'/dev/null/x'" in done.stderr
        assert "--home" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_home_that_cannot_be_made_is_an_error_for_programs_too(self) -> None:
        done = run_pileus("--home", "/dev/null/x", "up", "--json")

        error = json.loads(done.stdout)["error"]
        assert error["family"] == "invalid_request"
        assert done.stderr == ""

    @pytest.mark.parametrize("words", [("job", "list"), ("bill",), ("predict", "x", "y.png")])
    def test_without_an_installation_the_hint_is_to_start_one(
        self, fresh: Installation, words: tuple[str, ...]
    ) -> None:
        done = fresh.run(*words)

        assert done.returncode not in {0, 1}
        assert "pileus up" in done.stderr
        assert "Traceback" not in done.stderr


COMMANDS = [
    ("status",),
    ("dataset", "list"),
    ("model", "show", "digits:1"),
    ("bill",),
    ("audit", "list"),
    ("dataset", "show", "none"),
]


class TestOutput:
    @pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
    def test_json_is_one_value_and_text_has_no_colours(
        self, calm: Installation, digits: Digits, words: tuple[str, ...]
    ) -> None:
        document, text = calm.run(*words, "--json"), calm.run(*words)

        assert document.returncode == text.returncode
        json.loads(document.stdout)
        assert document.stdout.count("\n") == 1
        assert document.stderr == ""
        shown = text.stdout + text.stderr
        assert shown.strip()
        assert "\x1b" not in shown
