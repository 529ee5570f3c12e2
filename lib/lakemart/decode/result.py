"""What decoding gives: rows by table, rejects with exact bytes, counts, and the census of unknown fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from lakemart.decode.reasons import DAMAGES
from lakemart.errors import DataError

REJECTS: Final = pa.schema([
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("length", pa.int64(), nullable=False),
    pa.field("record", pa.int64(), nullable=False),
    pa.field("table", pa.string(), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("column", pa.string()),
    pa.field("message", pa.string(), nullable=False),
    pa.field("raw", pa.binary()),
])  # fmt: skip
"""One row per rejected record: its byte range in the decompressed object, its number in the object from 0, the table
whose contract refused it, reason, column, and the exact bytes. `raw` is null when the record exceeds the limit on bytes:
then the range alone says where they lie."""

CENSUS: Final = pa.schema([
    pa.field("table", pa.string(), nullable=False),
    pa.field("path", pa.string(), nullable=False),
    pa.field("type", pa.string(), nullable=False),
    pa.field("count", pa.int64(), nullable=False),
    pa.field("first_offset", pa.int64(), nullable=False),
])  # fmt: skip
"""One row per unknown path (JSON Pointer) and JSON type, over good rows, in order of first appearance; at most
CENSUS_PATHS paths a chunk, data is never cut."""

CENSUS_PATHS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The books of one piece: records = good + quarantined + filtered; blank lines and child rows stand apart."""

    records: int = 0
    good: int = 0
    quarantined: int = 0
    filtered: int = 0
    blank: int = 0
    child_rows: int = 0

    def plus(self, other: Counts) -> Counts:
        """The counts of both pieces together."""
        return Counts(
            records=self.records + other.records,
            good=self.good + other.good,
            quarantined=self.quarantined + other.quarantined,
            filtered=self.filtered + other.filtered,
            blank=self.blank + other.blank,
            child_rows=self.child_rows + other.child_rows,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """One rejected record, a row of `REJECTS`."""

    offset: int
    length: int
    record: int
    table: str
    reason: str
    column: str | None
    message: str
    raw: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """One decoded piece. `rows` has a batch for every table of the feed, by name; all in order of offset."""

    rows: dict[str, pa.RecordBatch]
    rejects: pa.RecordBatch
    census: pa.RecordBatch
    counts: Counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """One piece of which only some columns are wanted: of every good record their values, `_offset` and `_record`.

    `rows` has a batch of `keys_schema` for every table that was asked for; the counts are those of a full decode.
    """

    rows: dict[str, pa.RecordBatch]
    counts: Counts


def keys_schema(rows: pa.Schema, columns: Sequence[str]) -> pa.Schema:
    """Some columns of a table's rows, then `_offset` and `_record`: the record's offset and its number in the object from 0."""
    number = pa.field("_record", pa.int64(), nullable=False)
    return pa.schema([*(rows.field(name) for name in (*columns, "_offset")), number])


class DamagedError(DataError):
    """The object as a whole cannot be trusted: whatever was decoded of it before must be thrown away.

    `reason` is a key of DAMAGES, `detail` says what was found, `offset` is the position in the decompressed object up
    to which bytes could be read.
    """

    def __init__(self, reason: str, detail: str, offset: int) -> None:
        super().__init__(
            f"the object is damaged: {DAMAGES[reason]}: {detail}",
            next_step="Replace the object, or accept its readable part with `lakemart accept`.",
        )
        self.reason = reason
        self.detail = detail
        self.offset = offset
