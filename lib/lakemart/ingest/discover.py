"""What is there to read: the raw zone's listing against what the ledger knows, by etag and never by time.

An object is known when its etag equals the last one of its key that was read (well, or as damaged). A key that was
never read well is new. A known key under another etag was overwritten, and the source's policy says what then. Listing
and knowledge are walked side by side in key order, so memory does not grow with either.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from lakemart.config.source import ObjectRules
from lakemart.ingest.listing import (
    Dates,
    first_listed,
    is_old_enough,
    key_pattern,
    object_at,
    source_objects,
    with_completion,
)
from lakemart.ingest.objects import RawObject
from lakemart.ledger.known import KnownObject
from lakemart.storage.store import ObjectInfo, Store

_REVISITED = 1000
"""How many damaged objects of dates that are not listed are looked at by themselves, each for one request."""

Known = Iterable[tuple[str, KnownObject]]
"""What is known, in key order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """A known key whose content was replaced: the etag that was read, and the object as it is now."""

    known_etag: str
    now: RawObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a discovery may take: how many objects and bytes, of overwritten ones too or not, and none of `not_now`.

    `not_now` are keys and etags that this run tried in vain. `since` is the date before which everything of a dated
    prefix was taken.
    """

    objects: int
    bytes: int | None = None
    replacing: bool = False
    not_now: Collection[tuple[str, str]] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a listing showed.

    `new` and `replaced` are the objects to read, the oldest that the search's bounds admit, in key order; `left` counts
    those beyond the bounds, `waiting` those not complete yet, `overwritten` those that the source does not replace, of
    which `first_overwritten` is one. `not_now` are those the search left out. `open_since` is the date before which
    everything of a dated prefix is taken once these objects are read.
    """

    new: tuple[RawObject, ...]
    replaced: tuple[RawObject, ...] = ()
    left: int = 0
    waiting: int = 0
    overwritten: int = 0
    first_overwritten: Overwritten | None = None
    not_now: tuple[RawObject, ...] = ()
    open_since: datetime | None = None


class _Found(NamedTuple):
    """A candidate, so ordered that the oldest comes first."""

    modified: datetime
    key: str
    raw: RawObject
    overwrites: bool


@dataclass(slots=True)
class _Seen:
    """What the walk gathers besides candidates."""

    waiting: int = 0
    overwritten: int = 0
    first: Overwritten | None = None
    not_now: list[RawObject] = field(default_factory=list)
    oldest_left: datetime | None = None


def discover(raw: Store, rules: ObjectRules, known: Known, now: datetime, search: Search) -> Discovery:
    """Lists the source's objects and compares each with what is known of its key. Reads no object."""
    dates = Dates(rules=rules) if rules.dated else None
    seen = _Seen()
    kept = _Oldest(search, dates, seen)
    for info, complete, before in _unread(raw, rules, known, now, search):
        found = RawObject(key=info.key, etag=info.etag, size=info.size)
        if (info.key, info.etag) in search.not_now:
            seen.not_now.append(found)
            _leave(seen, dates, info.key)
        elif not complete:
            seen.waiting += 1
            _leave(seen, dates, info.key)
        elif before is None or not before.read_well:
            kept.offer(_Found(info.modified, info.key, found, overwrites=False))
        elif search.replacing:
            kept.offer(_Found(info.modified, info.key, found, overwrites=True))
        else:
            if rules.overwritten == "error":  # told by every run until it is settled, so its date must be listed
                _leave(seen, dates, info.key)
            seen.overwritten += 1
            seen.first = seen.first or Overwritten(known_etag=before.etag, now=found)
    chosen = kept.chosen()
    return Discovery(
        new=tuple(one.raw for one in chosen if not one.overwrites),
        replaced=tuple(one.raw for one in chosen if one.overwrites),
        left=kept.left,
        waiting=seen.waiting,
        overwritten=seen.overwritten,
        first_overwritten=seen.first,
        not_now=tuple(seen.not_now),
        open_since=None if dates is None else min(filter(None, (dates.first_open(now), seen.oldest_left))),
    )


def late_objects(raw: Store, rules: ObjectRules, known: Known, now: datetime, since: datetime) -> Iterator[ObjectInfo]:
    """Objects of dates before `since`, which plain runs no longer list, that the ledger does not know as they are."""
    dates = Dates(rules=rules)
    for info, _, before in _unread(raw, rules, known, now, Search(objects=0)):
        date = dates.of(info.key)
        ignored = before is not None and before.read_well and rules.overwritten == "ignore"
        if date is not None and date < since and not ignored:
            yield info


class _Oldest:
    """The oldest candidates within a search's bounds; memory for no more than the bound on objects."""

    def __init__(self, search: Search, dates: Dates | None, seen: _Seen) -> None:
        self._search = search
        self._dates = dates
        self._seen = seen
        self._heap: list[tuple[float, str, _Found]] = []
        self.left = 0

    def offer(self, found: _Found) -> None:
        """Takes a candidate, and lets the youngest go when there are too many."""
        heapq.heappush(self._heap, (-found.modified.timestamp(), _after(found.key), found))
        if len(self._heap) > self._search.objects:
            self._let_go(heapq.heappop(self._heap)[2])

    def chosen(self) -> list[_Found]:
        """The candidates that are taken, in key order; at least one, however large."""
        room = self._search.bytes
        taken: list[_Found] = []
        for found in sorted(entry[2] for entry in self._heap):
            if room is not None and taken and found.raw.size > room:
                self._let_go(found)
                room = 0
                continue
            room = None if room is None else room - found.raw.size
            taken.append(found)
        return sorted(taken, key=lambda found: found.key)

    def _let_go(self, found: _Found) -> None:
        self.left += 1
        _leave(self._seen, self._dates, found.key)


def _after(key: str) -> str:
    """A text that is the smaller the greater the key, so that of two equally old the later key goes first."""
    return "".join(chr(0x10FFFF - ord(letter)) for letter in key) + chr(0x10FFFF)


def _leave(seen: _Seen, dates: Dates | None, key: str) -> None:
    """Remembers that something of the key's date stays behind."""
    date = dates.of(key) if dates is not None else None
    if date is not None and (seen.oldest_left is None or date < seen.oldest_left):
        seen.oldest_left = date


def _unread(
    raw: Store, rules: ObjectRules, known: Known, now: datetime, search: Search
) -> Iterator[tuple[ObjectInfo, bool, KnownObject | None]]:
    """Every listed object that is not known as it is, whether it is complete, and what is known of its key.

    After them those of dates that are not listed whose last version was damaged and is another now: their repair is
    asked for by every run that met them.
    """
    wanted = key_pattern(rules)
    sorted_known = iter(known)
    nearest = next(sorted_known, None)
    befores: dict[str, KnownObject] = {}
    damaged: list[tuple[str, KnownObject]] = []
    unlisted = first_listed(rules, search.since)
    while nearest is not None and nearest[0] <= unlisted:
        if nearest[1].is_damaged and len(damaged) < _REVISITED:
            damaged.append(nearest)
        nearest = next(sorted_known, None)

    def unknown() -> Iterator[ObjectInfo]:
        nonlocal nearest
        for info in source_objects(raw, rules, since=search.since):
            while nearest is not None and nearest[0] < info.key:
                nearest = next(sorted_known, None)
            before = nearest[1] if nearest is not None and nearest[0] == info.key else None
            if before is not None and before.etag == info.etag:
                continue
            if before is not None and wanted.fullmatch(info.key):
                befores[info.key] = before
            yield info

    for info, complete in with_completion(unknown(), rules, now):
        yield info, complete, befores.pop(info.key, None)
    for info, before in _changed(raw, damaged):
        yield info, is_old_enough(info, rules, now), before


def _changed(raw: Store, before: Iterable[tuple[str, KnownObject]]) -> Iterator[tuple[ObjectInfo, KnownObject]]:
    """Those of these keys that are there under another etag; a request each."""
    for key, known in before:
        info = object_at(raw, key)
        if info is not None and info.etag != known.etag:
            yield info, known
