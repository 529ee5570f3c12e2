"""Parquet files as COPY sees them: the strict comparison of physical types with the table, and rows as CSV. Files only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from localshift.errors import SqlError, spectrum_error
from localshift.loading import nested
from localshift.loading.columns import Column
from localshift.loading.files import MAX_ROW
from localshift.loading.reading import Reading

BATCH_ROWS = 65_536
BATCH_BYTES = 32 * 1024 * 1024
READ_BYTES = 1024 * 1024
# Of rows whose texts are in a dictionary: the file does not tell how large they will be, only the table how large at most.
UNKNOWN_BYTES, UNKNOWN_ROWS = 64 * 1024 * 1024, 512
READING = Reading()
ARROW_TYPES: dict[str, pa.DataType] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "bytea": pa.binary(),
    "timestamp": pa.timestamp("us"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A file brought here: its address for messages, where it lies, and the source named in messages."""

    url: str
    path: Path
    source: str


def open_file(file: DataFile, columns: Sequence[Column], reading: Reading = READING) -> pq.ParquetFile:
    """Open a file and compare it with the table, by position; SqlError in Redshift's wording when it does not fit."""
    try:
        # By pages and not by columns, so that the size of a row group does not matter.
        parquet = pq.ParquetFile(file.path, coerce_int96_timestamp_unit="us", buffer_size=READ_BYTES, pre_buffer=False)
    except (pa.ArrowInvalid, OSError) as exc:
        raise spectrum_error(
            f"File '{file.url}' is not a Parquet file: {str(exc).splitlines()[0]}", code=15001
        ) from exc
    try:
        _compare(parquet, columns, file, reading)
    except BaseException:
        parquet.close()
        raise
    return parquet


def _compare(parquet: pq.ParquetFile, columns: Sequence[Column], file: DataFile, reading: Reading) -> None:
    fields = parquet.schema_arrow
    if len(fields) > len(columns) or (len(fields) < len(columns) and not reading.fill_record):
        raise spectrum_error(
            f"Unmatched number of columns between table and file. Table columns: {len(columns)}, "
            f"Data columns: {len(fields)}, File name: {file.url}"
        )
    leaf = 0
    for field, column in zip(fields, columns, strict=False):
        described = parquet.schema.column(leaf)
        leaf += nested.leaves(field.type)
        is_nested = pa.types.is_nested(field.type)
        if is_nested and not reading.serialize:
            raise spectrum_error("Unreachable - Invalid type: 4000", code=1005)
        if column.kind == "jsonb" and (reading.serialize or nested.is_json(field.type)):
            continue
        problem = f"optional group {field.name}" if is_nested else mismatch(described, column)
        if problem:
            raise spectrum_error(
                f"File '{file.url}' has an incompatible Parquet schema for column '{file.source}.{column.name}'. "
                f"Column type: {column.spectrum_type}, Parquet schema:\n{problem}"
            )


def mismatch(described: pq.ColumnSchema, column: Column) -> str:
    """Return the file's side of a mismatch, or nothing when this Parquet column may be loaded into the table's."""
    logical = json.loads(described.logical_type.to_json())
    physical, annotation = described.physical_type, str(logical.get("Type", "None"))
    if _fits(physical, annotation, logical, described, column):
        return ""
    shape = physical.lower() + (f"({described.length})" if physical == "FIXED_LEN_BYTE_ARRAY" else "")
    note = "" if annotation == "None" else f" ({_annotation(logical)})"
    repetition = "optional" if described.max_definition_level else "required"
    return f"{repetition} {shape} {described.name}{note}"


def _annotation(logical: dict[str, object]) -> str:
    details = ", ".join(
        f"{key}={value}"
        for key, value in logical.items()
        if key not in ("Type", "is_from_converted_type", "force_set_converted_type")
    )
    return f"{logical['Type']}({details})" if details else str(logical["Type"])


def _fits(
    physical: str, annotation: str, logical: dict[str, object], described: pq.ColumnSchema, column: Column
) -> bool:
    kind = column.kind
    signed = annotation == "None" or (annotation == "Int" and bool(logical.get("isSigned")))
    if kind in ("smallint", "integer", "bigint"):
        width = {"smallint": 16, "integer": 32, "bigint": 64}[kind]
        narrow_enough = annotation == "None" or int(str(logical.get("bitWidth", 0))) <= width
        return physical == ("INT64" if kind == "bigint" else "INT32") and signed and narrow_enough
    if kind in ("real", "double precision", "boolean"):
        return physical == {"real": "FLOAT", "double precision": "DOUBLE", "boolean": "BOOLEAN"}[kind]
    if kind in ("character varying", "character", "bytea"):
        text = kind != "bytea" and annotation in ("String", "Enum", "JSON")
        return physical == "BYTE_ARRAY" and (annotation == "None" or text)
    if kind == "date":
        return physical == "INT32" and annotation == "Date"
    if kind == "timestamp":
        return physical == "INT96" or (
            physical == "INT64" and annotation == "Timestamp" and logical.get("timeUnit") == "microseconds"
        )
    return kind == "numeric" and _decimal_fits(physical, annotation, described, column)


def _decimal_fits(physical: str, annotation: str, described: pq.ColumnSchema, column: Column) -> bool:
    precision = column.length
    if annotation != "Decimal" or (described.precision, described.scale) != (precision, column.scale):
        return False
    if physical == "FIXED_LEN_BYTE_ARRAY":
        return bool(described.length == minimal_bytes(precision))
    return (physical == "INT32" and precision <= 9) or (physical == "INT64" and 9 < precision <= 18)


def minimal_bytes(precision: int) -> int:
    """Return the fewest bytes that hold a signed decimal of this many digits."""
    return math.ceil((math.log2(10**precision) + 1) / 8)


def csv_chunks(
    parquet: pq.ParquetFile, columns: Sequence[Column], file: DataFile, reading: Reading = READING
) -> Iterator[tuple[int, pa.Buffer]]:
    """Yield (rows, CSV bytes) batch by batch; SqlError for a value its column cannot hold and a row of more than 4 MB."""
    kinds = [_arrow_type(column) for column in columns]
    options = pacsv.WriteOptions(include_header=False, quoting_style="needed")
    for batch in parquet.iter_batches(batch_size=_batch_rows(parquet, columns), use_threads=False):
        arrays: list[pa.Array] = []
        for i, column in enumerate(columns):
            wanted = kinds[i]
            if i >= batch.num_columns:
                arrays.append(pa.nulls(batch.num_rows, wanted))
            elif column.kind == "jsonb":
                arrays.append(nested.as_json(batch.column(i)))
            else:
                arrays.append(_valid(_plain(batch.column(i), wanted), column, file, reading))
        _check_rows(arrays, file)
        written = [nested.hexadecimal(array) if pa.types.is_binary(array.type) else array for array in arrays]
        sink = pa.BufferOutputStream()
        pacsv.write_csv(pa.RecordBatch.from_arrays(written, names=list(map(str, range(len(written))))), sink, options)
        yield batch.num_rows, sink.getvalue()


def _batch_rows(parquet: pq.ParquetFile, columns: Sequence[Column]) -> int:
    """Return how many rows to take at a time, so that wide rows need no more memory than narrow ones."""
    metadata = parquet.metadata
    size = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    rows = min(BATCH_ROWS, int(BATCH_BYTES * metadata.num_rows // max(size, 1)))
    if metadata.num_row_groups and metadata.num_columns <= len(columns):
        chunks = [metadata.row_group(0).column(i) for i in range(metadata.num_columns)]
        longest = sum(
            column.length
            for chunk, column in zip(chunks, columns, strict=False)
            if column.is_text and any("DICTIONARY" in encoding for encoding in chunk.encodings)
        )
        rows = min(rows, max(UNKNOWN_ROWS, UNKNOWN_BYTES // max(longest, 1)))
    return max(rows, 1)


def _check_rows(arrays: Sequence[pa.Array], file: DataFile) -> None:
    texts = [
        array for array in arrays if len(array) and (pa.types.is_string(array.type) or pa.types.is_binary(array.type))
    ]
    if sum(pc.max(pc.binary_length(array)).as_py() or 0 for array in texts) <= MAX_ROW:
        return
    sizes = pc.fill_null(pc.binary_length(texts[0]), 0)
    for array in texts[1:]:
        sizes = pc.add(sizes, pc.fill_null(pc.binary_length(array), 0))
    longest = int(pc.max(sizes).as_py() or 0)
    if longest > MAX_ROW:
        raise spectrum_error(f"Row size {longest} exceeds the maximum of {MAX_ROW}, File name: {file.url}", code=15001)


def _valid(array: pa.Array, column: Column, file: DataFile, reading: Reading) -> pa.Array:
    if column.kind == "bytea":
        _check_length(array, column, file)
    if not column.is_text:
        return array
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as exc:
        if not reading.invalid:
            raise spectrum_error(
                f"Data column {column.name} contains invalid or unsupported UTF8 codepoints, File name: {file.url}",
                code=15001,
            ) from exc
        array = nested.replaced(array, reading.invalid)
    _check_length(array, column, file)
    return array


def _arrow_type(column: Column) -> pa.DataType:
    if column.kind == "numeric":
        return pa.decimal128(column.length, column.scale)
    if column.kind == "timestamp":
        return pa.timestamp("us", tz="UTC") if column.zoned else pa.timestamp("us")
    return ARROW_TYPES.get(column.kind, pa.string())


def _plain(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    if array.type == wanted:
        return array
    if pa.types.is_timestamp(array.type) and pa.types.is_timestamp(wanted):
        # Both are UTC microseconds; a cast between with and without zone would be refused or shifted.
        return array.cast(pa.timestamp("us", tz=array.type.tz)).view(pa.int64()).view(wanted)
    try:
        return array.cast(wanted)
    except pa.ArrowInvalid as exc:
        raise SqlError("22003", f"value out of range for the column's type: {exc}") from exc


def _check_length(array: pa.Array, column: Column, file: DataFile) -> None:
    if not column.length or not len(array):
        return
    longest = pc.max(pc.binary_length(array)).as_py() or 0
    if longest > column.length:
        raise spectrum_error(
            f"The length of the data column {column.name} is longer than the length defined in the table. "
            f"Table: {column.length}, Data: {longest}, File name: {file.url}",
            code=15001,
        )
