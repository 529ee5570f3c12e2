"""Which kept records a batch decodes again: the open quarantine for a replay, losers whose winner goes for the others."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.errors import DataError
from lakemart.ingest.batch import Batch, Keyed
from lakemart.ingest.files import in_groups
from lakemart.ingest.hashes import HASH_BYTES, hashes_of
from lakemart.ingest.kept import KeptTask
from lakemart.ingest.listing import object_at
from lakemart.ingest.objects import RawObject
from lakemart.ingest.tables import duplicates_table, quarantine_table
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot, read_files
from lakemart.ledger.standing import standing
from lakemart.storage.opening import open_store


def quarantined(batch: Batch) -> list[KeptTask]:
    """The tasks of a replay: every file of the quarantine with an open record."""
    table = batch.base[quarantine_table(batch.target.main)]
    if table is None:
        return []
    files, objects = _with_open_records(batch, table)
    return [
        KeptTask(
            target=batch.target, state="quarantined", table=table.table, schema=table.schema, files=group,
            objects=_objects(batch, objects), latest_by=batch.plan["latest_by"], keep_losers=batch.plan["keep_losers"],
        )
        for group in in_groups(files)
    ]  # fmt: skip


def bereaved(batch: Batch, keyed: Keyed | None) -> list[KeptTask]:
    """The tasks over losers whose winner may be among the rows that go.

    One that was kept without its bytes is read again from its object. Raises DataError when that is there no more; an
    acceptance of the batch that was refused for it leaves such losers where they are.
    """
    table = batch.base.get(duplicates_table(batch.target.main))
    if keyed is None or table is None:
        return []
    hashes = _left(batch, keyed)
    if not any(map(len, hashes.values())):
        return []
    losers = _losers(batch, table, hashes, without=batch.takes_out & keyed.readable)
    lost = _unreadable(batch, losers.bare)
    if lost and not batch.plan.get("leaves_lost"):
        raise _beyond_reach(batch, lost)
    return [
        KeptTask(
            target=batch.target, state="duplicate", table=table.table, schema=table.schema, files=group,
            objects=_objects(batch, losers.objects), hashes=hashes, gone=losers.without | lost, raw=batch.raw,
            latest_by=batch.plan["latest_by"], keep_losers=batch.plan["keep_losers"],
        )
        for group in in_groups(losers.files)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Losers:
    """Losers whose key nobody may hold any more: the files they lie in, and their objects but for those left out.

    `bare` has the objects whose losers were kept without their bytes, with the etag under which they were read.
    """

    files: tuple[AddedFile, ...]
    objects: frozenset[str]
    bare: Mapping[str, str]
    without: frozenset[str]


def _losers(batch: Batch, table: Snapshot, hashes: Mapping[str, np.ndarray], *, without: frozenset[str]) -> _Losers:
    files: list[AddedFile] = []
    objects: set[str] = set()
    bare: dict[str, str] = {}
    root = batch.target.lake.child(table.table)
    wanted = np.concatenate(list(hashes.values()))
    leaving = pa.array(sorted(without), pa.string())
    for file in table.files:
        rows = next(read_files(root, [file], table.schema, columns=["object", "etag", "hash", "length"]))
        marks = hashes_of(pc.fill_null(rows.column("hash"), bytes(HASH_BYTES)))
        mine = rows.filter(
            pc.and_(pa.array(np.isin(marks, wanted)), pc.invert(pc.is_in(rows.column("object"), leaving)))
        )
        if mine.num_rows:
            files.append(file)
            objects |= set(mine.column("object").to_pylist())
            unkept = mine.filter(pc.is_null(mine.column("length")))
            bare |= dict(zip(unkept.column("object").to_pylist(), unkept.column("etag").to_pylist(), strict=True))
    return _Losers(files=tuple(files), objects=frozenset(objects), bare=bare, without=without)


def _unreadable(batch: Batch, objects: Mapping[str, str]) -> frozenset[str]:
    """Those of the objects, each with its etag, that no longer lie in the raw zone as they were read."""
    store = open_store(batch.raw)
    found = {key: object_at(store, key) for key in objects}
    return frozenset(key for key, info in found.items() if info is None or info.etag != objects[key])


def _beyond_reach(batch: Batch, lost: Collection[str]) -> DataError:
    return DataError(
        f"duplicates would come back whose bytes were not kept, and whose objects are not as they were read: "
        f"{len(lost)} object(s), the first is {min(lost)!r}",
        where=f"source {batch.source}",
        next_step=f"Land that object again as it was, or leave its duplicates out by word: "
        f"`lakemart accept {batch.source}/{batch.target.number} --reason …`.",
    )


def _objects(batch: Batch, keys: Collection[str]) -> dict[str, RawObject]:
    """Each object as it was last read well, by key."""
    found = standing(batch.target.lake, f"source/{batch.source}", keys)
    return {key: RawObject(key=key, etag=one.etag, size=one.size, order=one.order) for key, one in found.items()}
