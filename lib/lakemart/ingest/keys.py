"""Duplicates by key: found from 16-byte hashes before any row is written, so that losers never reach the table.

Within a batch the first by (object, offset) wins, or the greatest of `latest_by`; across batches the earlier batch
wins. A row whose key holds a null is no duplicate of anything, as in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.table import Contract, Feed
from lakemart.ingest.objects import RawObject
from lakemart.ingest.tasks import DecodeTask, ObjectError, read_object
from lakemart.lake.read import Snapshot, read_files
from lakemart.lake.write import partition_text
from lakemart.storage.store import Location

HASH_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKeys:
    """The keys of one object's rows for one table, in record order: hash (16 bytes), offset, and what `latest_by` says.

    `partitions` are the partition values its rows go to.
    """

    table: str
    key: str
    hashes: np.ndarray
    offsets: np.ndarray
    latest: pa.Array | None
    partitions: frozenset[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyTask:
    """A decode task of which only the keys are wanted."""

    task: DecodeTask
    latest_by: str | None = None


def read_keys(request: KeyTask) -> list[ObjectKeys]:
    """The keys of every readable object of the task, under the very acceptance of the writing pass."""
    found: list[ObjectKeys] = []
    keyed = keyed_contracts(request.task.feed)
    for raw in request.task.objects:
        try:
            chunks = list(read_object(request.task, raw))
        except ObjectError:
            continue  # the writing pass meets it again and enters it
        for contract in keyed:
            rows = pa.Table.from_batches([chunk.rows[contract.table] for chunk in chunks], schema=contract.schema)
            found.append(_object_keys(contract, raw, rows, request.latest_by))
    return found


def keyed_contracts(feed: Feed) -> list[Contract]:
    """The contracts by whose key records are compared; child rows stay or go with their record, whatever their key."""
    return [contract for contract in feed.tables if contract.key and contract.parent is None]


def _object_keys(contract: Contract, raw: RawObject, rows: pa.Table, latest_by: str | None) -> ObjectKeys:
    hashes, valid = key_hashes(rows, contract.key)
    partitions: frozenset[str | None] = frozenset()
    if contract.partition_by is not None:
        partitions = frozenset(partition_text(value.as_py()) for value in pc.unique(rows.column(contract.partition_by)))
    latest = rows.column(latest_by).combine_chunks().filter(pa.array(valid)) if latest_by else None
    offsets = rows.column("_offset").to_numpy()[valid]
    return ObjectKeys(
        table=contract.table, key=raw.key, hashes=hashes, offsets=offsets, latest=latest, partitions=partitions
    )


def key_hashes(rows: pa.Table, key: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """A 128-bit hash for each row without a null in its key, and which rows those are.

    Equal for equal keys whatever table the rows came from: it is taken over the values' canonical texts.
    """
    texts = [rows.column(name).cast(pa.string()).to_pylist() for name in key]
    valid = np.ones(rows.num_rows, dtype=bool)
    hashed = bytearray()
    for index, values in enumerate(zip(*texts, strict=True)):
        if None in values:
            valid[index] = False
            continue
        text = "".join(f"{len(value)}:{value}" for value in values)
        hashed += blake2b(text.encode(), digest_size=HASH_BYTES).digest()
    return np.frombuffer(bytes(hashed), dtype=[("high", ">u8"), ("low", ">u8")]), valid


def find_losers(found: Sequence[ObjectKeys], stored: Mapping[str, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    """The offsets that lose, by (table, object key), sorted. `stored` has the hashes that earlier batches hold.

    Deterministic under any packing into tasks: objects count in key order, records by offset.
    """
    losers: dict[tuple[str, str], np.ndarray] = {}
    for table in sorted({keys.table for keys in found}):
        parts = sorted((keys for keys in found if keys.table == table), key=lambda keys: keys.key)
        hashes = np.concatenate([part.hashes for part in parts])
        offsets = np.concatenate([part.offsets for part in parts])
        owners = np.repeat(np.arange(len(parts)), [len(part.offsets) for part in parts])
        order = np.lexsort((offsets, owners, -_rank(parts, len(offsets)), hashes["low"], hashes["high"]))
        ordered = hashes[order]
        lost = np.zeros(len(order), dtype=bool)
        lost[1:] = ordered[1:] == ordered[:-1]
        lost |= np.isin(ordered, stored[table]) if table in stored else False
        for index in np.unique(owners[order][lost]):
            mine = lost & (owners[order] == index)
            losers[table, parts[index].key] = np.sort(offsets[order][mine])
    return losers


def _rank(parts: Sequence[ObjectKeys], count: int) -> np.ndarray:
    """The dense rank of each row's `latest_by` value, nulls lowest; all equal when there is no such rule."""
    latest = [part.latest for part in parts if part.latest is not None]
    if not latest:
        return np.zeros(count, dtype=np.int64)
    ranks = pc.rank(pa.chunked_array(latest), sort_keys=[("", "ascending", "at_start")], tiebreaker="dense")
    dense: np.ndarray = ranks.to_numpy().astype(np.int64)
    return dense


def stored_hashes(
    lake: Location, contract: Contract, table: Snapshot | None, touched: set[str | None], lookback: timedelta
) -> np.ndarray:
    """The hashes of the keys that the table holds in the partitions a batch touches, plus and minus the look-back."""
    if table is None:
        return np.empty(0, dtype=[("high", ">u8"), ("low", ">u8")])
    slices = None if contract.partition_by is None else _widened(contract, touched, lookback)
    files = table.in_slices(slices)
    parts = [
        key_hashes(rows, contract.key)[0]
        for rows in read_files(lake.child(table.table), files, table.schema, columns=contract.key)
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=[("high", ">u8"), ("low", ">u8")])


def _widened(contract: Contract, touched: set[str | None], lookback: timedelta) -> set[str | None]:
    """Partition values by days around those touched; values that are no dates have no neighbours."""
    kinds = {column.name: column.type.kind for column in contract.columns}
    if kinds[contract.partition_by or ""] != "date":
        return touched
    reach = range(-lookback.days, lookback.days + 1)
    near = {_shifted(value, days) for value in touched if value is not None for days in reach}
    return near | touched


def _shifted(value: str, days: int) -> str | None:
    try:
        return (date.fromisoformat(value) + timedelta(days=days)).isoformat()
    except OverflowError:
        return value  # beyond the calendar there is nothing to look at
