"""What runs inside a task, on Spark or inline: read objects under their planned etags, decode, write Parquet.

A damaged or vanished object gives no row at all: when one turns up after some of its rows were written, the task starts
again without it; the files of the first attempt carry another name and are never committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from lakemart.contract.table import Feed
from lakemart.decode.api import decode_object
from lakemart.decode.inflate import inflated
from lakemart.decode.result import Counts, DamagedError, Decoded
from lakemart.ingest.census import UnknownField, from_census, merged
from lakemart.ingest.evidence import Evidence
from lakemart.ingest.objects import ObjectBooks, RawObject, Status
from lakemart.ingest.tables import quarantine_rows, quarantine_schema, quarantine_table, with_provenance
from lakemart.lake.actions import AddedFile
from lakemart.lake.write import FileTarget, PartitionedFiles
from lakemart.steps import step
from lakemart.storage.store import ChangedObjectError, ForbiddenObjectError, Location, MissingObjectError, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeTask:
    """The objects one task reads, the rules it reads them by, and where its files go. Picklable.

    `drops` maps a table and an object's key to the offsets of its records that lose as duplicates, sorted.
    """

    raw: Location
    lake: Location
    feed: Feed
    objects: tuple[RawObject, ...]
    number: int
    run: str
    drops: Mapping[tuple[str, str], np.ndarray] = field(default_factory=dict)
    pii_key: bytes | None = field(default=None, repr=False)
    salvage: bool = False
    """Whether the readable part of a damaged object is taken, by explicit word; the rest is one reject."""


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
        self.books = ObjectBooks(key=raw.key, etag=raw.etag, size=raw.size, status=status, reason=reason)


def decode_and_write(task: DecodeTask) -> TaskReport:
    """Decodes the task's objects and writes their rows, by table and partition, and their rejects.

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
    contracts = {contract.table: contract for contract in task.feed.tables}
    main = task.feed.tables[0].table
    writers = {
        table: PartitionedFiles(_target(task, table, contract.lake_schema, contract.partition_by))
        for table, contract in contracts.items()
    }
    rejects = PartitionedFiles(_target(task, quarantine_table(main), quarantine_schema(), None))
    evidence = Evidence.of(open_store(task.lake.child(quarantine_table(main))), task.feed, task.number, task.pii_key)
    books = {}
    unknown: list[UnknownField] = []
    with step("ingest.files"):
        for raw in task.objects:
            if raw.key in unusable:
                continue
            counts = Counts()
            dropped = 0
            oversize: list[tuple[int, int]] = []
            for chunk in read_object(task, raw):
                counts = counts.plus(chunk.counts)
                for table, rows in chunk.rows.items():
                    parent = contracts[table].parent
                    kept = _without(rows, task.drops.get((parent or table, raw.key)))
                    dropped += rows.num_rows - kept.num_rows if parent is None else 0
                    writers[table].add(with_provenance(kept, contracts[table], raw.key, task.number))
                unknown += from_census(chunk.census, raw.key)
                rejects.add(_quarantined(task, raw, chunk.rejects, evidence))
                oversize += _oversize(chunk.rejects)
            if oversize:
                evidence.keep(inflated(_blocks(task, raw), size=raw.size), oversize)
            books[raw.key] = _balance(raw, counts, dropped)
        written = {table: tuple(writer.close()) for table, writer in writers.items()}
        written[quarantine_table(main)] = tuple(rejects.close())
    return books, written, unknown


def read_object(task: DecodeTask, raw: RawObject) -> Iterator[Decoded]:
    """Decodes one object chunk by chunk, from exactly the planned version."""
    try:
        yield from decode_object(
            _blocks(task, raw), task.feed, size=raw.size, pii_key=task.pii_key, salvage=task.salvage
        )
    except DamagedError as error:
        raise ObjectError(raw, "damaged", f"{error.reason}: {error.detail}") from error
    except ChangedObjectError as error:
        raise ObjectError(raw, "unread", "changed since it was planned") from error
    except MissingObjectError as error:
        raise ObjectError(raw, "unread", "gone since it was planned") from error
    except ForbiddenObjectError as error:
        raise ObjectError(raw, "unread", "may not be read") from error


def _blocks(task: DecodeTask, raw: RawObject) -> Iterator[bytes]:
    return open_store(task.raw).blocks(raw.key, etag=raw.etag)


def _quarantined(task: DecodeTask, raw: RawObject, rejects: pa.RecordBatch, evidence: Evidence) -> pa.RecordBatch:
    where = {
        "resolved_by": None,
        "batch": task.number,
        "run": task.run,
        "object": raw.key,
        "etag": raw.etag,
        "contract": task.feed.version,
    }
    return quarantine_rows(rejects, evidence.columns(rejects), where)


def _oversize(rejects: pa.RecordBatch) -> list[tuple[int, int]]:
    """The ranges of rejects whose bytes are too many for a table."""
    rows = rejects.filter(rejects.column("raw").is_null())
    return list(zip(rows.column("offset").to_pylist(), rows.column("length").to_pylist(), strict=True))


def _target(task: DecodeTask, table: str, schema: pa.Schema, partition_by: str | None) -> FileTarget:
    return FileTarget(root=task.lake.child(table), schema=schema, partition_by=partition_by, number=task.number)


def _without(rows: pa.RecordBatch, drops: np.ndarray | None) -> pa.RecordBatch:
    if drops is None or not len(drops):
        return rows
    offsets = rows.column("_offset").to_numpy(zero_copy_only=False)
    return rows.filter(pa.array(~np.isin(offsets, drops)))


def _balance(raw: RawObject, counts: Counts, dropped: int) -> ObjectBooks:
    return ObjectBooks(
        key=raw.key,
        etag=raw.etag,
        size=raw.size,
        status="read",
        records=counts.records,
        good=counts.good - dropped,
        quarantined=counts.quarantined,
        duplicate=dropped,
        filtered=counts.filtered,
        children=counts.child_rows,
    )


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


_EXPANSION = {"gz": 6, "zst": 7, "bz2": 8}
