import pytest

from pileus.cli.child import (
    LONGEST_PAUSE_SECONDS,
    MAX_LOG_BYTES,
    OFTEN,
    OFTEN_SECONDS,
    STABLE_SECONDS,
    Child,
    Program,
    pause_seconds,
)


class TestPause:
    def test_the_first_restarts_come_within_a_second(self):
        assert max(pause_seconds(deaths) for deaths in (1, 2, 3)) < 1

    def test_pauses_grow_to_a_limit(self):
        pauses = [pause_seconds(deaths) for deaths in range(1, 40)]

        assert pauses == sorted(pauses)
        assert pauses[-1] == LONGEST_PAUSE_SECONDS


class TestLog:
    def test_a_large_log_is_put_aside_at_the_next_start(self, tmp_path):
        log = tmp_path / "server.log"
        with log.open("wb") as file:
            file.truncate(MAX_LOG_BYTES + 1)
        child = Child(Program("server", ("true",)), log, pipe=0)

        child.start(0.0)
        child.stopped_within(5)

        assert (tmp_path / "server.log.1").exists()
        assert log.stat().st_size == 0

    def test_one_that_grows_while_the_process_lives_is_bounded(self, tmp_path):
        log = tmp_path / "server.log"
        child = Child(Program("server", ("sh", "-c", "exec sleep 5")), log, pipe=0)
        child.start(0.0)
        log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

        child.bound_output()

        assert (tmp_path / "server.log.1").stat().st_size == MAX_LOG_BYTES + 1
        assert log.stat().st_size == 0
        assert log.stat().st_mode & 0o077 == 0
        child.ask_to_stop(9)
        child.stopped_within(5)


class TestStart:
    def test_what_a_fork_shares_with_others_is_imported_before_it(self, tmp_path, monkeypatch):
        done: list[str] = []

        class Recorded:
            pid = 1

            def __init__(self, *given):
                done.append("forked")

        monkeypatch.setattr("pileus.cli.child.Forked", Recorded)
        program = Program("gateway", ("gateway",), lambda words: 0, lambda: done.append("warm"))

        Child(program, tmp_path / "log", pipe=0).start(0.0)

        assert done == ["warm", "forked"]


class TestSettling:
    @pytest.mark.parametrize("lived,deaths", [(1.0, 1), (10.0, 0)])
    def test_deaths_are_forgiven_after_a_while(self, tmp_path, lived, deaths):
        child = Child(Program("server", ("sh", "-c", "exec sleep 5")), tmp_path / "log", pipe=0)
        child.start(0.0)
        child.deaths = 1

        child.settle(lived)

        assert child.deaths == deaths
        child.ask_to_stop(9)
        child.stopped_within(5)


class TestDyingOften:
    """A process that comes up every time, and dies every time."""

    def lives_and_dies(self, child, now, seconds):
        """When the child is due again, after a life of so many seconds."""
        child.start(now)
        child.settle(now + STABLE_SECONDS)
        assert child.deaths == 0, "its deaths are forgiven"
        child.stopped_within(5)
        assert child.reap(now + seconds)
        return child.start_at

    @pytest.fixture
    def child(self, tmp_path):
        return Child(Program("server", ("false",)), tmp_path / "server.log", pipe=0)

    def test_is_told_though_each_death_is_forgiven(self, child, caplog):
        now = 0.0
        for _ in range(OFTEN - 1):
            now = self.lives_and_dies(child, now, 60.0)
        assert child.report()["recent_deaths"] == 0
        assert "has died" not in caplog.text

        now = self.lives_and_dies(child, now, 60.0)
        child.start(now)
        child.settle(now + STABLE_SECONDS)

        report = child.report()
        assert (report["state"], report["recent_deaths"]) == ("running", OFTEN)
        assert report["reason"] == (
            f"died {OFTEN} times within 60 minutes, the last time: ended with exit code 1"
        )
        assert f"server has died {OFTEN} times within 60 minutes" in caplog.text
        child.stopped_within(5)

    def test_is_not_told_of_deaths_that_are_far_apart(self, child):
        now = 0.0
        for _ in range(OFTEN * 3):
            now = self.lives_and_dies(child, now, OFTEN_SECONDS / (OFTEN - 1))

        assert child.report()["recent_deaths"] == 0

    def test_is_told_no_more_when_it_has_lived_for_long(self, child):
        now = 0.0
        for _ in range(OFTEN):
            now = self.lives_and_dies(child, now, 60.0)
        child.start(now)
        child.settle(now + STABLE_SECONDS)

        due = child.settles_at
        assert child.settle(due)

        assert due == 60.0 + OFTEN_SECONDS
        assert (child.report()["reason"], child.settles_at) == (None, None)
        child.stopped_within(5)

    def test_a_crash_loop_tells_its_last_words_instead(self, child):
        for now in range(OFTEN * 2):
            child.start(float(now))
            child.stopped_within(5)
            child.reap(now + 0.1)

        report = child.report()
        assert (report["state"], report["reason"]) == ("crash_loop", "ended with exit code 1")
