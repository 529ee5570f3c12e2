"""Which kept records a batch decodes again: the open quarantine for a replay, losers whose winner goes for the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.errors import DataError
from lakemart.ingest.batch import Batch, Keyed
from lakemart.ingest.files import in_groups
from lakemart.ingest.hashes import HASH_BYTES, hashes_of
from lakemart.ingest.kept import KeptTask
from lakemart.ingest.tables import duplicates_table, quarantine_table
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot, read_files
from lakemart.ledger.standing import standing


def quarantined(batch: Batch) -> list[KeptTask]:
    """The tasks of a replay: every file of the quarantine with an open record."""
    table = batch.base[quarantine_table(batch.target.main)]
    if table is None:
        return []
    files, objects = _with_open_records(batch, table)
    orders = _orders(batch, objects)
    return [
        KeptTask(
            target=batch.target, state="quarantined", table=table.table, schema=table.schema, files=group, orders=orders,
            latest_by=batch.plan["latest_by"], keep_losers=batch.plan["keep_losers"],
        )
        for group in in_groups(files)
    ]  # fmt: skip


def bereaved(batch: Batch, keyed: Keyed | None) -> list[KeptTask]:
    """The tasks over losers whose winner may be among the rows that go.

    Raises DataError when such a record was kept without its bytes.
    """
    table = batch.base.get(duplicates_table(batch.target.main))
    if keyed is None or table is None:
        return []
    hashes = _left(batch, keyed)
    if not any(map(len, hashes.values())):
        return []
    gone = batch.takes_out & keyed.readable
    files, objects = _with_losers(batch, table, hashes, gone)
    orders = _orders(batch, objects)
    return [
        KeptTask(
            target=batch.target, state="duplicate", table=table.table, schema=table.schema, files=group, orders=orders,
            hashes=hashes, gone=gone, latest_by=batch.plan["latest_by"], keep_losers=batch.plan["keep_losers"],
        )
        for group in in_groups(files)
    ]  # fmt: skip


def _left(batch: Batch, keyed: Keyed) -> dict[str, np.ndarray]:
    """The keys that nobody may hold any more, by table. What is read again from the same version holds its keys still."""
    if batch.plan["kind"] != "backfill":
        return dict(keyed.outgoing)
    left = {}
    for table, hashes in keyed.outgoing.items():
        again = [keys.hashes for keys in keyed.found if keys.table == table]
        left[table] = hashes[~np.isin(hashes, np.concatenate(again))] if again else hashes
    return left


def kept_bytes(tasks: Sequence[KeptTask]) -> int:
    """How much there is to read, as bytes of JSON by estimate."""
    return sum(file.size for task in tasks for file in task.files) * 4


def _with_open_records(batch: Batch, table: Snapshot) -> tuple[list[AddedFile], set[str]]:
    files: list[AddedFile] = []
    objects: set[str] = set()
    root = batch.target.lake.child(table.table)
    for file in table.files:
        rows = next(read_files(root, [file], table.schema, columns=["object", "resolved_by"]))
        found = pc.unique(rows.filter(pc.is_null(rows.column("resolved_by"))).column("object")).to_pylist()
        if found:
            files.append(file)
            objects |= set(found)
    return files, objects


def _with_losers(
    batch: Batch, table: Snapshot, hashes: Mapping[str, np.ndarray], gone: frozenset[str]
) -> tuple[list[AddedFile], set[str]]:
    files: list[AddedFile] = []
    objects: set[str] = set()
    root = batch.target.lake.child(table.table)
    wanted = np.concatenate(list(hashes.values()))
    leaving = pa.array(sorted(gone), pa.string())
    for file in table.files:
        rows = next(read_files(root, [file], table.schema, columns=["object", "offset", "hash", "length"]))
        marks = hashes_of(pc.fill_null(rows.column("hash"), bytes(HASH_BYTES)))
        mine = rows.filter(
            pc.and_(pa.array(np.isin(marks, wanted)), pc.invert(pc.is_in(rows.column("object"), leaving)))
        )
        if not mine.num_rows:
            continue
        bare = mine.filter(pc.is_null(mine.column("length")))
        if bare.num_rows:
            raise _without_bytes(batch, bare)
        files.append(file)
        objects |= set(mine.column("object").to_pylist())
    return files, objects


def _without_bytes(batch: Batch, bare: pa.Table) -> DataError:
    first = bare.slice(0, 1).to_pylist()[0]
    return DataError(
        f"{bare.num_rows} duplicate(s) would come back and were kept without their bytes, the first at offset "
        f"{first['offset']} of object {first['object']!r}",
        where=f"source {batch.source}",
        next_step="Let `lakemart backfill` read the slices of that object with it, under `overwritten: replace`.",
    )


def _orders(batch: Batch, objects: Collection[str]) -> dict[str, int]:
    found = standing(batch.target.lake, f"source/{batch.source}", objects)
    return {key: one.order for key, one in found.items()}
