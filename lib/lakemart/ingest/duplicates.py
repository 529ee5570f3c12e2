"""Records that lost as duplicates, kept by position, so that each is accounted for and can be brought back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from lakemart.contract.table import Feed
from lakemart.ingest.objects import RawObject
from lakemart.ingest.tables import duplicates_schema, duplicates_table
from lakemart.lake.actions import AddedFile
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.store import Location


def duplicate_files(  # noqa: PLR0913 - the batch, by name
    lake: Location,
    feed: Feed,
    objects: Sequence[RawObject],
    losers: Mapping[tuple[str, str], np.ndarray],
    *,
    number: int,
    run: str,
) -> dict[str, tuple[AddedFile, ...]]:
    """Writes one row a losing record into files of the duplicates table; nothing when nothing lost."""
    by_key = {raw.key: raw for raw in objects}
    batches = [_rows(table, by_key[key], offsets, number, run) for (table, key), offsets in losers.items()]
    if not batches:
        return {}
    name = duplicates_table(feed.tables[0].table)
    target = FileTarget(root=lake.child(name), schema=duplicates_schema(), partition_by=None, number=number)
    return {name: tuple(write_files(batches, target))}


def _rows(table: str, raw: RawObject, offsets: np.ndarray, number: int, run: str) -> pa.RecordBatch:
    count = len(offsets)
    columns = {
        "batch": pa.repeat(pa.scalar(number, pa.int64()), count),
        "run": pa.repeat(pa.scalar(run), count),
        "object": pa.repeat(pa.scalar(raw.key), count),
        "etag": pa.repeat(pa.scalar(raw.etag), count),
        "offset": pa.array(offsets, pa.int64()),
        "table": pa.repeat(pa.scalar(table), count),
    }
    schema = duplicates_schema()
    return pa.record_batch([columns[name] for name in schema.names], schema=schema)
