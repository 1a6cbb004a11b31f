import pytest

from pileus.cli.child import LONGEST_PAUSE_SECONDS, MAX_LOG_BYTES, Child, Program, pause_seconds


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
        child = Child(Program("server", ("sleep", "5")), log, pipe=0)
        child.start(0.0)
        log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))

        child.bound_output()

        assert (tmp_path / "server.log.1").stat().st_size == MAX_LOG_BYTES + 1
        assert log.stat().st_size == 0
        assert log.stat().st_mode & 0o077 == 0
        child.ask_to_stop(9)
        child.stopped_within(5)


class TestSettling:
    @pytest.mark.parametrize("lived,deaths", [(1.0, 1), (10.0, 0)])
    def test_deaths_are_forgiven_after_a_while(self, tmp_path, lived, deaths):
        child = Child(Program("server", ("sleep", "5")), tmp_path / "log", pipe=0)
        child.start(0.0)
        child.deaths = 1

        child.settle(lived)

        assert child.deaths == deaths
        child.ask_to_stop(9)
        child.stopped_within(5)
