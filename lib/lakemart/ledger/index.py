"""The index of what a source has read: one Parquet file sorted by key, written anew now and then by merging.

It lies beside the writer's numbers as `index/<number>.parquet`, the number up to which it says everything. Whoever finds
it missing or unreadable reads the small objects instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lakemart.ledger.records import ROOT
from lakemart.storage.store import MissingObjectError, Store

AS_BEFORE = "\0as before"
"""In place of the etag last read well: whatever the index has, for the readings after it do not tell."""

_ROWS = 32_768
_KEPT = 2
"""How many indexes stay: whoever began to read the one before goes on."""

_SCHEMA = pa.schema([
    pa.field("key", pa.string(), nullable=False),
    pa.field("etag", pa.string(), nullable=False),
    pa.field("number", pa.int64(), nullable=False),
    pa.field("good_etag", pa.string()),
])  # fmt: skip


class Reading(NamedTuple):
    """The last reading of a key: its etag, the number that read it, the etag last read well."""

    etag: str
    number: int
    good_etag: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """An index as it was found: up to which number it goes, and its file."""

    number: int
    file: pq.ParquetFile


def newest(store: Store, writer: str) -> Index | None:
    """The newest index that can be read; None when there is none."""
    for key in reversed(_listed(store, writer)):
        try:
            data = store.read(key)[0]
            file = pq.ParquetFile(pa.BufferReader(data))
        except (MissingObjectError, pa.ArrowInvalid, OSError):
            continue  # an older one, or the small objects, say the same
        if file.schema_arrow.equals(_SCHEMA):
            return Index(number=int(key.rpartition("/")[2].removesuffix(".parquet")), file=file)
    return None


def readings(found: Index | None) -> Iterator[tuple[str, Reading]]:
    """What the index holds, in key order, a piece at a time."""
    if found is None:
        return
    for batch in found.file.iter_batches(batch_size=_ROWS):
        columns = (batch.column(name).to_pylist() for name in _SCHEMA.names)
        for key, etag, number, good in zip(*columns, strict=True):
            yield key, Reading(etag, number, good)


def merged(old: Iterable[tuple[str, Reading]], new: Mapping[str, Reading]) -> Iterator[tuple[str, Reading]]:
    """Both in key order; a key in both has its new reading, with the old one's good etag where the new does not tell."""
    coming = iter(sorted(new))
    pending = next(coming, None)
    for key, reading in old:
        while pending is not None and pending < key:
            yield pending, new[pending]
            pending = next(coming, None)
        if pending == key:
            later = new[key]
            yield key, later._replace(good_etag=reading.good_etag) if later.good_etag == AS_BEFORE else later
            pending = next(coming, None)
        else:
            yield key, reading
    while pending is not None:
        yield pending, new[pending]
        pending = next(coming, None)


def write(store: Store, writer: str, number: int, content: Iterable[tuple[str, Reading]]) -> None:
    """Writes the index that goes up to `number` and takes older ones out but the one before."""
    sink = pa.BufferOutputStream()
    stream = iter(content)
    with pq.ParquetWriter(sink, _SCHEMA, compression="zstd", compression_level=1) as parquet:
        while rows := list(islice(stream, _ROWS)):
            parquet.write_batch(_batch(rows))
    store.write(f"{_folder(writer)}{number:010d}.parquet", sink.getvalue().to_pybytes())
    for key in _listed(store, writer)[:-_KEPT]:
        store.delete(key)


def _batch(rows: list[tuple[str, Reading]]) -> pa.RecordBatch:
    goods = [None if reading.good_etag == AS_BEFORE else reading.good_etag for _, reading in rows]
    return pa.record_batch(
        [
            pa.array([key for key, _ in rows], pa.string()),
            pa.array([reading.etag for _, reading in rows], pa.string()),
            pa.array([reading.number for _, reading in rows], pa.int64()),
            pa.array(goods, pa.string()),
        ],
        schema=_SCHEMA,
    )


def _listed(store: Store, writer: str) -> list[str]:
    found = [key for key, _ in store.sizes(_folder(writer))]
    return sorted(key for key in found if key.endswith(".parquet"))


def _folder(writer: str) -> str:
    return f"{ROOT}/{writer}/index/"
