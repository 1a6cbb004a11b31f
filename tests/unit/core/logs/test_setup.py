import json
import logging
import os
import stat

import pytest

from pileus.core.logs import setup
from pileus.core.logs.settings import LogsSettings

SMALL = LogsSettings(file_bytes=4096, files=3)


@pytest.fixture
def root():
    """The root logger, left as it was."""
    root = logging.getLogger()
    level, before = root.level, list(root.handlers)
    yield root
    for handler in [h for h in root.handlers if h not in before]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)


def line(message="x"):
    return logging.LogRecord("pileus", logging.INFO, __file__, 1, message, (), None)


class TestStart:
    def test_lines_go_to_a_file_that_only_the_owner_reads(self, tmp_path, root):
        setup.start("worker", tmp_path / "logs", SMALL)

        logging.getLogger("pileus.some").info("hello")

        file = tmp_path / "logs" / "worker.jsonl"
        assert json.loads(file.read_text())["message"] == "hello"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    def test_lines_below_the_level_are_not_written(self, tmp_path, root):
        setup.start("worker", tmp_path, LogsSettings(level="warning"))

        logging.getLogger("pileus.some").info("hello")

        assert (tmp_path / "worker.jsonl").read_text() == ""

    def test_without_a_directory_there_is_stderr(self, tmp_path, root, capsys):
        (tmp_path / "logs").write_text("a file")

        setup.start("worker", tmp_path / "logs", SMALL)
        logging.getLogger("pileus.some").info("hello")

        said = [json.loads(text) for text in capsys.readouterr().err.splitlines()]
        assert "No log is kept" in said[0]["message"]
        assert said[1]["message"] == "hello"


class TestLogFile:
    def test_all_files_together_stay_within_their_bound(self, tmp_path):
        log = setup.LogFile(tmp_path / "server.jsonl", "server", SMALL)

        for number in range(500):
            log.emit(line(f"line {number} {'x' * 100}"))
        log.close()

        files = list(tmp_path.iterdir())
        assert len(files) == 3
        assert all(file.stat().st_size <= 4096 for file in files)
        last = (tmp_path / "server.jsonl").read_text().splitlines()[-1]
        assert json.loads(last)["message"].startswith("line 499 ")

    def test_a_full_disk_is_silent_and_the_lost_lines_are_counted(self, tmp_path, root, capsys):
        log = setup.LogFile(tmp_path / "server.jsonl", "server", SMALL)
        root.addHandler(log)
        kept, full = log._descriptor, os.open("/dev/full", os.O_WRONLY)

        log._descriptor = full
        log.emit(line())
        log.emit(line())
        log._descriptor = kept
        log.emit(line("back"))

        messages = [
            json.loads(text)["message"]
            for text in (tmp_path / "server.jsonl").read_text().splitlines()
        ]
        assert messages == ["back", "2 lines of this log could not be written"]
        assert capsys.readouterr().err == ""
        os.close(full)

    def test_one_that_somebody_closed_goes_on(self, tmp_path):
        log = setup.LogFile(tmp_path / "server.jsonl", "server", SMALL)

        log.emit(line("before"))
        log.close()
        log.emit(line("after"))
        log.close()

        text = (tmp_path / "server.jsonl").read_text()
        assert [json.loads(one)["message"] for one in text.splitlines()] == ["before", "after"]
