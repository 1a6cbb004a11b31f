import time

from pileus.compute.limits.gauge import LONGEST_SECONDS, Gauge

MIB = 1 << 20


class TestGauge:
    def test_it_looks_only_when_it_is_due(self):
        gauge = Gauge(lambda: 200 * MIB, 100, 1000)

        assert not gauge.is_over(gauge.due_at - 0.01)
        assert gauge.is_over(gauge.due_at)
        assert gauge.peak_mib == 200

    def test_the_nearer_the_limit_the_sooner_it_looks_again(self):
        used = 10 * MIB
        gauge = Gauge(lambda: used, 100, 1000)
        now = time.monotonic() + 1
        gauge.is_over(now)
        far = gauge.due_at - now
        used = 95 * MIB
        now = gauge.due_at
        gauge.is_over(now)

        assert gauge.due_at - now < far <= LONGEST_SECONDS

    def test_the_peak_is_the_most_that_was_seen(self):
        values = iter([30 * MIB, 80 * MIB, 10 * MIB])
        gauge = Gauge(lambda: next(values), 100, 1000)

        for _ in range(3):
            gauge.look()

        assert (gauge.peak_mib, gauge.last_mib) == (80, 10)

    def test_nothing_is_said_before_the_first_look(self):
        assert Gauge(lambda: 200 * MIB, 100, 1000).last_mib is None

    def test_it_is_full_when_nothing_is_left(self):
        assert Gauge(lambda: 100 * MIB, 100, 1000).is_full
        assert not Gauge(lambda: 100 * MIB - 1, 100, 1000).is_full
