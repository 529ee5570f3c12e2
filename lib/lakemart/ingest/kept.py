"""Records that were kept with their bytes, decoded again: rejects that a contract now takes, losers whose winner goes.

Two passes as for objects of the raw zone: keys first, then rows. A record whose standing does not change stays where it
is; every other moves, and its object's books are adjusted by exactly that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.decode.api import decode_object, decode_records
from lakemart.decode.pieces import joined
from lakemart.decode.result import Decoded
from lakemart.errors import InternalError
from lakemart.ingest.evidence import read_evidence
from lakemart.ingest.files import BatchFiles, BatchTarget, Drops, Lost, slices_of
from lakemart.ingest.hashes import HASH_BYTES, hashes_of
from lakemart.ingest.keys import ObjectKeys, keyed_contracts, object_keys
from lakemart.ingest.objects import ObjectBooks, RawObject
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import read_files
from lakemart.steps import step
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

Standing = Literal["good", "quarantined", "duplicate", "filtered"]

NO_RECORDS = frozenset({"unreadable", "no_records", "late_sibling"})
"""Reasons of rejects whose bytes are not one record, but the rest of an object or a whole document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptTask:
    """Files of a quarantine (`state` quarantined) or of a table of duplicates, and which of their records count.

    Of a quarantine all that are open; of duplicates those whose key's hash is among `hashes` (by table), but for the
    objects `gone`. `objects` has every object as it was last read well. Losers whose bytes were not kept are read again
    from `raw`. Picklable.
    """

    target: BatchTarget
    state: Literal["quarantined", "duplicate"]
    table: str
    schema: pa.Schema
    files: tuple[AddedFile, ...]
    objects: Mapping[str, RawObject]
    hashes: Mapping[str, np.ndarray] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    raw: Location | None = None
    latest_by: str | None = None
    drops: Drops = field(default_factory=dict)
    keep_losers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A record that changes its standing: where it stands in the raw zone, and what it becomes."""

    key: str
    offset: int
    becomes: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """What became of a task's records: how many were decoded, the moves, the adjusting entries, the files written."""

    records: int
    stayed: int
    moves: tuple[Move, ...]
    books: tuple[ObjectBooks, ...]
    files: Mapping[str, tuple[AddedFile, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """The kept records of one object in one file: offsets and bytes in order, and what they decode to.

    Losers whose bytes were not kept have none here either.
    """

    raw: RawObject
    cut: tuple[tuple[int, bytes], ...]
    decoded: Decoded


def kept_keys(task: KeptTask) -> list[ObjectKeys]:
    """The keys of the task's records that today's contract takes."""
    return [
        object_keys(
            contract,
            kept.raw.key,
            kept.raw.order,
            pa.Table.from_batches([kept.decoded.rows[contract.table]]),
            task.latest_by,
        )
        for kept in _kept(task)
        for contract in keyed_contracts(task.target.feed)
    ]


def write_kept(task: KeptTask) -> KeptReport:
    """Writes the records that move: rows that are good now, duplicates among former rejects, rejects among losers."""
    moves: list[Move] = []
    books: list[ObjectBooks] = []
    records = 0
    with step("ingest.files"):
        files = BatchFiles(task.target)
        for kept in _kept(task):
            records += len(kept.cut)
            standing = _written(task, kept, files)
            moving = {offset: now for offset, now in standing.items() if now != task.state}
            if moving:
                moves += [Move(key=kept.raw.key, offset=offset, becomes=now) for offset, now in moving.items()]
                books.append(_adjusting(task, kept, moving))
        written = files.close()
    return KeptReport(
        records=records, stayed=records - len(moves), moves=tuple(moves), books=tuple(books), files=written
    )


def _written(task: KeptTask, kept: _Kept, files: BatchFiles) -> dict[int, Standing]:
    """The standing of each record by offset; those that move are written."""
    rejected = set(kept.decoded.rejects.column("offset").to_pylist())
    tops = [contract.table for contract in task.target.feed.tables if contract.parent is None]
    taken = {offset for table in tops for offset in kept.decoded.rows[table].column("_offset").to_pylist()}
    lost = files.add_rows(kept.raw.key, kept.decoded.rows, task.drops).lost
    losing = {offset for records in lost for offset in records.offsets.tolist()}
    if task.state == "quarantined":
        _write_losers(task, kept, lost, files)
    else:
        unnumbered = pa.nulls(kept.decoded.rejects.num_rows, pa.int64())  # its number in the object was not kept
        index = kept.decoded.rejects.schema.get_field_index("record")
        files.add_rejects(kept.raw.key, kept.raw.etag, kept.decoded.rejects.set_column(index, "record", unnumbered))
    return {
        offset: "quarantined"
        if offset in rejected
        else "duplicate"
        if offset in losing
        else "good"
        if offset in taken
        else "filtered"
        for offset, _ in kept.cut
    }


def _write_losers(task: KeptTask, kept: _Kept, lost: Sequence[Lost], files: BatchFiles) -> None:
    raws = dict(kept.cut)
    for records in lost:
        mine = [raws[offset] for offset in records.offsets.tolist()] if task.keep_losers else None
        files.add_duplicates(kept.raw.key, kept.raw.etag, records, mine)


def _adjusting(task: KeptTask, kept: _Kept, moving: Mapping[int, Standing]) -> ObjectBooks:
    counts: dict[str, int] = dict.fromkeys(("good", "quarantined", "duplicate", "filtered"), 0)
    for now in moving.values():
        counts[now] += 1
    counts[task.state] -= len(moving)
    good = [offset for offset, now in moving.items() if now == "good"]
    children = sum(
        int(np.isin(kept.decoded.rows[contract.table].column("_offset").to_numpy(), good).sum())
        for contract in task.target.feed.tables
        if contract.parent is not None
    )
    return ObjectBooks(
        key=kept.raw.key,
        etag=kept.raw.etag,
        size=0,
        order=kept.raw.order,
        status="adjusted",
        children=children,
        slices=tuple(sorted(slices_of(kept.decoded.rows, task.target.contracts), key=str)),
        reason="replayed" if task.state == "quarantined" else "brought back",
        **counts,
    )


def _kept(task: KeptTask) -> Iterator[_Kept]:
    """The task's records, object by object of every file, decoded under the target's contract."""
    store = open_store(task.target.lake.child(task.table))
    for rows in read_files(task.target.lake.child(task.table), task.files, task.schema):
        chosen = rows.filter(_chosen(task, rows)).sort_by([("object", "ascending"), ("offset", "ascending")])
        for key in pc.unique(chosen.column("object")).to_pylist():
            mine = chosen.filter(pc.equal(chosen.column("object"), key)).to_pylist()
            raw = replace(task.objects[key], etag=mine[0]["etag"])
            whole = [row for row in mine if row["length"] is not None]
            if whole:
                cut = tuple((row["offset"], _bytes(store, row, task.target.pii_key)) for row in whole)
                yield _Kept(
                    raw=raw, cut=cut, decoded=decode_records(cut, task.target.feed, pii_key=task.target.pii_key)
                )
            bare = [row["offset"] for row in mine if row["length"] is None]
            if bare:
                yield _Kept(raw=raw, cut=tuple((offset, b"") for offset in bare), decoded=_read_again(task, raw, bare))


def _bytes(store: Store, row: dict[str, Any], key: bytes | None) -> bytes:
    return b"".join(read_evidence(store, {"raw_object": None, **row}, key))


def _read_again(task: KeptTask, raw: RawObject, offsets: Sequence[int]) -> Decoded:
    """The records at these offsets from the object in the raw zone; what of it could be read when it was taken can be now.

    Raises ChangedObjectError or MissingObjectError when it went since the batch looked for it.
    """
    if task.raw is None:
        raise InternalError(f"a record of {raw.key!r} was kept without its bytes, and its task knows no raw zone")
    blocks = open_store(task.raw).blocks(raw.key, etag=raw.etag)
    pieces = [
        _only(piece, pa.array(offsets, pa.int64()))
        for piece in decode_object(blocks, task.target.feed, size=raw.size, pii_key=task.target.pii_key, salvage=True)
    ]
    return joined(pieces)


def _only(piece: Decoded, offsets: pa.Array) -> Decoded:
    """What of a piece came of the records at these offsets."""
    rows = {table: rows.filter(pc.is_in(rows.column("_offset"), offsets)) for table, rows in piece.rows.items()}
    rejects = piece.rejects.filter(pc.is_in(piece.rejects.column("offset"), offsets))
    return replace(piece, rows=rows, rejects=rejects)


def _chosen(task: KeptTask, rows: pa.Table) -> pa.Array:
    if task.state == "quarantined":
        is_record = pc.invert(pc.is_in(rows.column("reason"), pa.array(sorted(NO_RECORDS))))
        fits = pc.less_equal(rows.column("length"), task.target.feed.limits.record_bytes)
        return pc.and_(pc.and_(pc.is_null(rows.column("resolved_by")), is_record), fits)
    mask = np.zeros(rows.num_rows, dtype=bool)
    tables = rows.column("table").to_numpy(zero_copy_only=False)
    hashes = hashes_of(pc.fill_null(rows.column("hash"), bytes(HASH_BYTES)))
    for table, wanted in task.hashes.items():
        mask |= (tables == table) & np.isin(hashes, wanted)
    staying = pc.invert(pc.is_in(rows.column("object"), pa.array(sorted(task.gone), pa.string())))
    return pc.and_(pa.array(mask), staying)
