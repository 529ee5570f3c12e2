"""Dates and times from text or epoch numbers, exact to the microsecond, in UTC; the calendar is the proleptic Gregorian one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from lakemart.decode.numbers import Number, to_scale

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII).fullmatch
_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))?", re.ASCII
).fullmatch
_UNIT_SCALE: Final = {"s": 6, "ms": 3, "us": 0, "ns": -3}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local and UTC clock readings are counted from here alike
_SECOND: Final = 1_000_000
_DAY: Final = 86_400 * _SECOND
MIN_MICROS: Final = -62_135_596_800 * _SECOND
"""0001-01-01T00:00:00Z"""
MAX_MICROS: Final = 253_402_300_800 * _SECOND - 1
"""9999-12-31T23:59:59.999999Z"""

Moment = int | str
"""Microseconds (or days) since 1970-01-01 in UTC, or the reason why there are none."""


def day_of(text: str) -> Moment:
    """Days since 1970-01-01 of a text `YYYY-MM-DD`, years 0001 to 9999."""
    match = _DATE(text)
    if not match:
        return "bad_text"
    year, month, day = map(int, match.groups())
    if year == 0:
        return "out_of_range"
    try:
        return date(year, month, day).toordinal() - _EPOCH.toordinal()
    except ValueError:
        return "bad_text"


def epoch_micros(number: Number, *, unit: str, rounding: bool) -> Moment:
    """Microseconds of an epoch count in `unit`; below a microsecond only with `rounding` (half to even)."""
    micros = to_scale(number, scale=_UNIT_SCALE[unit], precision=18, rounding=rounding)
    if isinstance(micros, str):
        return micros
    return micros if MIN_MICROS <= micros <= MAX_MICROS else "out_of_range"


def micros_of(text: str, *, zone: str | None, rounding: bool, lenient: bool) -> Moment:
    """Microseconds of a time as RFC 3339 writes it (`T`, `t` or one space; `Z`, `z` or ±HH:MM).

    Without an offset the text is a clock reading in `zone`. A leap second and digits below a microsecond need
    `rounding`; a reading that the zone's clock skipped or showed twice needs `lenient`.
    """
    match = _TIME(text)
    if not match:
        return "bad_text"
    year, month, day, hour, minute, second = map(int, match.group(1, 2, 3, 4, 5, 6))
    fraction, zulu, sign, offset_hours, offset_minutes = match.group(7, 8, 9, 10, 11)
    if year == 0:
        return "out_of_range"
    leap = second == 60
    try:
        reading = datetime(year, month, day, hour, minute, 59 if leap else second)  # noqa: DTZ001 - a clock reading
    except ValueError:
        return "bad_text"
    if zulu or sign:
        seconds = _offset_seconds(sign, offset_hours, offset_minutes)
    elif zone is None:
        return "no_offset"
    else:
        seconds = _zone_seconds(reading, zone, lenient=lenient)
    if isinstance(seconds, str):
        return seconds
    return _instant(reading, seconds, fraction or "0", leap=leap, rounding=rounding)


def _offset_seconds(sign: str | None, hours: str | None, minutes: str | None) -> Moment:
    """Seconds east of UTC of a written offset; `Z` is 0."""
    if sign is None or hours is None or minutes is None:
        return 0
    if int(hours) > 23 or int(minutes) > 59:
        return "bad_text"
    seconds = int(hours) * 3600 + int(minutes) * 60
    return -seconds if sign == "-" else seconds


def _zone_seconds(reading: datetime, zone: str, *, lenient: bool) -> Moment:
    """Seconds east of UTC of a clock reading in `zone`. Leniently the offset before the change counts."""
    region = ZoneInfo(zone)
    earlier = reading.replace(tzinfo=region, fold=0).utcoffset()
    later = reading.replace(tzinfo=region, fold=1).utcoffset()
    assert earlier is not None and later is not None  # noqa: S101, PT018 - a region always has one
    if earlier != later and not lenient:
        return "ambiguous_time" if earlier > later else "no_such_time"
    return earlier // timedelta(seconds=1)


def _instant(reading: datetime, seconds: int, fraction: str, *, leap: bool, rounding: bool) -> Moment:
    base = ((reading - _EPOCH) // timedelta(seconds=1) - seconds) * _SECOND
    if leap and (base + _SECOND) % _DAY:
        return "bad_text"
    micros = to_scale(Number.read(f"0.{fraction}"), scale=6, precision=18, rounding=rounding)
    if isinstance(micros, str) or (leap and not rounding):
        return "not_exact"
    instant = base + (_SECOND if leap else 0) + micros
    return instant if MIN_MICROS <= instant <= MAX_MICROS else "out_of_range"


def instant(micros: int) -> datetime:
    """The moment as a datetime in UTC."""
    return _EPOCH.replace(tzinfo=UTC) + timedelta(microseconds=micros)
