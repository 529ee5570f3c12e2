"""How objects stand by the ledger: the sums of all that was entered for them, adjusting entries included."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.lake.append import appended_number, open_appended
from lakemart.lake.read import read_table
from lakemart.ledger import records
from lakemart.ledger.projection import SCHEMAS, application, table_name
from lakemart.ledger.records import Json
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

_COUNTS = ("records", "good", "quarantined", "duplicate", "filtered", "children")


@dataclass(slots=True, kw_only=True)
class Standing:
    """One object: the version last read well and its order, its sums, the slices any of its records ever went to.

    `order` is the number of the batch that first read this version.
    """

    key: str
    etag: str
    size: int
    order: int
    counts: dict[str, int]
    slices: set[str | None]


def standing(lake: Location, writer: str, keys: Collection[str] | None = None) -> dict[str, Standing]:
    """How each of these objects (None: all) stands, by key; one that was never read well has no entry.

    From the projection as far as it goes, then from the records.
    """
    found: dict[str, Standing] = {}
    for number, item in _entries(lake, writer, None if keys is None else sorted(keys)):
        if item["status"] in ("damaged", "unread"):
            continue
        one = found.get(item["key"])
        if one is None or item["status"] == "replaced":
            fresh = Standing(key=item["key"], etag="", size=0, order=0, counts=dict.fromkeys(_COUNTS, 0), slices=set())
            one = found[item["key"]] = one or fresh
            one.slices = set()
        if item["status"] == "read":
            one.etag, one.size, one.order = item["etag"], item["size"], item["order"] or number
        if item["status"] != "replaced":
            one.slices |= set(item["slices"] or ())
        for count in _COUNTS:
            one.counts[count] += item[count]
    return found


def _entries(lake: Location, writer: str, keys: list[str] | None) -> Iterator[tuple[int, Json]]:
    """Every entry of every committed number in order, those of one number that take out before those that bring in."""
    table = open_appended(lake, table_name("objects"))
    through = appended_number(table, application(writer))
    wanted: Callable[[str], bool] = (lambda _: True) if keys is None else frozenset(keys).__contains__
    if table is not None:
        names = [name for name in SCHEMAS["objects"].names if name not in ("run", "at", "reason")]
        stored = read_table(lake, table_name("objects"), table.version(), columns=names)
        mask = pc.equal(stored.column("writer"), writer)
        if keys is not None:
            mask = pc.and_(mask, pc.is_in(stored.column("key"), pa.array(keys, pa.string())))
        rows = stored.filter(mask).to_pylist()
        yield from sorted(((row["number"], row) for row in rows), key=_place)
    for record in records.numbers(open_store(lake), writer, after=through):
        if record.committed and record.decision is not None:
            items = (*record.decision.get("adjustments", ()), *record.decision.get("objects", ()))
            found = [(record.number, item) for item in items if wanted(item["key"])]
            yield from sorted(found, key=_place)


def _place(entry: tuple[int, Json]) -> tuple[int, bool]:
    number, item = entry
    return number, item["status"] != "replaced"
