import pytest

from pileus.compute.ending import ended, lost, not_started, oom_kills, why

DONE = {"status": "succeeded"}


class TestWhy:
    @pytest.mark.parametrize(
        "code, asked, result, was_oom_killed, reason",
        [
            (0, None, None, False, "exited"),
            (1, None, None, True, "exited"),
            (-9, None, None, False, "killed"),
            (-11, None, None, False, "exited"),
            (-9, None, None, True, "out_of_memory"),
            (-9, "timeout", None, True, "timeout"),
            (0, "cancel", None, False, "cancel"),
            (0, "cancel", DONE, False, "exited"),
            (1, "cancel", DONE, False, "cancel"),
            (0, "preempt", {"status": "preempted"}, False, "preempt"),
        ],
    )
    def test_the_reason_follows_from_what_happened(
        self, code, asked, result, was_oom_killed, reason
    ):
        assert why(code, asked, result, was_oom_killed=was_oom_killed) == reason


class TestDocuments:
    def test_a_signal_is_no_code(self):
        end = ended(-15, "exited", "2026-01-01T00:00:00+00:00")

        assert (end["code"], end["signal"]) == (None, 15)

    def test_an_attempt_that_never_ran_has_neither(self):
        end = not_started("no such program")

        assert (end["code"], end["signal"], end["reason"]) == (None, None, "start_failed")
        assert end["message"] == "no such program"

    def test_one_whose_runner_vanished_says_so(self):
        assert lost("vanished", "2026-01-01T00:00:00+00:00")["reason"] == "runner_lost"


class TestOomKills:
    def test_it_is_a_count(self):
        assert oom_kills() >= 0
