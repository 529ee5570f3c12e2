"""The work of one batch, of whatever kind: keys, losers, rows, what comes out for it, and whether its books balance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from lakemart.contract.table import Contract, Feed
from lakemart.engine.runner import Engine
from lakemart.ingest.edits import EditReport
from lakemart.ingest.files import BatchTarget, Drops
from lakemart.ingest.kept import KeptReport, KeptTask, kept_keys, write_kept
from lakemart.ingest.keys import KeyTask, ObjectKeys, find_losers, keyed_contracts, read_keys
from lakemart.ingest.objects import RawObject
from lakemart.ingest.stored import outgoing_hashes, stored_hashes
from lakemart.ingest.tasks import DecodeTask, TaskReport, decode_and_write, estimated_json_bytes, pack
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot
from lakemart.ledger.records import Json
from lakemart.storage.store import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A planned batch and all that its work needs. `base` has each table as the last committed number left it."""

    source: str
    raw: Location
    target: BatchTarget
    plan: Json
    base: Mapping[str, Snapshot | None]
    engine: Engine
    inline_below: int
    task_size: int
    progress: Callable[[int, int], None] | None

    @property
    def feed(self) -> Feed:
        """The feed that the plan froze."""
        return self.target.feed

    @property
    def objects(self) -> list[RawObject]:
        """The planned objects."""
        return [RawObject(**raw) for raw in self.plan["objects"]]

    @property
    def takes_out(self) -> frozenset[str]:
        """The objects whose earlier rows go when they are read well now."""
        return frozenset(self.plan["takes_out"])

    @property
    def description(self) -> str:
        """The batch in Spark's words."""
        return f"{self.plan['kind']} {self.source} {self.target.number}"

    def run(self, work: Callable[[Any], Any], tasks: Sequence[Any], size: int, *, shown: bool = False) -> list[Any]:
        """The results of tasks over about `size` bytes of JSON: here when that is little, else on Spark."""
        return self.engine.run(
            work,
            tasks,
            inline=size < self.inline_below,
            description=self.description,
            progress=self.progress if shown else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    """What the pass over keys found: which objects could be read, the keys that go with theirs, and the keys read."""

    readable: frozenset[str]
    found: tuple[ObjectKeys, ...]
    outgoing: Mapping[str, np.ndarray]


def decode_tasks(batch: Batch) -> tuple[list[DecodeTask], int]:
    """The tasks over the batch's objects, and how many bytes of JSON they hold by estimate."""
    objects = batch.objects
    tasks = [
        DecodeTask(
            raw=batch.raw,
            target=batch.target,
            objects=group,
            salvage=batch.plan["kind"] == "accept",
            keep_losers=batch.plan["keep_losers"],
        )
        for group in pack(objects, batch.task_size)
    ]
    return tasks, sum(estimated_json_bytes(raw) for raw in objects)


def read_batch_keys(batch: Batch, tasks: Sequence[DecodeTask], size: int) -> Keyed | None:
    """The first pass; None when no table has a key."""
    keyed = keyed_contracts(batch.feed)
    if not keyed:
        return None
    requests = [KeyTask(task=task, latest_by=batch.plan["latest_by"]) for task in tasks]
    found = tuple(keys for part in batch.run(read_keys, requests, size) for keys in part)
    readable = frozenset(keys.key for keys in found)
    gone = batch.takes_out & readable
    outgoing = {
        contract.table: outgoing_hashes(batch.target.lake, contract, batch.base[contract.table], gone)
        for contract in keyed
    }
    return Keyed(readable=readable, found=found, outgoing=outgoing)


def losers_of(batch: Batch, keyed: Keyed, kept: Sequence[KeptTask], size: int) -> Drops:
    """The records of the batch that lose, those kept from earlier ones among them."""
    found = [*keyed.found, *(keys for part in batch.run(kept_keys, kept, size) for keys in part)]
    gone = batch.takes_out & keyed.readable
    stored = {contract.table: _stored(batch, contract, found, gone) for contract in keyed_contracts(batch.feed)}
    return find_losers(found, stored)


def _stored(batch: Batch, contract: Contract, found: Sequence[ObjectKeys], gone: frozenset[str]) -> np.ndarray:
    touched: set[str | None] = set()
    for keys in found:
        if keys.table == contract.table:
            touched |= keys.partitions
    lookback = timedelta(days=batch.plan["lookback_days"])
    table = batch.base[contract.table]
    return stored_hashes(batch.target.lake, contract, table, touched, lookback, without=gone)


def write_objects(batch: Batch, tasks: Sequence[DecodeTask], losers: Drops, size: int) -> list[TaskReport]:
    """The second pass over objects."""
    loaded = []
    for task in tasks:
        keys = {raw.key for raw in task.objects}
        mine = {place: offsets for place, offsets in losers.items() if place[1] in keys}
        loaded.append(replace(task, drops=mine))
    return batch.run(decode_and_write, loaded, size, shown=True)


def write_kept_records(batch: Batch, kept: Sequence[KeptTask], losers: Drops, size: int) -> list[KeptReport]:
    """The second pass over kept records."""
    return batch.run(write_kept, [replace(task, drops=losers) for task in kept], size)


def removed(edits: Mapping[str, Sequence[EditReport]], table: str) -> tuple[AddedFile, ...]:
    """The files of a table that were rewritten."""
    return tuple(file for edit in edits.get(table, ()) for file in edit.removes)


def rewritten(edits: Mapping[str, Sequence[EditReport]], table: str) -> tuple[AddedFile, ...]:
    """What they became."""
    return tuple(file for edit in edits.get(table, ()) for file in edit.adds)
