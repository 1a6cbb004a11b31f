"""When a schedule runs: the times of a cron expression, and which of those that passed count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from pileus.core.schemas.schedules import CatchUp
from pileus.jobs.errors import ScheduleRefused

LATE = timedelta(minutes=1)
"""A time that is older has passed: the server was away, or something was in the way."""

_FIELDS = 5
_SHORT = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
}


class Timetable:
    """Times of a cron expression in a time zone, as Debian's cron has them.

    When clocks go forward, a fixed time that is left out comes right after; when they go back, a
    fixed time that there is twice counts once. Raises ScheduleRefused.
    """

    def __init__(self, cron: str, time_zone: str) -> None:
        self._expression = _SHORT.get(cron.strip().lower(), cron)
        self._zone = _zone(time_zone)
        if len(self._expression.split()) != _FIELDS:
            raise ScheduleRefused(
                f"{cron!r} is not a cron expression: it has {len(self._expression.split())} fields",
                hint="Write minute, hour, day of month, month and day of week: '30 2 * * *', or"
                f" one of {', '.join(_SHORT)}.",
            )
        try:
            CronSim(self._expression, datetime.now(UTC))
        except CronSimError as error:
            raise ScheduleRefused(
                f"{cron!r} is not a cron expression: {str(error).lower()}",
                hint="Fields: minute 0-59, hour 0-23, day of month 1-31, month 1-12, day of week 0-7.",
            ) from error

    def after(self, moment: datetime, count: int = 1) -> list[datetime]:
        """The next `count` times after `moment`, in the schedule's time zone."""
        return list(islice(self._times(moment), count))

    def next(self, moment: datetime) -> datetime:
        """The first time after `moment`, in UTC."""
        return next(self._times(moment)).astimezone(UTC)

    def latest(self, moment: datetime) -> datetime:
        """The last time that is not after `moment`, in UTC."""
        # Backwards it gives what is before, so that it starts a second later.
        since = moment.replace(microsecond=0) + timedelta(seconds=1)
        return next(self._times(since, reverse=True)).astimezone(UTC)

    def local(self, moment: datetime) -> datetime:
        """`moment` in the schedule's time zone."""
        return moment.astimezone(self._zone)

    def _times(self, moment: datetime, *, reverse: bool = False) -> Iterator[datetime]:
        return CronSim(self._expression, self.local(moment), reverse=reverse)


def due(
    timetable: Timetable, rule: CatchUp, since: datetime, now: datetime
) -> tuple[datetime | None, datetime]:
    """The time to run for, if any, and the first that is not dealt with then.

    `since` is the first that is not dealt with now, and has come.
    """
    if rule is CatchUp.ALL:
        return since, timetable.next(since)
    latest = max(since, timetable.latest(now))
    is_skipped = rule is CatchUp.SKIP and now - latest > LATE
    return None if is_skipped else latest, timetable.next(now)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a directory of zones: OSError
        raise ScheduleRefused(
            f"{name!r} is not a time zone",
            hint="Write it as the IANA time zone database does: Europe/Berlin, Asia/Shanghai, UTC.",
        ) from error
