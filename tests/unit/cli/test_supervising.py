import json
import logging
import os
import socket
from pathlib import Path

import pytest

from pileus.cli import forked, supervising
from pileus.cli.home import Home
from pileus.cli.installation import Plan

NULL = Path(os.devnull)


@pytest.fixture
def told(monkeypatch):
    """What the supervisor was called with; its log and its output stay those of the test."""
    seen: list[object] = []
    monkeypatch.setattr(
        supervising,
        "supervise",
        lambda home, plan, fd, *, forks: seen.append((home.path, plan, fd, forks)),
    )
    monkeypatch.setattr(forked, "warm_up", lambda: True)
    monkeypatch.setattr("pileus.core.logs.setup.start", lambda *given: seen.append(given))
    monkeypatch.setattr(
        supervising, "_write_to", lambda output: seen.append(os.fstat(output).st_rdev)
    )
    return seen


class TestMain:
    def test_words_are_read_as_they_were_written(self, tmp_path, told):
        home = Home(tmp_path)
        home.prepare()
        lock = home.lock()
        ours, theirs = socket.socketpair()
        words = supervising.words(
            home, Plan("127.0.0.1", 1, 2, 3), supervising.Bounds("info", 4096, 2)
        )

        with ours, NULL.open("wb") as output:
            socket.send_fds(ours, [json.dumps(words).encode()], [lock, output.fileno()])
            supervising.main([str(theirs.detach())])

        assert told == [
            NULL.stat().st_rdev,
            ("supervisor", home.logs, ("info", 4096, 2), logging.WARNING),
            (tmp_path, Plan("127.0.0.1", 1, 2, 3), None, True),
        ]
        assert home.is_held  # by the descriptor of this test; that of the supervisor is closed
        os.close(lock)
        assert not home.is_held

    def test_it_ends_when_nobody_tells_it(self, told):
        ours, theirs = socket.socketpair()
        ours.close()

        supervising.main([str(theirs.detach())])

        assert told == []
