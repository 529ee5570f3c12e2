"""Dates and timestamps in files of a COPY: DATEFORMAT and TIMEFORMAT, their defaults, 'auto' and epochs, as PostgreSQL's text."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from localshift.errors import SYNTAX_ERROR, SqlError

Parser = Callable[[str], str]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
TIME = r"(?P<h>\d{1,2}):(?P<i>\d{2})(?::(?P<s>\d{2})(?:\.(?P<f>\d+))?)?(?:\s*(?P<p>[AaPp][Mm]))?"
ZONE = r"(?P<z>\s*(?:[zZ]|UTC|GMT|[+-]\d{1,2}(?::?\d{2})?))"
DATE = r"(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})"
NAME = r"(?P<n>[A-Za-z]{3,9})\.?"
AUTO_DATES = (
    r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})",
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})",
    r"(?P<m>\d{1,2})[-/](?P<d>\d{1,2})[-/](?P<y>\d{4})",
    r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})",
    NAME + r"[ -](?P<d>\d{1,2}),?[ -](?P<y>\d{4})",
    r"(?P<d>\d{1,2})[ -]" + NAME + r"[ -](?P<y>\d{4})",
    r"(?P<y>\d{4})[ -]" + NAME + r"[ -](?P<d>\d{1,2})",
)
AUTO_TIME = rf"(?:[ T]{TIME}|[ T]?(?P<hhmmss>\d{{6}}))?"
AUTO = tuple(re.compile(f"{date}{AUTO_TIME}{ZONE}?") for date in AUTO_DATES)
DEFAULT_DATE = re.compile(f"{DATE}(?:[ T].*)?", re.DOTALL)
DEFAULT_TIMESTAMP = re.compile(rf"{DATE} (?P<h>\d{{1,2}}):(?P<i>\d{{2}}):(?P<s>\d{{2}})(?:\.(?P<f>\d+))?")
DEFAULT_ZONED = re.compile(DEFAULT_TIMESTAMP.pattern + ZONE + "?")
# Longest first: HH24 before HH, MONTH before MON before MM.
PARTS = {
    "YYYY": r"(?P<y>\d{4})",
    "YY": r"(?P<yy>\d{2})",
    "MONTH": NAME,
    "MON": r"(?P<n>[A-Za-z]{3})",
    "MM": r"(?P<m>\d{1,2})",
    "DD": r"(?P<d>\d{1,2})",
    "HH24": r"(?P<h>\d{1,2})",
    "HH12": r"(?P<h>\d{1,2})",
    "HH": r"(?P<h>\d{1,2})",
    "MI": r"(?P<i>\d{1,2})",
    "SS": r"(?P<s>\d{1,2})(?:\.(?P<f>\d+))?",
    "US": r"(?P<f>\d{1,6})",
    "MS": r"(?P<f>\d{1,3})",
    "AM": r"(?P<p>[AaPp][Mm])",
    "PM": r"(?P<p>[AaPp][Mm])",
}
PART = re.compile("|".join(PARTS) + r"|TZ|OF|[A-Za-z]+|.", re.IGNORECASE | re.DOTALL)


def date_parser(text: str) -> Parser:
    """Return what reads a DATE under this DATEFORMAT ('' for none); it raises ValueError for what does not match."""
    patterns = AUTO if text == "auto" else (DEFAULT_DATE,) if not text else (_compiled(text, "DATEFORMAT"),)
    # Few days make many rows.
    return lru_cache(4096)(lambda value: _read(value, patterns)[:10])


def timestamp_parser(text: str, *, zoned: bool) -> Parser:
    """Return what reads a TIMESTAMP or TIMESTAMPTZ under this TIMEFORMAT; it raises ValueError for what does not match."""
    if text in ("epochsecs", "epochmillisecs"):
        unit = timedelta(seconds=1) if text == "epochsecs" else timedelta(milliseconds=1)
        return lambda value: _epoch(value, unit)
    if not text:
        patterns: tuple[re.Pattern[str], ...] = (DEFAULT_ZONED if zoned else DEFAULT_TIMESTAMP,)
    else:
        patterns = AUTO if text == "auto" else (_compiled(text, "TIMEFORMAT"),)
    if text or zoned:
        return lambda value: _read(value, patterns)
    return lambda value: value if _is_plain(value) else _read(value, patterns)


def _is_plain(value: str) -> bool:
    """Whether this is a moment written as PostgreSQL writes it, to the second or with three or six digits behind it."""
    if len(value) not in (19, 23, 26) or not DEFAULT_TIMESTAMP.fullmatch(value) or not value.isascii():
        return False
    datetime.fromisoformat(value)
    return True


def _compiled(text: str, name: str) -> re.Pattern[str]:
    out: list[str] = []
    for found in PART.finditer(text):
        piece = found.group()
        if piece.upper() in ("TZ", "OF"):
            raise SqlError(SYNTAX_ERROR, f"{name} cannot contain a time zone specifier: '{text}'")
        out.append(PARTS.get(piece.upper(), re.escape(piece)))
    pattern = "".join(out)
    try:
        return re.compile(pattern + (r"(?:[ T].*)?" if name == "DATEFORMAT" else ""), re.IGNORECASE | re.DOTALL)
    except re.error as exc:
        raise SqlError(SYNTAX_ERROR, f"{name} '{text}' names one part twice") from exc


def _epoch(value: str, unit: timedelta) -> str:
    try:
        moment = EPOCH + unit * float(value) if "." in value or "e" in value.lower() else EPOCH + unit * int(value)
    except OverflowError as exc:
        raise ValueError(value) from exc
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0") + "+00"


def _read(value: str, patterns: tuple[re.Pattern[str], ...]) -> str:
    for pattern in patterns:
        found = pattern.fullmatch(value)
        if found is not None:
            return _moment({key: part for key, part in found.groupdict().items() if part is not None})
    raise ValueError(value)


def _moment(parts: dict[str, str]) -> str:
    year = int(parts["y"]) if "y" in parts else 2000 + int(parts.get("yy", "0"))
    if "yy" in parts and year >= 2070:
        year -= 100
    month = MONTHS.index(parts["n"][:3].lower()) + 1 if "n" in parts else int(parts.get("m", "1"))
    hour, minute, second = int(parts.get("h", "0")), int(parts.get("i", "0")), int(parts.get("s", "0"))
    if "hhmmss" in parts:
        hour, minute, second = (int(parts["hhmmss"][i : i + 2]) for i in (0, 2, 4))
    if "p" in parts:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if parts["p"].lower() == "pm" else 0)
    micros = int((parts.get("f", "0") + "000000")[:6])
    moment = datetime(year, month, int(parts.get("d", "1")), hour, minute, second, micros)  # noqa: DTZ001 - as written
    return moment.isoformat(sep=" ") + _zone(parts.get("z", "").strip())


def _zone(text: str) -> str:
    if not text:
        return ""
    if text[0] not in "+-":
        return "+00"
    if int(text[1:].partition(":")[0][:2]) > 15:
        raise ValueError(text)
    return text
