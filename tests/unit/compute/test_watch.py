import pytest

from pileus.compute.watch import LOOK_SECONDS, Action, Seen, Watch


def seen(stop=None, confirmed_at=0.0, fence=None, gone=False):
    return Seen(stop, confirmed_at, fence, gone)


class TestWatch:
    def test_an_attempt_that_nobody_stops_may_run(self):
        watch = Watch(0.0, None, 5.0)

        assert watch.look(1e6, seen()) is None
        assert watch.reason is None
        assert watch.wait_seconds(1e6) == LOOK_SECONDS

    def test_a_stop_asks_first_and_kills_after_the_grace(self):
        watch = Watch(0.0, None, 5.0)

        assert watch.look(1.0, seen("cancel")) is Action.ASK
        assert watch.look(5.9, seen("cancel")) is None
        assert watch.look(6.0, seen("cancel")) is Action.KILL
        assert watch.look(7.0, seen("cancel")) is None
        assert watch.reason == "cancel"

    def test_a_timeout_is_a_stop_with_its_own_reason(self):
        watch = Watch(0.0, 10.0, 0.0)

        assert watch.look(9.9, seen()) is None
        assert watch.look(10.0, seen()) is Action.ASK
        assert watch.look(10.0, seen()) is Action.KILL
        assert watch.reason == "timeout"

    def test_the_first_reason_stays(self):
        watch = Watch(0.0, 10.0, 60.0)
        watch.look(1.0, seen("preempt"))

        watch.look(11.0, seen("cancel"))

        assert watch.reason == "preempt"

    def test_a_lease_that_is_not_renewed_kills_without_grace(self):
        watch = Watch(0.0, None, 60.0)

        assert watch.look(9.9, seen(fence=10.0)) is None
        assert watch.look(10.0, seen(fence=10.0)) is Action.KILL
        assert watch.reason == "fenced"

    def test_each_renewal_starts_the_fence_anew(self):
        watch = Watch(0.0, None, 60.0)

        for second in range(0, 100, 9):
            assert watch.look(second + 9.9, seen(confirmed_at=second, fence=10.0)) is None

    def test_a_renewal_that_is_read_late_counts_from_when_it_was_asked_for(self):
        watch = Watch(0.0, None, 60.0)

        assert watch.look(25.0, seen(confirmed_at=15.0, fence=10.0)) is Action.KILL

    def test_without_a_lease_there_is_no_fence(self):
        assert not seen(confirmed_at=None, fence=10.0).is_fenced(1e6)
        assert not seen(confirmed_at=0.0, fence=None).is_fenced(1e6)

    def test_a_directory_that_is_gone_fences_at_once(self):
        watch = Watch(0.0, None, 60.0)

        assert watch.look(0.1, seen(gone=True)) is Action.KILL

    @pytest.mark.parametrize("now, expected", [(9.8, 0.2), (10.5, 0.0), (1.0, LOOK_SECONDS)])
    def test_it_wakes_when_the_timeout_is_due(self, now, expected):
        assert Watch(0.0, 10.0, 5.0).wait_seconds(now) == pytest.approx(expected)
