"""Values as a person reads them: money, durations, sizes, times."""

from __future__ import annotations

from datetime import UTC, datetime

MICRO = 1_000_000
_KIB = 1024
_MINUTE = 60
_HOUR = 3600
_DAY = 86400


def money(micro: int, currency: str = "") -> str:
    """Micro-units as an amount; six places, because a prediction costs that little."""
    sign, whole, rest = "-" if micro < 0 else "", *divmod(abs(micro), MICRO)
    return f"{sign}{whole:,}.{rest:06d} {currency}".rstrip()


def price(micro: int, exponent: int, currency: str = "") -> str:
    """What one unit costs, exactly, when `micro` is the price of 10**`exponent` units."""
    digits = f"{abs(micro):0{exponent + 7}d}"
    point = len(digits) - exponent - 6
    fraction = digits[point:].rstrip("0")
    return f"{'-' if micro < 0 else ''}{digits[:point]}.{fraction or '0'} {currency}".rstrip()


def seconds(value: float) -> str:
    """A duration: `0.4 s`, `1 min 5 s`, `2 h 3 min`."""
    if value < _MINUTE:
        return f"{value:.1f} s"
    if value < _HOUR:
        return f"{int(value // _MINUTE)} min {int(value % _MINUTE)} s"
    return f"{int(value // _HOUR)} h {int(value % _HOUR // _MINUTE)} min"


def size(count: int) -> str:
    """Bytes: `512 B`, `1.5 MiB`."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < _KIB:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KIB
    return f"{amount:.1f} TiB"


def mib(count: int) -> str:
    """MiB, as short as a table needs: `104M`, `1.5G`."""
    if count < _KIB:
        return f"{count}M"
    amount, unit = (count / _KIB, "G") if count < _KIB * _KIB else (count / _KIB**2, "T")
    return f"{amount:.1f}".removesuffix(".0") + unit


def milli(count: int) -> str:
    """Thousandths as a number: `0.5`, `2`."""
    return f"{count / 1000:g}"


def figure(value: object) -> object:
    """A measured number to six digits; anything else as it is."""
    return f"{value:.6g}" if isinstance(value, float) else value


def ago(moment: str | None, now: datetime | None = None) -> str:
    """How long ago an ISO 8601 time was."""
    if not moment:
        return ""
    then = datetime.fromisoformat(moment)
    passed = max(0.0, ((now or datetime.now(UTC)) - then).total_seconds())
    if passed < _MINUTE:
        return "just now"
    if passed < _HOUR:
        return f"{int(passed // _MINUTE)} min ago"
    if passed < _DAY:
        return f"{int(passed // _HOUR)} h ago"
    return then.strftime("%Y-%m-%d")


def moment(when: str | None) -> str:
    """An ISO 8601 time in the zone of this machine, to the minute."""
    if not when:
        return ""
    return datetime.fromisoformat(when).astimezone().strftime("%Y-%m-%d %H:%M")


def start(eta: str | None, after: str | None, now: datetime | None = None) -> str:
    """When what waits is expected to start: `at about 14:05, when job_… ends`."""
    if not eta:
        return "not known"
    when = datetime.fromisoformat(eta).astimezone()
    day = "" if when.date() == (now or datetime.now(UTC)).astimezone().date() else "%Y-%m-%d "
    ending = f", when {after} ends" if after else ""
    return f"at about {when.strftime(f'{day}%H:%M')}{ending}"


def is_past(when: str | None, now: datetime | None = None) -> bool:
    """Whether an ISO 8601 time has come."""
    return bool(when) and datetime.fromisoformat(str(when)) <= (now or datetime.now(UTC))


def lasted(began: str | None, ended: str | None, now: datetime | None = None) -> str:
    """How long something took, or has taken so far."""
    if not began:
        return ""
    until = datetime.fromisoformat(ended) if ended else (now or datetime.now(UTC))
    return seconds(max(0.0, (until - datetime.fromisoformat(began)).total_seconds()))
