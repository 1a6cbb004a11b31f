from datetime import UTC, datetime, timedelta

import pytest

from pileus.cli import phrases

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class TestMoney:
    @pytest.mark.parametrize(
        "micro,text",
        [
            (0, "0.000000 EUR"),
            (1, "0.000001 EUR"),
            (1_234_567_890, "1,234.567890 EUR"),
            (-5, "-0.000005 EUR"),
        ],
    )
    def test_six_places(self, micro, text):
        assert phrases.money(micro, "EUR") == text


class TestPrice:
    @pytest.mark.parametrize(
        "micro,exponent,text",
        [(100_000, 6, "0.0000001"), (2_000_000, 0, "2.0"), (36, 3, "0.000000036")],
    )
    def test_one_unit_is_exact(self, micro, exponent, text):
        assert phrases.price(micro, exponent) == text


class TestTimes:
    @pytest.mark.parametrize(
        "value,text", [(0.44, "0.4 s"), (65, "1 min 5 s"), (7380, "2 h 3 min")]
    )
    def test_durations(self, value, text):
        assert phrases.seconds(value) == text

    @pytest.mark.parametrize(
        "moment,text",
        [
            (None, ""),
            ("2026-01-01T11:59:50Z", "just now"),
            ("2026-01-01T11:30:00+00:00", "30 min ago"),
            ("2026-01-01T02:00:00Z", "10 h ago"),
            ("2025-12-01T00:00:00Z", "2025-12-01"),
        ],
    )
    def test_moments(self, moment, text):
        assert phrases.ago(moment, NOW) == text

    def test_what_runs_has_lasted_until_now(self):
        assert phrases.lasted("2026-01-01T11:59:00Z", None, NOW) == "1 min 0 s"
        assert phrases.lasted(None, None, NOW) == ""


class TestMoment:
    def test_a_time_that_has_come_is_past(self):
        assert phrases.is_past("2026-01-01T11:59:00Z", NOW)
        assert not phrases.is_past("2026-01-01T12:01:00Z", NOW)
        assert not phrases.is_past(None, NOW)

    def test_no_time_is_no_text(self):
        assert phrases.moment(None) == ""
        assert phrases.moment("2026-06-15T11:59:30Z").startswith("2026-06-1")


class TestFigure:
    @pytest.mark.parametrize("value,text", [(0.8356545961, "0.835655"), (2.384e-07, "2.384e-07")])
    def test_six_digits_are_enough(self, value, text):
        assert phrases.figure(value) == text

    @pytest.mark.parametrize("value", [3, True, "word", None])
    def test_what_is_not_measured_stays(self, value):
        assert phrases.figure(value) is value


class TestSize:
    @pytest.mark.parametrize("count,text", [(5, "5 B"), (1536, "1.5 KiB"), (2**31, "2.0 GiB")])
    def test_binary_units(self, count, text):
        assert phrases.size(count) == text


class TestMib:
    @pytest.mark.parametrize(
        "count,text",
        [(0, "0M"), (104, "104M"), (1023, "1023M"), (1024, "1G"), (24_105, "23.5G"), (2**21, "2T")],
    )
    def test_as_short_as_a_table_needs(self, count, text):
        assert phrases.mib(count) == text


class TestMilli:
    def test_thousandths_are_a_number(self):
        assert [phrases.milli(count) for count in (0, 500, 2000)] == ["0", "0.5", "2"]


class TestStart:
    def test_it_says_when_and_after_what_or_that_nothing_is_known(self):
        now = datetime(2026, 1, 2, 12, tzinfo=UTC)
        local = now.astimezone()

        assert phrases.start(None, None) == "not known"
        assert phrases.start(now.isoformat(), "job_1", now) == (
            f"at about {local:%H:%M}, when job_1 ends"
        )
        assert phrases.start((now + timedelta(days=2)).isoformat(), None, now).startswith(
            "at about 2026-01-04 "
        )
