"""What is known of each raw object of a source, from the ledger: the last etag read under its key, and how that went.

A sorted file, the index, says it up to some number; the numbers after it are read from the ledger's small objects. The
index is a projection like the ledger's tables: it is made again from the small objects whenever it lacks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from lakemart.ledger import index, records
from lakemart.ledger.index import Reading
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

_TAIL = 20_000
"""With more readings than this after the index it is written anew."""

_TAIL_NUMBERS = 50
"""So it is with more numbers than this after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownObject:
    """The last reading of a key: its etag, the number that read it, and the etag last read well (None: never)."""

    etag: str
    number: int
    good_etag: str | None

    @property
    def read_well(self) -> bool:
        """Whether any version of this key was ever read well; a key that never was is new under another etag."""
        return self.good_etag is not None

    @property
    def is_damaged(self) -> bool:
        """Whether the version last read could not be used."""
        return self.good_etag != self.etag


def known_stream(lake: Location, writer: str, *, start_after: str = "") -> Iterator[tuple[str, KnownObject]]:
    """What is known of every key after `start_after` that a committed number read, well or as damaged, in key order.

    Holds a piece of the index and the readings after it in memory, however many objects are known.
    """
    for key, known in _stream(*_tail(open_store(lake), writer)):
        if key > start_after:
            yield key, known


def known_objects(lake: Location, writer: str, keys: Collection[str] | None = None) -> dict[str, KnownObject]:
    """What is known of these keys, of all by default."""
    wanted = None if keys is None else frozenset(keys)
    return {key: known for key, known in known_stream(lake, writer) if wanted is None or key in wanted}


def refresh_index(lake: Location, writer: str) -> Iterator[tuple[str, KnownObject]]:
    """Writes the index anew when the ledger has gone far beyond it; returns what `known_stream` would, read but once.

    Harmless at any time, and when it fails half-way.
    """
    store = open_store(lake)
    while True:
        found, tail, through, more = _chunk(store, writer)
        if not more and len(tail) <= _TAIL and through - _number(found) <= _TAIL_NUMBERS:
            return _stream(found, tail)
        index.write(store, writer, through, index.merged(index.readings(found), tail))


def _stream(found: index.Index | None, tail: dict[str, Reading]) -> Iterator[tuple[str, KnownObject]]:
    for key, reading in index.merged(index.readings(found), tail):
        yield key, _known(reading)


def _number(found: index.Index | None) -> int:
    return 0 if found is None else found.number


def _tail(store: Store, writer: str) -> tuple[index.Index | None, dict[str, Reading]]:
    """The newest index, and what every committed number after it says."""
    found = index.newest(store, writer)
    tail: dict[str, Reading] = {}
    for record in records.numbers(store, writer, after=_number(found)):
        _enter(tail, record)
    return found, tail


def _chunk(store: Store, writer: str) -> tuple[index.Index | None, dict[str, Reading], int, bool]:
    """As `_tail`, but no further than one index can take at a time; the number reached, and whether there is more."""
    found = index.newest(store, writer)
    tail: dict[str, Reading] = {}
    through = _number(found)
    for record in records.numbers(store, writer, after=through):
        if not record.closed:
            break
        if len(tail) > _TAIL:
            return found, tail, through, True
        _enter(tail, record)
        through = record.number
    return found, tail, through, False


def _enter(tail: dict[str, Reading], record: records.Record) -> None:
    if not record.committed or record.decision is None:
        return
    for item in record.decision.get("objects", ()):
        if item["status"] == "unread":
            continue
        before = tail.get(item["key"])
        if item["status"] == "read":
            good: str | None = item["etag"]
        else:
            good = before.good_etag if before is not None else index.AS_BEFORE
        tail[item["key"]] = Reading(etag=item["etag"], number=record.number, good_etag=good)


def _known(reading: Reading) -> KnownObject:
    good = None if reading.good_etag == index.AS_BEFORE else reading.good_etag
    return KnownObject(etag=reading.etag, number=reading.number, good_etag=good)
