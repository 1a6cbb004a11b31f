"""Times as people write them: so long ago, or a date with a time."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str | None, option: str) -> datetime | None:
    """The time in UTC that an option such as `--since` names; in the zone of this machine when the text
    names none. Raises InvalidRequest.
    """
    if text is None:
        return None
    from pileus.core.errors import InvalidRequest  # start-up time

    ago = re.fullmatch(r"(\d{1,6})([smhd])", text)
    try:
        if ago:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(
            f"{option} {text!r} is not a time",
            hint="Write 30s, 10m, 2h or 1d, or a time such as 2026-01-31T14:00.",
        ) from error
