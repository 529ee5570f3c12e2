"""Duplicates by key: found from 16-byte hashes before any row is written, so that losers never reach the table.

Within a batch the first by (object, offset) wins, or the greatest of `latest_by`; across batches the earlier batch
wins. A row whose key holds a null is no duplicate of anything, as in SQL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.table import Contract, Feed
from lakemart.ingest.hashes import key_hashes
from lakemart.ingest.tasks import DecodeTask, ObjectError, objects_of, read_object_keys
from lakemart.lake.write import partition_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectKeys:
    """The keys of one object's rows for one table, in record order: hash (16 bytes), offset, and what `latest_by` says.

    `order` is that of the object, `partitions` are the partition values its rows go to.
    """

    table: str
    key: str
    order: int
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
    """The keys of every readable object of the task, under the very acceptance of the writing pass.

    An object without an entry could not be read.
    """
    found: list[ObjectKeys] = []
    keyed = keyed_contracts(request.task.target.feed)
    wanted = {contract.table: _columns(contract, request.latest_by) for contract in keyed}
    with objects_of(request.task, request.task.objects) as read:
        for raw in request.task.objects:
            try:
                pieces = list(read_object_keys(request.task, raw, read, wanted))
            except ObjectError:
                continue  # the writing pass meets it again and enters it
            for contract in keyed:
                rows = pa.Table.from_batches([piece[contract.table] for piece in pieces])
                found.append(object_keys(contract, raw.key, raw.order, rows, request.latest_by))
    return found


def _columns(contract: Contract, latest_by: str | None) -> list[str]:
    """What of a row decides whether it is a duplicate, and where duplicates of it are looked for."""
    more = [name for name in (contract.partition_by, latest_by) if name is not None]
    return list(dict.fromkeys([*contract.key, *more]))


def keyed_contracts(feed: Feed) -> list[Contract]:
    """The contracts by whose key records are compared; child rows stay or go with their record, whatever their key."""
    return [contract for contract in feed.tables if contract.key and contract.parent is None]


def object_keys(contract: Contract, key: str, order: int, rows: pa.Table, latest_by: str | None) -> ObjectKeys:
    """The keys of decoded rows of one object."""
    hashes, valid = key_hashes(rows, contract.key)
    partitions: frozenset[str | None] = frozenset()
    if contract.partition_by is not None:
        partitions = frozenset(partition_text(value.as_py()) for value in pc.unique(rows.column(contract.partition_by)))
    latest = rows.column(latest_by).combine_chunks().filter(pa.array(valid)) if latest_by else None
    offsets = rows.column("_offset").to_numpy()[valid]
    return ObjectKeys(
        table=contract.table,
        key=key,
        order=order,
        hashes=hashes,
        offsets=offsets,
        latest=latest,
        partitions=partitions,
    )


def find_losers(found: Sequence[ObjectKeys], stored: Mapping[str, np.ndarray]) -> dict[tuple[str, str], np.ndarray]:
    """The offsets that lose, by (table, object key), sorted. `stored` has the hashes that stay in the tables.

    Deterministic under any packing into tasks: the lower order wins, then the greatest of `latest_by`, then objects
    count in key order and records by offset.
    """
    losers: dict[tuple[str, str], np.ndarray] = {}
    for table in sorted({keys.table for keys in found}):
        parts = [keys for keys in found if keys.table == table]
        names = sorted({part.key for part in parts})
        place = {name: index for index, name in enumerate(names)}
        lengths = [len(part.offsets) for part in parts]
        hashes = np.concatenate([part.hashes for part in parts])
        offsets = np.concatenate([part.offsets for part in parts])
        owners = np.repeat([place[part.key] for part in parts], lengths)
        orders = np.repeat([part.order for part in parts], lengths)
        ranks = _rank(parts, len(offsets))
        ranked = np.lexsort((offsets, owners, -ranks, orders, hashes["low"], hashes["high"]))
        ordered = hashes[ranked]
        lost = np.zeros(len(ranked), dtype=bool)
        lost[1:] = ordered[1:] == ordered[:-1]
        lost |= np.isin(ordered, stored[table]) if table in stored else False
        losers |= _by_owner(table, names, owners[ranked][lost], offsets[ranked][lost])
    return losers


def _by_owner(
    table: str, names: Sequence[str], owners: np.ndarray, offsets: np.ndarray
) -> dict[tuple[str, str], np.ndarray]:
    """The offsets of each owner, sorted; in one pass, however many owners there are."""
    if not len(owners):
        return {}
    ordered = np.lexsort((offsets, owners))
    found, starts = np.unique(owners[ordered], return_index=True)
    parts = np.split(offsets[ordered], starts[1:])
    return {(table, names[index]): part for index, part in zip(found, parts, strict=True)}


def _rank(parts: Sequence[ObjectKeys], count: int) -> np.ndarray:
    """The dense rank of each row's `latest_by` value, nulls lowest; all equal when there is no such rule."""
    latest = [part.latest for part in parts if part.latest is not None]
    if not latest:
        return np.zeros(count, dtype=np.int64)
    ranks = pc.rank(pa.chunked_array(latest), sort_keys=[("", "ascending", "at_start")], tiebreaker="dense")
    dense: np.ndarray = ranks.to_numpy().astype(np.int64)
    return dense
