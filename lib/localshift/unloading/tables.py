"""Rows of an UNLOAD as Parquet files of version 1.0: snappy row groups, INT96 timestamps, columns typed as the query's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from localshift.errors import SqlError
from localshift.loading.columns import Column
from localshift.loading.parquet import ARROW_TYPES
from localshift.unloading.lines import Row

# An empty bytes object and the place of its reference.
VALUE_BYTES = 48


class TableShape:
    """The Arrow types of an UNLOAD's columns. A NUMERIC without a scale takes that of the first rows written."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        self.schema: pa.Schema | None = None

    def table(self, rows: Sequence[Row]) -> pa.Table:
        """Return rows as a table; SqlError for a value its type cannot hold."""
        texts = [
            [None if row[i] is None else (row[i] or b"").decode() for row in rows] for i in range(len(self.columns))
        ]
        if self.schema is None:
            fields = zip(self.columns, texts, strict=True)
            self.schema = pa.schema([pa.field(column.name, _type(column, values)) for column, values in fields])
        arrays = [
            _array(values, field.type, column)
            for values, field, column in zip(texts, self.schema, self.columns, strict=True)
        ]
        return pa.Table.from_arrays(arrays, schema=self.schema)


class TableFile:
    """A Parquet file being written, row group by row group."""

    lines = 0

    def __init__(self, path: Path, shape: TableShape, row_group: int) -> None:
        self.path = path
        self.shape = shape
        self.row_group = row_group
        self.rows: list[Row] = []
        self.waiting = 0
        self.writer: pq.ParquetWriter | None = None

    def add(self, row: Row) -> None:
        """Keep one row for the row group being gathered."""
        self.rows.append(row)
        # Beside its bytes a value costs what Python needs to keep it.
        self.waiting += sum(map(len, filter(None, row))) + VALUE_BYTES * len(row)
        if self.waiting >= self.row_group:
            self._flush()

    @property
    def size(self) -> int:
        """About the bytes of the file: what is written and what waits."""
        return self.path.stat().st_size + self.waiting if self.writer is not None else self.waiting

    def abandon(self) -> None:
        """Close the file without what still waits."""
        self.rows = []
        self.close()

    def close(self) -> None:
        """Finish the file."""
        try:
            self._flush()
        finally:
            if self.writer is not None:
                self.writer.close()

    def _flush(self) -> None:
        if not self.rows:
            return
        rows, self.rows, self.waiting = self.rows, [], 0
        table = self.shape.table(rows)
        if self.writer is None:
            self.writer = pq.ParquetWriter(
                self.path, table.schema, version="1.0", compression="snappy", use_deprecated_int96_timestamps=True
            )
        self.writer.write_table(table, row_group_size=max(table.num_rows, 1))


def _type(column: Column, values: Sequence[str | None]) -> pa.DataType:
    if column.kind == "numeric":
        scale = max((len(value.partition(".")[2]) for value in values if value), default=0)
        return pa.decimal128(column.length, column.scale) if column.length else pa.decimal128(38, min(scale, 37))
    if column.kind == "timestamp":
        return pa.timestamp("us")
    if column.kind == "jsonb":
        # So Redshift writes SUPER, and a COPY reads it as SUPER again.
        return pa.json_(pa.string())
    return ARROW_TYPES.get(column.kind, pa.string())


def _array(values: Sequence[str | None], kind: pa.DataType, column: Column) -> pa.Array:
    if pa.types.is_boolean(kind):
        return pa.array([None if value is None else value == "t" for value in values], kind)
    if pa.types.is_binary(kind):
        return pa.array([None if value is None else bytes.fromhex(value) for value in values], kind)
    if column.kind == "jsonb":
        return pa.ExtensionArray.from_storage(kind, pa.array(values, pa.string()))
    try:
        return pa.array(values, pa.string()).cast(kind)
    except pa.ArrowInvalid as exc:
        raise SqlError(
            "22003", f"a value of column {column.name} does not fit {kind} of Parquet: cast it in the query"
        ) from exc
