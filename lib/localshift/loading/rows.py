"""Records of text files into the CSV PostgreSQL takes, batch by batch; what does not fit a column is refused and counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localshift.errors import INTERNAL, SqlError
from localshift.loading.columns import Column
from localshift.loading.fielderrors import FieldError
from localshift.loading.fields import Converter, converter
from localshift.loading.reading import Reading
from localshift.loading.records import Record, Rows
from localshift.transfers import RAW_LENGTH, Load, Reject

BATCH_BYTES = 1 << 20
# More than these are counted but not kept: Redshift's own log is bounded too.
KEPT_REJECTS = 10_000


@dataclass(slots=True)
class Progress:
    """How far one file is: the lines read and the rows refused."""

    lines: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where rows go: the columns, how fields are read, the load's books, and the table of errors named in messages.

    `delimiter` stands between the fields of what is made; it is no letter or digit.
    """

    columns: Sequence[Column]
    reading: Reading
    load: Load
    log: str
    delimiter: str = ","


def csv_batches(
    records: Iterator[Record | Rows], target: Target, url: str, progress: Progress
) -> Iterator[tuple[int, bytes]]:
    """Yield (rows, CSV) for the records that fit; SqlError when as many were refused as MAXERROR allows."""
    converters = [converter(column, target.reading) for column in target.columns]
    out: list[bytes] = []
    count = size = 0
    for record in records:
        progress.lines = record.line
        if isinstance(record, Rows):
            out.append(record.data)
            count += record.rows
        elif isinstance(row := _row(record, converters, target, url), Reject):
            _refuse(row, target, progress)
            continue
        else:
            out.append(row.encode())
            count += 1
        size += len(out[-1])
        if size > BATCH_BYTES:
            yield count, b"".join(out)
            out, count, size = [], 0, 0
    if out:
        yield count, b"".join(out)


def _refuse(reject: Reject, target: Target, progress: Progress) -> None:
    load, limit = target.load, target.reading.max_errors
    progress.errors += 1
    load.rejected += 1
    if len(load.rejects) < KEPT_REJECTS:
        load.rejects.append(reject)
    if limit is not None and load.rejected >= limit:
        raise failed(load.table, target.log)


def failed(table: str, log: str) -> SqlError:
    """Return the error of a load that has met too many bad rows."""
    return SqlError(INTERNAL, f"Load into table '{table}' failed.  Check '{log}' system table for details.")


def _row(record: Record, converters: list[Converter], target: Target, url: str) -> str | Reject:
    fields = record.fields
    if record.code:
        return Reject(file=url, line=record.line, code=record.code, reason=record.reason, raw_line=record.raw)
    if len(fields) != len(converters):
        problem = _fitted(fields, target)
        if problem:
            return _reject(record, url, target.columns[min(len(fields), len(converters)) - 1], problem, "")
    values: list[str] = []
    for position, field in enumerate(fields):
        try:
            value = converters[position](field)
        except FieldError as error:
            return _reject(record, url, target.columns[position], (error.code, error.reason), field or "")
        if value is not None and (not value or not value.isalnum()):
            value = '"' + value.replace('"', '""') + '"'
        values.append("" if value is None else value)
    return target.delimiter.join(values) + "\n"


def _fitted(fields: list[str | None], target: Target) -> tuple[int, str] | None:
    """Bring a record to the number of columns; the error when that may not be."""
    missing = target.columns[len(fields) :]
    if missing and target.reading.fill_record:
        fields += ["" if column.kind == "character varying" else None for column in missing]
        return None
    if missing:
        return 1214, "Delimiter not found"
    # A delimiter at the end of a line of delimited text is no column of its own.
    if target.load.file_format == "Text" and len(fields) == len(target.columns) + 1 and not fields[-1]:
        fields.pop()
        return None
    return 1202, "Extra column(s) found"


def _reject(record: Record, url: str, column: Column, problem: tuple[int, str], field: str) -> Reject:
    return Reject(
        file=url,
        line=record.line,
        code=problem[0],
        reason=problem[1],
        column=column.name,
        kind=column.short_type,
        length=column.shown_length,
        position=max(record.raw.find(field), 0) if field else 0,
        raw_line=record.raw[:RAW_LENGTH],
        raw_field=field[:RAW_LENGTH],
    )
