"""Times of cron expressions, and which of those that passed count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.schedules import CatchUp
from pileus.jobs.errors import ScheduleRefused
from pileus.jobs.timetable import LATE, Timetable, due


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def told(timetable, moment, count=3):
    return [f"{time:%m-%d %H:%M %z}" for time in timetable.after(moment, count)]


class TestTimetable:
    def test_times_are_those_of_the_zone(self):
        found = told(Timetable("30 2 * * 1-5", "Asia/Shanghai"), at("2026-11-27T12:00"))

        assert found == ["11-30 02:30 +0800", "12-01 02:30 +0800", "12-02 02:30 +0800"]

    def test_a_time_that_is_left_out_in_spring_comes_right_after(self):
        found = told(Timetable("30 2 * * *", "Europe/Berlin"), at("2026-03-28T12:00"))

        assert found == ["03-29 03:00 +0200", "03-30 02:30 +0200", "03-31 02:30 +0200"]

    def test_a_time_that_there_is_twice_in_autumn_counts_once(self):
        found = told(Timetable("30 2 * * *", "Europe/Berlin"), at("2026-10-24T12:00"), 2)

        assert found == ["10-25 02:30 +0200", "10-26 02:30 +0100"]

    def test_every_hour_is_every_hour_when_clocks_go_back(self):
        found = told(Timetable("0 * * * *", "Europe/Berlin"), at("2026-10-25T00:10"))

        assert found == ["10-25 02:00 +0100", "10-25 03:00 +0100", "10-25 04:00 +0100"]

    def test_a_word_stands_for_an_expression(self):
        assert told(Timetable(" @Weekly", "UTC"), at("2026-11-28T00:00"), 1) == [
            "11-29 00:00 +0000"
        ]

    @given(
        st.sampled_from(["30 2 * * *", "*/7 * * * *", "0 3 31 * *", "15 1,2,3 * 3,10 SUN"]),
        st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
        st.integers(0, 4 * 366 * 86400).map(
            lambda seconds: at("2024-01-01") + timedelta(seconds=seconds)
        ),
    )
    def test_the_latest_is_the_one_before_the_next(self, cron, zone, moment):
        timetable = Timetable(cron, zone)

        latest = timetable.latest(moment)

        assert latest <= moment < timetable.next(moment)
        assert timetable.next(latest) == timetable.next(moment)
        assert timetable.latest(latest) == latest

    @pytest.mark.parametrize(
        "cron, words",
        [
            ("* * * *", "has 4 fields"),
            ("* * * * * *", "has 6 fields"),
            ("@reboot", "has 1 fields"),
            ("61 * * * *", "bad minute"),
            ("0 0 30 2 *", "bad day-of-month"),
        ],
    )
    def test_what_is_no_expression_is_refused(self, cron, words):
        with pytest.raises(ScheduleRefused, match=words):
            Timetable(cron, "UTC")

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "Europe", "../../etc/passwd", "CET-1 x"])
    def test_what_is_no_zone_is_refused(self, zone):
        with pytest.raises(ScheduleRefused, match="is not a time zone"):
            Timetable("@daily", zone)


HOURLY = Timetable("@hourly", "UTC")


class TestDue:
    @pytest.mark.parametrize("rule", list(CatchUp))
    def test_on_time_all_rules_run_it(self, rule):
        since = at("2026-11-28T03:00")

        assert due(HOURLY, rule, since, since + LATE) == (since, at("2026-11-28T04:00"))

    @pytest.mark.parametrize(
        "rule, runs, following",
        [
            (CatchUp.SKIP, None, "2026-11-28T07:00"),
            (CatchUp.LATEST, "2026-11-28T06:00", "2026-11-28T07:00"),
            (CatchUp.ALL, "2026-11-28T03:00", "2026-11-28T04:00"),
        ],
    )
    def test_of_times_that_passed_the_rule_says_which_run(self, rule, runs, following):
        found = due(HOURLY, rule, at("2026-11-28T03:00"), at("2026-11-28T06:10"))

        assert found == (None if runs is None else at(runs), at(following))

    def test_what_passed_does_not_keep_a_time_that_came_just_now_from_running(self):
        found = due(HOURLY, CatchUp.SKIP, at("2026-11-28T03:00"), at("2026-11-28T06:00"))

        assert found == (at("2026-11-28T06:00"), at("2026-11-28T07:00"))

    def test_a_clock_that_was_set_back_runs_nothing_twice(self):
        since = at("2026-11-28T03:00")

        moment, following = due(HOURLY, CatchUp.LATEST, since, since)

        assert moment == since
        assert following - since == timedelta(hours=1)
