"""How numbers, times and shares read on the page; all times are UTC."""

from datetime import UTC, datetime, timedelta
from typing import Final

_STEPS: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
_UNITS: Final = ("B", "kB", "MB", "GB")


def number(value: float) -> str:
    """A whole number with thousands separators."""
    return f"{value:,.0f}"


def counted(value: int, one: str, many: str = "") -> str:
    """A count and what is counted, in its number: ``1 row``, ``2,000 rows``."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def share(value: float) -> str:
    """A share in per cent; what is neither nothing nor all never reads like it."""
    if 0 < value < 0.001:
        return "< 0.1 %"
    if 0.999 < value < 1:
        return "> 99.9 %"
    return f"{value:.0%}".replace("%", " %") if value in (0, 1) else f"{value:.1%}".replace("%", " %")


def size(value: float) -> str:
    """Bytes, as Rokt counts them: a kB is 1,000."""
    for unit in _UNITS[:-1]:
        if value < 1_000:
            return f"{value:,.0f} {unit}"
        value /= 1_000
    return f"{value:,.1f} {_UNITS[-1]}"


def clock(at: datetime) -> str:
    """A time, as ``27 Nov 2026, 06:00:12``."""
    return f"{at.astimezone(UTC):%-d %b %Y, %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """How long ago it is, in one unit."""
    seconds = (now - at).total_seconds()
    for step, name in _STEPS:
        if seconds >= step:
            return f"{counted(int(seconds // step), name)} ago"
    return "just now"


def duration(span: timedelta) -> str:
    """How long something took, in at most two units; ledgers know whole seconds."""
    seconds = max(int(span.total_seconds()), 0)
    hours, minutes = seconds // 3_600, seconds % 3_600 // 60
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s" if seconds else "under 1 s"
