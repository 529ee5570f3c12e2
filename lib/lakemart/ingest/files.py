"""The files that one execution of a task writes: clean rows by table and partition, rejects, duplicates.

They lie under names used once and are visible to nobody until their batch commits them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.table import Contract, Feed
from lakemart.ingest.evidence import CIPHER, Evidence, is_personal, seal
from lakemart.ingest.hashes import hash_array, key_hashes
from lakemart.ingest.tables import (
    duplicates_schema,
    duplicates_table,
    quarantine_rows,
    quarantine_schema,
    quarantine_table,
    with_provenance,
)
from lakemart.lake.actions import AddedFile
from lakemart.lake.write import FileTarget, PartitionedFiles, partition_text
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

Drops = Mapping[tuple[str, str], np.ndarray]
"""Of a table and an object's key: the offsets of the records that lose as duplicates, sorted."""


_GROUP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchTarget:
    """Where the files of a batch go and under which rules. Picklable; the key is never shown."""

    lake: Location
    feed: Feed
    number: int
    run: str
    pii_key: bytes | None = field(default=None, repr=False)

    @property
    def main(self) -> str:
        """The table that quarantine and duplicates stand beside."""
        return self.feed.tables[0].table

    @property
    def contracts(self) -> dict[str, Contract]:
        """The contracts by table."""
        return {contract.table: contract for contract in self.feed.tables}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Records of one object that lost as duplicates: their table, offsets, and the hashes of their keys."""

    table: str
    offsets: np.ndarray
    hashes: pa.Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of decoded rows: the records that lost, and how many rows of child tables were written."""

    lost: tuple[Lost, ...]
    children: int


class BatchFiles:
    """Writers of all tables of a batch. Memory as `PartitionedFiles`, a table each."""

    def __init__(self, target: BatchTarget) -> None:
        self._target = target
        self._contracts = target.contracts
        self._contract = target.feed.version
        self._schemas = {table: contract.lake_schema for table, contract in self._contracts.items()}
        self._rows = {
            table: self._files(table, self._schemas[table], contract.partition_by)
            for table, contract in self._contracts.items()
        }
        self._rejects = self._files(quarantine_table(target.main), quarantine_schema(), None)
        self._duplicates = self._files(duplicates_table(target.main), duplicates_schema(), None)
        quarantine = open_store(target.lake.child(quarantine_table(target.main)))
        self.evidence = Evidence.of(quarantine, target.feed, target.number, target.pii_key)

    def _files(self, table: str, schema: pa.Schema, partition_by: str | None) -> PartitionedFiles:
        root = self._target.lake.child(table)
        return PartitionedFiles(
            FileTarget(root=root, schema=schema, partition_by=partition_by, number=self._target.number)
        )

    def add_rows(self, key: str, rows: Mapping[str, pa.RecordBatch], drops: Drops) -> Taken:
        """Writes the decoded rows of an object but for those that lose; children go with their parents."""
        lost: list[Lost] = []
        children = 0
        for table, batch in rows.items():
            contract = self._contracts[table]
            losing = _losing(batch, drops.get((contract.parent or table, key)))
            kept = batch if losing is None else batch.filter(pc.invert(losing))
            if losing is not None and contract.parent is None:
                gone = batch.filter(losing)
                hashes, _ = key_hashes(pa.Table.from_batches([gone]), contract.key)
                offsets = gone.column("_offset").to_numpy()
                lost.append(Lost(table=table, offsets=offsets, hashes=hash_array(hashes)))
            children += kept.num_rows if contract.parent is not None else 0
            self._rows[table].add(with_provenance(kept, self._schemas[table], key, self._target.number))
        return Taken(lost=tuple(lost), children=children)

    def add_rejects(self, key: str, etag: str, rejects: pa.RecordBatch) -> None:
        """Writes the decoder's rejects of an object with their evidence."""
        if not rejects.num_rows:
            return
        where = {
            "resolved_by": None,
            "batch": self._target.number,
            "run": self._target.run,
            "object": key,
            "etag": etag,
            "contract": self._contract,
        }
        self._rejects.add(quarantine_rows(rejects, self.evidence.columns(rejects), where))

    def add_lost(
        self, key: str, etag: str, where: Mapping[int, tuple[str, bytes]], raws: Sequence[tuple[int, bytes]]
    ) -> None:
        """Writes records that lost with their bytes; `where` has table and hash of each offset."""
        for table in self._rows:
            mine = [(offset, raw) for offset, raw in raws if where[offset][0] == table]
            if mine:
                offsets = np.array([offset for offset, _ in mine], dtype=np.int64)
                hashes = pa.array([where[offset][1] for offset, _ in mine], pa.binary())
                lost = Lost(table=table, offsets=offsets, hashes=hashes)
                self.add_duplicates(key, etag, lost, [raw for _, raw in mine])

    def add_duplicates(self, key: str, etag: str, lost: Lost, raws: Sequence[bytes] | None = None) -> None:
        """Writes records that lost, with their bytes (in the same order) where they are kept."""
        sealing = self._target.pii_key if is_personal(self._target.feed) else None
        count = len(lost.offsets)
        columns = {
            "batch": pa.repeat(pa.scalar(self._target.number, pa.int64()), count),
            "run": pa.repeat(pa.scalar(self._target.run), count),
            "object": pa.repeat(pa.scalar(key), count),
            "etag": pa.repeat(pa.scalar(etag), count),
            "offset": pa.array(lost.offsets, pa.int64()),
            "length": pa.nulls(count, pa.int64()) if raws is None else pa.array(map(len, raws), pa.int64()),
            "table": pa.repeat(pa.scalar(lost.table), count),
            "hash": lost.hashes,
            "raw": pa.nulls(count, pa.binary()) if raws is None else pa.array(_sealed(raws, sealing), pa.binary()),
            "cipher": pa.repeat(pa.scalar(CIPHER if raws and sealing else None, pa.string()), count),
        }
        schema = duplicates_schema()
        self._duplicates.add(pa.record_batch([columns[name] for name in schema.names], schema=schema))

    def close(self) -> dict[str, tuple[AddedFile, ...]]:
        """Writes what is left; the files by table."""
        written = {table: tuple(files.close()) for table, files in self._rows.items()}
        written[quarantine_table(self._target.main)] = tuple(self._rejects.close())
        written[duplicates_table(self._target.main)] = tuple(self._duplicates.close())
        return written


def slices_of(rows: Mapping[str, pa.RecordBatch], contracts: Mapping[str, Contract]) -> set[str | None]:
    """The partition values that decoded rows go to, whichever of them lose later."""
    found: set[str | None] = set()
    for table, batch in rows.items():
        column = contracts[table].partition_by
        if column is not None:
            found |= {partition_text(value.as_py()) for value in pc.unique(batch.column(column))}
    return found


def merged_files(parts: Iterable[Mapping[str, tuple[AddedFile, ...]]]) -> dict[str, tuple[AddedFile, ...]]:
    """The files of several tasks, by table."""
    files: dict[str, tuple[AddedFile, ...]] = {}
    for part in parts:
        for table, written in part.items():
            files[table] = files.get(table, ()) + written
    return files


def in_groups(files: Sequence[AddedFile]) -> list[tuple[AddedFile, ...]]:
    """The files in groups of as many as one task reads again."""
    return [tuple(files[at : at + _GROUP]) for at in range(0, len(files), _GROUP)]


def _losing(batch: pa.RecordBatch, drops: np.ndarray | None) -> pa.Array | None:
    """Which rows lose; None when none does."""
    if drops is None or not len(drops):
        return None
    mask = np.isin(batch.column("_offset").to_numpy(zero_copy_only=False), drops)
    return pa.array(mask) if mask.any() else None


def _sealed(raws: Iterable[bytes], key: bytes | None) -> list[bytes]:
    return [raw if key is None else seal(raw, key) for raw in raws]
