"""What runs inside a task, on Spark or inline: read objects under their planned etags, decode, write Parquet.

A damaged or vanished object gives no row at all: when one turns up after some of its rows were written, the task starts
again without it; the files of the first attempt carry another name and are never committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from lakemart.decode.api import cut_records, decode_keys, decode_object
from lakemart.decode.inflate import inflated
from lakemart.decode.result import Counts, DamagedError, Decoded
from lakemart.ingest.census import UnknownField, from_census, merged
from lakemart.ingest.files import BatchFiles, BatchTarget, Drops, Lost, slices_of
from lakemart.ingest.objects import ObjectBooks, RawObject, Status
from lakemart.lake.actions import AddedFile
from lakemart.steps import step
from lakemart.storage.ahead import Blocks, Wanted, reading_ahead
from lakemart.storage.opening import open_store
from lakemart.storage.store import (
    BrokenTransferError,
    ChangedObjectError,
    ForbiddenObjectError,
    Location,
    MissingObjectError,
    UnusableKmsKeyError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeTask:
    """The objects one task reads, the rules it reads them by, and where its files go. Picklable."""

    raw: Location
    target: BatchTarget
    objects: tuple[RawObject, ...]
    drops: Drops = field(default_factory=dict)
    salvage: bool = False
    """Whether the readable part of a damaged object is taken, by explicit word; the rest is one reject."""
    keep_losers: bool = False
    """Whether records that lose as duplicates are kept with their bytes, so that they can come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReport:
    """What a task did: the books of each of its objects, the files it wrote by table, the unknown fields it met."""

    books: tuple[ObjectBooks, ...]
    files: Mapping[str, tuple[AddedFile, ...]]
    unknown: tuple[UnknownField, ...]


class ObjectError(Exception):
    """This object gives no rows; the task that meets it starts again without it."""

    def __init__(self, raw: RawObject, status: Status, reason: str) -> None:
        super().__init__(reason)
        self.books = ObjectBooks(
            key=raw.key, etag=raw.etag, size=raw.size, order=raw.order, status=status, reason=reason
        )


def decode_and_write(task: DecodeTask) -> TaskReport:
    """Decodes the task's objects and writes their rows, by table and partition, their rejects, and their duplicates.

    Durable afterwards under names used once, visible to nobody. Raises TransientError when the raw store fails.
    """
    unusable: dict[str, ObjectBooks] = {}
    while True:
        try:
            books, files, unknown = _attempt(task, unusable)
        except ObjectError as error:
            unusable[error.books.key] = error.books
            continue
        inorder = tuple(unusable.get(raw.key) or books[raw.key] for raw in task.objects)
        return TaskReport(books=inorder, files=files, unknown=merged(unknown))


def _attempt(
    task: DecodeTask, unusable: Mapping[str, ObjectBooks]
) -> tuple[dict[str, ObjectBooks], dict[str, tuple[AddedFile, ...]], list[UnknownField]]:
    books: dict[str, ObjectBooks] = {}
    unknown: list[UnknownField] = []
    objects = [raw for raw in task.objects if raw.key not in unusable]
    with step("ingest.files"), objects_of(task, objects) as read:
        files = BatchFiles(task.target)
        for raw in objects:
            books[raw.key] = _one_object(task, raw, read, (files, unknown))
        return books, files.close(), unknown


def objects_of(task: DecodeTask, objects: Sequence[RawObject]) -> AbstractContextManager[Blocks]:
    """Reads the objects, each in its planned version, best in this order."""
    return reading_ahead(task.raw, [Wanted(key=raw.key, etag=raw.etag, size=raw.size) for raw in objects])


def _one_object(
    task: DecodeTask, raw: RawObject, read: Blocks, into: tuple[BatchFiles, list[UnknownField]]
) -> ObjectBooks:
    """Decodes one object into the files and says how its books stand."""
    files, unknown = into
    counts = Counts()
    slices: set[str | None] = set()
    lost: list[Lost] = []
    children = 0
    oversize: list[tuple[int, int]] = []
    for chunk in read_object(task, raw, read):
        counts = counts.plus(chunk.counts)
        slices |= slices_of(chunk.rows, task.target.contracts)
        taken = files.add_rows(raw.key, chunk.rows, task.drops)
        lost += taken.lost
        children += taken.children
        files.add_rejects(raw.key, raw.etag, chunk.rejects)
        unknown += from_census(chunk.census, raw.key)
        oversize += _oversize(chunk.rejects)
    if oversize:
        files.evidence.keep(inflated(_blocks(task, raw), size=raw.size), oversize)
    if lost and task.keep_losers:
        _keep_losers(task, raw, lost, files)
    elif lost:
        for records in lost:
            files.add_duplicates(raw.key, raw.etag, records)
    dropped = sum(len(records.offsets) for records in lost)
    return ObjectBooks(
        key=raw.key,
        etag=raw.etag,
        size=raw.size,
        order=raw.order,
        status="read",
        records=counts.records,
        good=counts.good - dropped,
        quarantined=counts.quarantined,
        duplicate=dropped,
        filtered=counts.filtered,
        children=children,
        slices=tuple(sorted(slices, key=str)),
    )


def read_object(task: DecodeTask, raw: RawObject, read: Blocks) -> Iterator[Decoded]:
    """Decodes one object chunk by chunk, from exactly the planned version. Raises ObjectError."""
    target = task.target
    with reading(raw):
        yield from decode_object(
            read(raw.key, raw.etag), target.feed, size=raw.size, pii_key=target.pii_key, salvage=task.salvage
        )


def read_object_keys(
    task: DecodeTask, raw: RawObject, read: Blocks, columns: Mapping[str, Sequence[str]]
) -> Iterator[Mapping[str, pa.RecordBatch]]:
    """Only these columns, by table, and the offsets of the rows that `read_object` gives. Raises ObjectError."""
    target = task.target
    with reading(raw):
        for piece in decode_keys(
            read(raw.key, raw.etag), target.feed, columns, size=raw.size, pii_key=target.pii_key, salvage=task.salvage
        ):
            yield piece.rows


@contextmanager
def reading(raw: RawObject) -> Iterator[None]:
    """What goes wrong with this one object while its bytes are read becomes an ObjectError."""
    try:
        yield
    except DamagedError as error:
        raise ObjectError(raw, "damaged", f"{error.reason}: {error.detail}") from error
    except ChangedObjectError as error:
        raise ObjectError(raw, "unread", "was changed since it was planned") from error
    except MissingObjectError as error:
        raise ObjectError(raw, "unread", "is gone since it was planned") from error
    except UnusableKmsKeyError as error:
        raise ObjectError(raw, "unread", f"may not be read: {error.what}. {error.next_step}") from error
    except ForbiddenObjectError as error:
        raise ObjectError(raw, "unread", "may not be read") from error
    except BrokenTransferError as error:
        raise ObjectError(raw, "unread", "broke off in transfer") from error


def _keep_losers(task: DecodeTask, raw: RawObject, lost: Sequence[Lost], files: BatchFiles) -> None:
    """Writes the records that lost with their exact bytes: the object is read once more, for rows alone are left by now."""
    where = {
        offset: (records.table, mark.as_py())
        for records in lost
        for offset, mark in zip(records.offsets.tolist(), records.hashes, strict=True)
    }
    pending: list[tuple[int, bytes]] = []
    held = 0
    with reading(raw):
        for offset, data in cut_records(
            _blocks(task, raw),
            task.target.feed,
            where,
            size=raw.size,
            pii_key=task.target.pii_key,
            salvage=task.salvage,
        ):
            pending.append((offset, data))
            held += len(data)
            if held >= _HELD_BYTES:
                files.add_lost(raw.key, raw.etag, where, pending)
                pending, held = [], 0
    files.add_lost(raw.key, raw.etag, where, pending)


def _blocks(task: DecodeTask, raw: RawObject) -> Iterator[bytes]:
    return open_store(task.raw).blocks(raw.key, etag=raw.etag)


def _oversize(rejects: pa.RecordBatch) -> list[tuple[int, int]]:
    """The ranges of rejects whose bytes are too many for a table."""
    if not rejects.num_rows:
        return []
    rows = rejects.filter(rejects.column("raw").is_null())
    return list(zip(rows.column("offset").to_pylist(), rows.column("length").to_pylist(), strict=True))


def pack(objects: Sequence[RawObject], task_size: int) -> list[tuple[RawObject, ...]]:
    """Groups objects, in order, into tasks of about `task_size` bytes of JSON; a large object is a task of its own."""
    groups: list[list[RawObject]] = []
    room = 0
    for raw in objects:
        size = estimated_json_bytes(raw)
        if not groups or size > room:
            groups.append([])
            room = task_size
        groups[-1].append(raw)
        room -= size
    return [tuple(group) for group in groups]


def estimated_json_bytes(raw: RawObject) -> int:
    """A guess for planning only: names tell of compression here, and only here; reading goes by content."""
    return raw.size * _EXPANSION.get(raw.key.rpartition(".")[2].lower(), 1)


_HELD_BYTES = 16 * 1024 * 1024
"""How much of records that lost is held in memory at a time."""

_EXPANSION = {"gz": 6, "zst": 7, "bz2": 8}
