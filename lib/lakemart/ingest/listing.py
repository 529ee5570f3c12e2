"""Which keys under the raw zone are a source's objects, which dates they are of, and whether they may be read yet."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import translate

from lakemart.config.source import ObjectRules
from lakemart.errors import TransientError
from lakemart.storage.store import ObjectInfo, Store

_PARTS = {
    "{yyyy}": r"(?P<yyyy>\d{4})",
    "{MM}": r"(?P<MM>\d{2})",
    "{dd}": r"(?P<dd>\d{2})",
    "{HH}": r"(?P<HH>\d{2})",
}


def source_objects(raw: Store, rules: ObjectRules, *, since: datetime | None = None) -> Iterator[ObjectInfo]:
    """The objects under the source's prefix, in key order, without hidden keys and folder markers.

    A key that is listed twice counts once. Markers of completion are among them, for they say which folders are whole.
    Of a dated prefix those of dates before `since` are not listed: dates stand in keys from the year down, so key order
    is their order. Raises TransientError when the listing is not in key order, for nothing that goes by it would hold.
    """
    static = rules.prefix.partition("{")[0]
    last = ""
    for info in raw.list(static, start_after=first_listed(rules, since)):
        if info.key < last:
            raise TransientError(
                f"the listing is not in key order: {info.key!r} comes after {last!r}",
                where=raw.location.uri,
                next_step="Run again; a store that always lists so (a directory bucket) cannot be a raw zone.",
            )
        if info.key != last and not _is_hidden(info.key, static) and not info.key.endswith("/"):
            yield info
        last = info.key


def object_at(raw: Store, key: str) -> ObjectInfo | None:
    """The object of exactly this key as it lies there now; None when there is none. One request."""
    first = next(iter(raw.list(key)), None)  # of all keys that begin so, the key itself comes first
    return first if first is not None and first.key == key else None


def first_listed(rules: ObjectRules, since: datetime | None) -> str:
    """The key after which a listing begins that leaves dates before `since` out; empty when it leaves none out."""
    return "" if since is None else _rendered(rules.prefix, since)


def _rendered(prefix: str, date: datetime) -> str:
    """The prefix of a date, cut before what only a later part of it tells.

    >>> _rendered("in/{yyyy}/{MM}/", datetime(2024, 3, 5, tzinfo=UTC))
    'in/2024/03/'
    """
    values = {"{yyyy}": f"{date:%Y}".zfill(4), "{MM}": f"{date:%m}", "{dd}": f"{date:%d}", "{HH}": f"{date:%H}"}
    for text, value in values.items():
        prefix = prefix.replace(text, value)
    return prefix


def _is_hidden(key: str, static: str) -> bool:
    """Segments that begin with `_` or `.` hide an object; those the user named in the prefix himself do not."""
    below = key[static.rfind("/") + 1 :]
    return any(segment.startswith(("_", ".")) for segment in below.split("/"))


def key_pattern(rules: ObjectRules) -> re.Pattern[str]:
    """The expression that a data object's whole key matches: the prefix with its dates, then the glob.

    >>> rules = ObjectRules(prefix="{yyyy}/{MM}/", pattern="*.json.gz")
    >>> bool(key_pattern(rules).fullmatch("2015/01/a.json.gz")), bool(key_pattern(rules).fullmatch("x/01/a.json.gz"))
    (True, False)
    """
    prefix = re.escape(rules.prefix)
    for text, expression in _PARTS.items():
        escaped = re.escape(text)
        prefix = prefix.replace(escaped, expression, 1).replace(escaped, f"(?P={text[1:-1]})")
    glob = translate(rules.pattern).removeprefix("(?s:").removesuffix(")\\Z")
    return re.compile(f"{prefix}(?:{glob})", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """The dates in the keys of a source with a dated prefix. A date is the beginning of its hour, day, month or year."""

    rules: ObjectRules
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", key_pattern(self.rules))

    def of(self, key: str) -> datetime | None:
        """The date in a key; None when its digits are no date, which no date closes."""
        found = self.pattern.fullmatch(key)
        if found is None:
            return None
        parts = found.groupdict()
        try:
            return datetime(
                int(parts["yyyy"]), int(parts.get("MM") or 1), int(parts.get("dd") or 1), int(parts.get("HH") or 0), tzinfo=UTC
            )  # fmt: skip
        except ValueError:
            return None

    def first_open(self, now: datetime) -> datetime:
        """The beginning of the oldest date that is not closed yet."""
        limit = now - (self.rules.closed_after or timedelta())
        if "{HH}" in self.rules.prefix:
            return limit.replace(minute=0, second=0, microsecond=0)
        if "{dd}" in self.rules.prefix:
            return limit.replace(hour=0, minute=0, second=0, microsecond=0)
        if "{MM}" in self.rules.prefix:
            return limit.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return limit.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)


def with_completion(
    listed: Iterable[ObjectInfo], rules: ObjectRules, now: datetime
) -> Iterator[tuple[ObjectInfo, bool]]:
    """Each data object with whether it may be read now. Holds no more than the objects of the folders it stands in."""
    wanted = key_pattern(rules)
    marker = rules.complete.marker
    if marker is None:
        for info in listed:
            if wanted.fullmatch(info.key):
                yield info, is_old_enough(info, rules, now)
        return
    standing: list[_Folder] = []
    for info in listed:
        folder, _, name = info.key.rpartition("/")
        while standing and not _is_within(folder, standing[-1].name):
            yield from standing.pop().objects()
        if not standing or standing[-1].name != folder:
            standing.append(_Folder(name=folder))
        if name == marker:
            standing[-1].whole = True
        elif wanted.fullmatch(info.key):
            standing[-1].held.append(info)
    while standing:
        yield from standing.pop().objects()


def is_old_enough(info: ObjectInfo, rules: ObjectRules, now: datetime) -> bool:
    """Whether the object has the age at which the source takes objects for whole."""
    after = rules.complete.after
    return after is None or now - info.modified >= after


@dataclass(slots=True, kw_only=True)
class _Folder:
    """A folder whose listing has begun: its data objects so far, and whether its marker was seen."""

    name: str
    held: list[ObjectInfo] = field(default_factory=list)
    whole: bool = False

    def objects(self) -> Iterator[tuple[ObjectInfo, bool]]:
        return ((info, self.whole) for info in self.held)


def _is_within(folder: str, other: str) -> bool:
    return other in {folder, ""} or folder.startswith(f"{other}/")
