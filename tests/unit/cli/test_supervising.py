import logging
import sys

import pytest

from pileus.cli import forked, supervising
from pileus.cli.home import Home
from pileus.cli.installation import Plan


class TestWords:
    def test_are_read_as_they_were_written(self, tmp_path, monkeypatch):
        home = Home(tmp_path)
        home.prepare()
        lock = home.lock()
        told, started = [], []
        monkeypatch.setattr(
            supervising,
            "supervise",
            lambda home, plan, fd, *, forks: told.append((home.path, plan, fd, forks)),
        )
        monkeypatch.setattr(forked, "warm_up", lambda: True)

        program, *arguments = supervising.words(
            home, Plan("127.0.0.1", 1, 2), lock, supervising.Bounds("info", 4096, 2)
        )
        monkeypatch.setattr("pileus.core.logs.setup.start", lambda *given: started.append(given))
        supervising.main(arguments[2:])

        assert program == sys.executable
        assert arguments[:2] == ["-m", "pileus.cli.supervising"]
        assert told == [(tmp_path, Plan("127.0.0.1", 1, 2), None, True)]
        assert started == [("supervisor", home.logs, ("info", 4096, 2), logging.WARNING)]

    def test_an_option_without_a_value_is_refused(self):
        with pytest.raises(ValueError, match="zip"):
            supervising.main(["--home"])
