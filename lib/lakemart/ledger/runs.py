"""What each run did, as it said itself: one small object a run, and the table `runs` made from them.

A run that found nothing to do leaves none, or a schedule would fill the lake with them; but for the first one after a
run that told of errors, so that the newest document says how things stand.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial

import pyarrow as pa

from lakemart.errors import DataError
from lakemart.lake.append import AppendedTable, Lacking, append_lacking, appended_number, refill
from lakemart.lake.read import read_table
from lakemart.ledger.projection import table_name
from lakemart.ledger.records import FORMAT, ROOT, Json
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

SCHEMA = pa.schema(
    [
        ("run", pa.string()),
        ("at", pa.string()),
        ("by", pa.string()),
        ("outcome", pa.string()),
        ("exit_code", pa.int64()),
        ("seconds", pa.float64()),
        ("balanced", pa.bool_()),
        ("document", pa.string()),
    ]
)
"""Grain: one run. `document` is its whole run document as JSON."""

_PIECE = 1_000
_FOLDER = f"{ROOT}/runs/"
_COUNT = "lakemart/runs"
"""The id under which the table keeps how many documents it has: with as many there, none need be looked for in it."""


def record_run(store: Store, document: Json, *, at: str, by: str, exit_code: int) -> None:
    """Keeps the document of an ended run. A repeat changes nothing."""
    value = {"format": FORMAT, "at": at, "by": by, "exit_code": exit_code, "document": document}
    store.put_if_absent(f"{_FOLDER}{document['run']}.json", json.dumps(value, ensure_ascii=False).encode())


def last_run(store: Store) -> Json | None:
    """What the run that began last left, with `at`, `by` and `exit_code`; None before the first."""
    last = max((key for key, _ in store.sizes(_FOLDER)), default=None)
    return None if last is None else _read(store, last)


def project_runs(lake: Location) -> None:
    """Appends the runs that the table `runs` lacks."""
    append_lacking(lake, table_name("runs"), partial(_lacking, lake))


def rebuild_runs(lake: Location) -> int:
    """Makes the table anew from the documents, in one commit; its rows. Memory: a piece of it."""
    store = open_store(lake)
    keys = [key for key, _ in store.sizes(_FOLDER)]

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(0, len(keys), _PIECE):
            rows = [_row(_read(store, key)) for key in keys[at : at + _PIECE]]
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)

    refill(lake, table_name("runs"), SCHEMA, batches(), {_COUNT: len(keys)})
    return len(keys)


def _lacking(lake: Location, table: AppendedTable | None) -> Lacking | None:
    store = open_store(lake)
    keys = [key for key, _ in store.sizes(_FOLDER)]
    if len(keys) == appended_number(table, _COUNT):
        return None
    known: set[str] = set()
    if table is not None:
        known = set(read_table(lake, table_name("runs"), table.version(), columns=["run"]).column("run").to_pylist())
    lacking = [key for key in keys if key.removeprefix(_FOLDER).removesuffix(".json") not in known]
    rows = [_row(_read(store, key)) for key in lacking]
    return pa.Table.from_pylist(rows, schema=SCHEMA), {_COUNT: len(keys)}


def _read(store: Store, key: str) -> Json:
    try:
        value: Json = json.loads(store.read(key)[0])
    except ValueError as error:
        raise DataError(
            f"the document of a run {key!r} is torn or empty",
            where=store.location.uri,
            next_step="Restore it from the store's versions; or delete it: nothing depends on it.",
        ) from error
    return value


def _row(value: Json) -> Json:
    document = value["document"]
    return {
        "run": document["run"],
        "at": value["at"],
        "by": value["by"],
        "outcome": document["outcome"],
        "exit_code": value["exit_code"],
        "seconds": document["seconds"],
        "balanced": document["balanced"],
        "document": json.dumps(document, ensure_ascii=False),
    }
