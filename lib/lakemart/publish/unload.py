"""Writes a mart's slices as the plain Parquet files and the manifest that COPY reads. Runs inside tasks, or inline.

Every execution writes under a prefix of its own, so that a repeat touches nothing another one wrote.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot, read_files
from lakemart.publish.columns import ColumnStats, column_stats, physical
from lakemart.publish.mart import MartColumn
from lakemart.publish.slices import files_of
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

TASK_BYTES = 256 * 1024 * 1024
"""How much of the lake's Parquet one task unloads."""
FILE_BYTES = 128 * 1024 * 1024
ROW_GROUP_BYTES = 64 * 1024 * 1024
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedFile:
    """A file that COPY reads: its key under the prefix, exact size in bytes, rows, and SHA-256 of its content."""

    key: str
    size: int
    rows: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadTask:
    """One task's share: lake files to read, and where and how to write. `limits` are the bytes of varchar columns.

    `columns` stand in the order of the warehouse table; `slice` is the lake table's partition column.
    """

    root: Location
    files: tuple[AddedFile, ...]
    schema: pa.Schema
    columns: tuple[MartColumn, ...]
    limits: tuple[int, ...]
    slice: str | None
    out: Location
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unloaded:
    """What was written: files, rows of each slice (None: the null slice, or the whole of a mart without slices)."""

    files: tuple[StagedFile, ...]
    rows: tuple[tuple[str | None, int], ...]
    columns: tuple[ColumnStats, ...]

    @property
    def total(self) -> int:
        """All rows written."""
        return sum(file.rows for file in self.files)


Runner = Callable[[Callable[[UnloadTask], Unloaded], Sequence[UnloadTask]], list[Unloaded]]
"""Runs tasks somewhere and gives their results in order. The engine has one on Spark; `inline` is the plain one."""


def inline(function: Callable[[UnloadTask], Unloaded], tasks: Sequence[UnloadTask]) -> list[Unloaded]:
    """Runs the tasks here, one after another."""
    return [function(task) for task in tasks]


def prefix(number: int) -> str:
    """A prefix no other execution uses; clean-up goes by its number."""
    return f"{number:010d}-{uuid.uuid4().hex[:16]}"


def pack(found: Snapshot, slices: Sequence[str | None] | None) -> list[tuple[AddedFile, ...]]:
    """The lake files of the slices (None: all), parted into tasks of about `TASK_BYTES`. No file, no task."""
    parts: list[list[AddedFile]] = []
    room = 0
    for file in files_of(found, slices):
        if not parts or file.size > room:
            parts.append([])
            room = TASK_BYTES
        parts[-1].append(file)
        room -= file.size
    return [tuple(part) for part in parts]


def unload(task: UnloadTask) -> Unloaded:
    """Writes the task's rows as Parquet under its prefix. Durable afterwards; nobody reads it until a manifest says so.

    Raises DataError when a lake file is gone. Memory: one lake file and one file at work.
    """
    writer = _Files(task)
    rows: Counter[str | None] = Counter()
    stats = [
        ColumnStats(name=column.name, limit=limit) for column, limit in zip(task.columns, task.limits, strict=True)
    ]
    names = [column.name for column in task.columns]
    tables = read_files(task.root, task.files, task.schema, columns=names)
    for file, table in zip(task.files, tables, strict=True):
        rows[file.partition[task.slice] if task.slice is not None else None] += table.num_rows
        staged = physical(table, task.columns)
        for i, (column, limit) in enumerate(zip(task.columns, task.limits, strict=True)):
            more = column_stats(staged.column(i), column, limit=limit, is_slice=column.name == task.slice)
            stats[i] = stats[i].plus(more)
        writer.add(staged)
    return Unloaded(files=writer.close(), rows=tuple(rows.items()), columns=tuple(stats))


def together(parts: Sequence[Unloaded]) -> Unloaded:
    """The results of all tasks as one."""
    rows: Counter[str | None] = Counter()
    columns: list[ColumnStats] = []
    for part in parts:
        rows.update(dict(part.rows))
        columns = (
            [one.plus(other) for one, other in zip(columns, part.columns, strict=True)]
            if columns
            else list(part.columns)
        )
    return Unloaded(
        files=tuple(f for part in parts for f in part.files), rows=tuple(rows.items()), columns=tuple(columns)
    )


def write_manifest(out: Location, files: Sequence[StagedFile]) -> str:
    """Writes the manifest of the files beside them; its URI. Every file is mandatory and of exactly its length."""
    entries = [{"url": out.child(f.key).uri, "mandatory": True, "meta": {"content_length": f.size}} for f in files]
    open_store(out).write(MANIFEST, json.dumps({"entries": entries}, indent=1).encode())
    return out.child(MANIFEST).uri


def content_hash(files: Sequence[StagedFile]) -> str:
    """A hash of what the files hold, whatever they are called."""
    return hashlib.sha256("\n".join(sorted(f.digest for f in files)).encode()).hexdigest()


def is_staged(out: Location, files: Sequence[StagedFile]) -> bool:
    """Whether the manifest and every file are still there at their full length."""
    sizes = dict(open_store(out).sizes())
    return MANIFEST in sizes and all(sizes.get(file.key) == file.size for file in files)


def remove_staged(out: Location) -> None:
    """Removes everything under one execution's prefix."""
    store = open_store(out)
    for info in list(store.list()):
        store.delete(info.key)


class _Files:
    """The Parquet files of one task, closed at about `FILE_BYTES`; row groups of about `ROW_GROUP_BYTES` of rows."""

    def __init__(self, task: UnloadTask) -> None:
        self._task = task
        self._store: Store = open_store(task.out)
        self._pending: list[pa.Table] = []
        self._pending_bytes = 0
        self._sink = pa.BufferOutputStream()
        self._parquet: pq.ParquetWriter | None = None
        self._rows = 0
        self._written: list[StagedFile] = []

    def add(self, rows: pa.Table) -> None:
        for part in _portions(rows):
            self._pending.append(part)
            self._pending_bytes += part.nbytes
            if self._pending_bytes >= ROW_GROUP_BYTES:
                self._flush()

    def close(self) -> tuple[StagedFile, ...]:
        self._flush()
        self._finish()
        return tuple(self._written)

    def _flush(self) -> None:
        table = pa.concat_tables(self._pending) if self._pending else None
        self._pending, self._pending_bytes = [], 0
        if table is None or table.num_rows == 0:
            return
        if self._parquet is None:
            self._sink = pa.BufferOutputStream()
            self._parquet = pq.ParquetWriter(self._sink, table.schema, **_FORM)
        self._parquet.write_table(table, row_group_size=table.num_rows)
        self._rows += table.num_rows
        if self._sink.tell() >= FILE_BYTES:
            self._finish()

    def _finish(self) -> None:
        if self._parquet is None:
            return
        self._parquet.close()
        data: bytes = self._sink.getvalue().to_pybytes()
        key = f"part-{self._task.index:05d}-{len(self._written):03d}.parquet"
        self._store.write(key, data)
        digest = hashlib.sha256(data).hexdigest()
        self._written.append(StagedFile(key=key, size=len(data), rows=self._rows, digest=digest))
        self._parquet, self._rows = None, 0


_FORM: dict[str, Any] = {
    "compression": "snappy",
    "use_deprecated_int96_timestamps": True,
    "store_decimal_as_integer": True,
    "store_schema": False,
    "version": "2.6",
    "data_page_version": "1.0",
}
"""Plain Parquet as Redshift's scanner has always read it; the lake's own files are zstd and INT64 microseconds."""


def _portions(rows: pa.Table) -> Iterator[pa.Table]:
    """The rows in parts of at most about one row group."""
    size = max(1, int(rows.num_rows * ROW_GROUP_BYTES / max(rows.nbytes, 1)))
    for start in range(0, rows.num_rows, size):
        yield rows.slice(start, size)
