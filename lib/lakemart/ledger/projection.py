"""The ledger's tables for people and SQL: a projection of the small objects.

Whatever is in them can be built again from the objects; nothing decides by them but what they are ahead of: the index
of known objects, which reads on from the number up to which a table is projected.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice

import pyarrow as pa

from lakemart.lake.append import AppendedTable, Lacking, append_lacking, appended_number, columns_of, refill
from lakemart.ledger import records
from lakemart.ledger.records import ROOT, Json, Record
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

_IDENTITY = [("writer", pa.string()), ("number", pa.int64()), ("run", pa.string()), ("at", pa.string())]
_PIECE = 10_000
_COUNTS = [(name, pa.int64()) for name in ("records", "good", "quarantined", "duplicate", "filtered")]

SCHEMAS: dict[str, pa.Schema] = {
    "objects": pa.schema(
        [*_IDENTITY, ("key", pa.string()), ("etag", pa.string()), ("size", pa.int64()), ("status", pa.string()),
         ("reason", pa.string()), *_COUNTS, ("children", pa.int64()), ("order", pa.int64()),
         ("slices", pa.list_(pa.string()))]
    ),
    "batches": pa.schema(
        [*_IDENTITY, ("kind", pa.string()), ("outcome", pa.string()), ("reasons", pa.string()), ("slices", pa.string()),
         ("versions", pa.string()), ("rows", pa.int64())]
    ),
    "books": pa.schema([*_IDENTITY, ("objects", pa.int64()), ("damaged", pa.int64()), *_COUNTS]),
    "publishes": pa.schema(
        [*_IDENTITY, ("table", pa.string()), ("slices", pa.string()), ("version", pa.int64()), ("lake", pa.int64()), ("staged", pa.int64()),
         ("copied", pa.int64()), ("warehouse", pa.int64())]
    ),
    "fields": pa.schema(
        [*_IDENTITY, ("table", pa.string()), ("path", pa.string()), ("type", pa.string()), ("count", pa.int64()),
         ("object", pa.string())]
    ),
}  # fmt: skip
"""The columns of each table. Grain: an object, or an adjusting entry of one, of a number; a number; a source's number; a mart's number; an
unknown path of a source's number."""


def table_name(name: str) -> str:
    """Where a table of the projection lies in the lake."""
    return f"{ROOT}/tables/{name}"


Closed = Callable[[str, int], Sequence[Record]]
"""The closed numbers of a writer above one."""


def project(lake: Location, writers: Sequence[str], done: Mapping[str, int] | None = None) -> dict[str, int]:
    """Appends every closed number that the tables lack; up to which number of each writer they are now.

    Safe at any time; a crash between two tables heals here. A table that an earlier lakemart made with other columns is
    made anew. `done` is what an earlier call returned: no table is opened when no writer closed a number since.
    """
    store = open_store(lake)

    @cache
    def closed(writer: str, after: int) -> list[Record]:
        return [record for record in records.numbers(store, writer, after=after) if record.closed]

    if done is not None and not any(closed(writer, done.get(writer, 0)) for writer in writers):
        return dict(done)
    through: dict[str, int] = {}
    for name in SCHEMAS:
        try:
            append_lacking(lake, table_name(name), partial(_lacking, closed, name, writers, through))
        except _OutgrownError:
            _make_anew(lake, name)
    return through


class _OutgrownError(Exception):
    """The table has other columns than today's."""


def _lacking(
    closed: Closed, name: str, writers: Sequence[str], through: dict[str, int], table: AppendedTable | None
) -> Lacking | None:
    """What the table lacks; `through` is told up to which number of each writer that brings it."""
    if table is not None and columns_of(table) != SCHEMAS[name].names:
        raise _OutgrownError(name)
    lacking: list[Record] = []
    for writer in writers:
        after = appended_number(table, application(writer))
        found = closed(writer, after)
        lacking += found
        through[writer] = found[-1].number if found else after
    if not lacking:
        return None
    rows = [row for record in lacking for row in _rows(name, record)]
    return pa.Table.from_pylist(rows, schema=SCHEMAS[name]), {application(r.writer): r.number for r in lacking}


def rebuild(lake: Location) -> dict[str, int]:
    """Makes every table anew from the small objects of all writers that the ledger knows; the rows of each.

    Table by table, each in one commit: a crash leaves each as it was or as it is to be, and a repeat does the same.
    Memory: a piece of one table.
    """
    return {name: _make_anew(lake, name) for name in SCHEMAS}


def _make_anew(lake: Location, name: str) -> int:
    store = open_store(lake)
    heads = {writer: _closed_head(store, writer) for writer in records.writers(store)}
    rows = _Counted(_batches(store, name, heads))
    numbers = {application(writer): head for writer, head in heads.items()}
    refill(lake, table_name(name), SCHEMAS[name], rows, numbers)
    return rows.rows


class _Counted:
    """Batches, counted as they pass."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def _closed_head(store: Store, writer: str) -> int:
    head = records.head(store, writer)
    if head is None:
        return 0
    return head.number if head.closed else head.number - 1


def _batches(store: Store, name: str, heads: Mapping[str, int]) -> Iterator[pa.RecordBatch]:
    for writer, last in heads.items():
        every = (
            row for record in records.numbers(store, writer) if record.number <= last for row in _rows(name, record)
        )
        while rows := list(islice(every, _PIECE)):
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMAS[name])


def application(writer: str) -> str:
    """The id under which a projection table keeps up to which number of a writer it is."""
    return f"lakemart/projection/{writer}"


def _rows(name: str, record: Record) -> Iterable[Json]:
    decision = record.decision or {}
    by = record.done or decision
    identity = {"writer": record.writer, "number": record.number, "run": by["run"], "at": by["at"]}
    if name == "batches":
        yield {**identity, **_batch(record, decision)}
    elif record.refused:
        return
    elif name == "objects":
        for item in (*decision.get("objects", ()), *decision.get("adjustments", ())):
            yield {**identity, **item}
    elif name == "fields":
        for item in decision.get("unknown", ()):
            yield {**identity, **item}
    elif name == "books" and "books" in decision:
        yield {**identity, **decision["books"]}
    elif name == "publishes" and record.writer.startswith("mart/") and record.done is not None:
        done = record.done
        yield {**identity, "table": done["table"], "slices": json.dumps(done["slices"]), "version": done["version"],
               "lake": done["rows"], "staged": done["staged"], "copied": done["copied"], "warehouse": done["warehouse"]}  # fmt: skip


def _batch(record: Record, decision: Json) -> Json:
    done = record.done or {}
    return {
        "kind": record.plan.get("kind", record.writer.partition("/")[0]),
        "outcome": "refused" if record.refused else "committed",
        "reasons": json.dumps(record.reasons),
        "slices": json.dumps(record.plan.get("slices", [])),
        "versions": json.dumps(done.get("versions", {})),
        "rows": 0 if record.refused else sum(_added(change) for change in decision.get("tables", ())),
    }


def _added(change: Json) -> int:
    """The rows that a change brings in; a compaction brings none."""
    return sum(file["rows"] for file in change["adds"]) if change.get("data_change", True) else 0
