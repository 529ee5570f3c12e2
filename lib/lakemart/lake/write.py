"""The one Parquet writer: clean tables, models and quarantine pass through it, inside tasks.

zstd level 1, a dictionary only where the first rows show that it pays, statistics for data skipping from the Parquet
footer. Files appear under names used once, so that whatever is not committed is invisible.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakemart.lake.actions import AddedFile
from lakemart.lake.stats import file_stats
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

ROW_GROUP_BYTES = 64 * 1024 * 1024
FILE_BYTES = 128 * 1024 * 1024

_JOINED = 256
"""So many batches become one: a batch of one row takes some kilobytes, of which `nbytes` knows nothing."""

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
_FOLDER_LENGTH = 128
_SAMPLE_ROWS = 20_000
_DICTIONARY_RATIO = 0.4
"""A dictionary pays while fewer than this share of the sampled values are distinct; measured on event data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTarget:
    """Where a task's files go: the table's root, its whole schema, its partition column, and the number they are of.

    A file is closed once it has reached about `file_bytes`, compressed; None is what suits new rows.
    """

    root: Location
    schema: pa.Schema
    partition_by: str | None
    number: int
    file_bytes: int | None = None

    def stem(self) -> str:
        """The start of file names of one execution: the number (clean-up goes by it) and an id used nowhere else."""
        return f"{self.number:010d}-{uuid.uuid4().hex[:16]}"


def write_files(batches: Iterable[pa.RecordBatch], target: FileTarget) -> list[AddedFile]:
    """Writes the rows as Parquet under the target's root, apart by partition value, and says what it wrote.

    Durable afterwards, invisible until committed; a re-run writes other files. Rows keep their order within a
    partition.
    """
    files = PartitionedFiles(target)
    for batch in batches:
        files.add(batch)
    return files.close()


def write_partition(batches: Iterable[pa.RecordBatch], target: FileTarget, value: str | None) -> list[AddedFile]:
    """Writes rows that are all of one partition, whose value is given as Delta's log has it. Else as `write_files`."""
    files = _PartitionFiles(target, value, open_store(target.root), f"{target.stem()}-0")
    for batch in batches:
        files.add(batch)
    return files.close()


class PartitionedFiles:
    """Parquet files being written, apart by partition value. Memory: a row group and a file per value at work."""

    def __init__(self, target: FileTarget) -> None:
        self._target = target
        self._stem = target.stem()
        self._store = open_store(target.root)
        self._parts: dict[str | None, _PartitionFiles] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Takes rows of the target's schema; full row groups and files are written as they come."""
        if not batch.num_rows:
            return
        for value, rows in _by_partition(batch, self._target.partition_by):
            if value not in self._parts:
                self._parts[value] = _PartitionFiles(
                    self._target, value, self._store, f"{self._stem}-{len(self._parts)}"
                )
            self._parts[value].add(rows)

    def close(self) -> list[AddedFile]:
        """Writes what is left and returns every file, in the order partition values first came."""
        return [file for part in self._parts.values() for file in part.close()]


def partition_text(value: object) -> str | None:
    """A partition value as Delta's log writes it. Null is None, and so is the empty text: Delta cannot tell them apart.

    >>> import datetime
    >>> partition_text(datetime.date(2015, 1, 1)), partition_text(True), partition_text(None), partition_text("")
    ('2015-01-01', 'true', None, None)
    """
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _by_partition(batch: pa.RecordBatch, column: str | None) -> Iterator[tuple[str | None, pa.RecordBatch]]:
    if column is None:
        yield None, batch
        return
    values = batch.column(column)
    bare = batch.drop_columns([column])
    found = pc.unique(values)
    if len(found) == 1:
        yield partition_text(found[0].as_py()), bare
        return
    for value in found:
        same = pc.is_null(values) if not value.is_valid else pc.equal(values, value)
        yield partition_text(value.as_py()), bare.filter(same)


def _folder_value(value: str | None) -> str:
    """The value as a folder's name holds it: escaped, and cut where stores would refuse it. Delta reads it from its log."""
    text = NULL_PARTITION if value is None else quote(value, safe=" ")
    return text if len(text) <= _FOLDER_LENGTH else f"{text[:_FOLDER_LENGTH]}~"


class _PartitionFiles:
    """The files of one partition value of one execution; holds at most one row group and one file in memory."""

    def __init__(self, target: FileTarget, value: str | None, store: Store, stem: str) -> None:
        self._schema = target.schema
        self._folder = ""
        self._partition: dict[str, str | None] = {}
        if target.partition_by is not None:
            self._schema = pa.schema([f for f in target.schema if f.name != target.partition_by])
            self._folder = f"{target.partition_by}={_folder_value(value)}/"
            self._partition = {target.partition_by: value}
        self._store = store
        self._stem = stem
        self._file_bytes = target.file_bytes or FILE_BYTES
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        self._joined = 0
        self._sink: pa.BufferOutputStream | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._not_finite: set[str] = set()
        self._written: list[AddedFile] = []

    def add(self, rows: pa.RecordBatch) -> None:
        fits = rows.schema.equals(self._schema)
        self._pending.append(rows if fits else rows.select(self._schema.names).cast(self._schema))
        self._pending_bytes += rows.nbytes
        if self._pending_bytes >= ROW_GROUP_BYTES:
            self._flush()
        elif len(self._pending) - self._joined >= _JOINED:
            self._pending[self._joined :] = [pa.concat_batches(self._pending[self._joined :])]
            self._joined += 1

    def close(self) -> list[AddedFile]:
        self._flush()
        self._finish()
        return self._written

    def _flush(self) -> None:
        if not self._pending:
            return
        table = pa.Table.from_batches(self._pending, schema=self._schema)
        self._pending, self._pending_bytes, self._joined = [], 0, 0
        if self._parquet is None:
            self._sink = pa.BufferOutputStream()
            self._parquet = pq.ParquetWriter(
                self._sink,
                self._schema,
                compression="zstd",
                compression_level=1,
                use_dictionary=_dictionary_columns(table),
                write_statistics=True,
                version="2.6",
            )
        self._not_finite |= _not_finite(table)
        self._parquet.write_table(table, row_group_size=max(table.num_rows, 1))
        assert self._sink is not None  # noqa: S101 - opened with the writer
        if self._sink.tell() >= self._file_bytes:
            self._finish()

    def _finish(self) -> None:
        if self._parquet is None or self._sink is None:
            return
        self._parquet.close()
        data = self._sink.getvalue()
        footer = pq.read_metadata(pa.BufferReader(data))
        path = f"{self._folder}{self._stem}-{len(self._written)}.parquet"
        self._store.write(path, data.to_pybytes())
        stats = file_stats(footer, not_finite=self._not_finite)
        self._written.append(
            AddedFile(path=path, size=data.size, rows=footer.num_rows, partition=self._partition, stats=stats)
        )
        self._parquet = self._sink = None
        self._not_finite = set()


def _not_finite(table: pa.Table) -> set[str]:
    """The columns of doubles with a value that has no place among JSON's numbers."""
    doubles = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    return {name for name in doubles if pc.all(pc.is_finite(table.column(name))).as_py() is False}


def _dictionary_columns(table: pa.Table) -> list[str]:
    """The columns whose values repeat enough in the first rows that a dictionary makes the file smaller and cheaper."""
    sample = table.slice(0, _SAMPLE_ROWS)
    chosen = []
    for field in table.schema:
        if pa.types.is_boolean(field.type) or pa.types.is_nested(field.type):
            continue
        if pc.count_distinct(sample.column(field.name)).as_py() < max(sample.num_rows * _DICTIONARY_RATIO, 2):
            chosen.append(field.name)
    return chosen
