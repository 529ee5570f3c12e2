"""Turns lake columns into the physical columns COPY reads, and counts what preflight must know. Pure.

Physical types are those of the warehouse's DDL: INT32 for smallint, integer and date, INT64 for bigint, the least
width for decimals, INT96 for times (which Redshift reads everywhere), UTF-8 JSON text for `super`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.types import ColumnType
from lakemart.publish.mart import MartColumn, is_super

_SHOWN = 40
_DAYS = (-719162, 2932896)
"""0001-01-01 and 9999-12-31 as days since 1970: what INT96, the driver and Python's dates hold alike."""
_MICROS = (_DAYS[0] * 86_400_000_000, (_DAYS[1] + 1) * 86_400_000_000 - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStats:
    """What preflight needs of one staged column. `over` counts values of more than `limit` bytes (the DDL's, 0: none).

    `longest` is the head of the longest text, `bad_example` of a text that is no JSON, `blank_slices` are slice values
    that end with a blank.
    """

    name: str
    rows: int = 0
    nulls: int = 0
    limit: int = 0
    over: int = 0
    max_bytes: int = 0
    longest: str = ""
    nul: int = 0
    bad_json: int = 0
    bad_example: str = ""
    out_of_range: int = 0
    low: int | float | Decimal | None = None
    high: int | float | Decimal | None = None
    blank_slices: tuple[str, ...] = ()

    def plus(self, other: ColumnStats) -> ColumnStats:
        """The statistics of both sets of rows together."""
        longer = max(self, other, key=lambda stats: stats.max_bytes)
        lows = [stats.low for stats in (self, other) if stats.low is not None]
        highs = [stats.high for stats in (self, other) if stats.high is not None]
        return ColumnStats(
            name=self.name,
            rows=self.rows + other.rows,
            nulls=self.nulls + other.nulls,
            limit=self.limit,
            over=self.over + other.over,
            max_bytes=longer.max_bytes,
            longest=longer.longest,
            nul=self.nul + other.nul,
            bad_json=self.bad_json + other.bad_json,
            bad_example=self.bad_example or other.bad_example,
            out_of_range=self.out_of_range + other.out_of_range,
            low=min(lows) if lows else None,
            high=max(highs) if highs else None,
            blank_slices=tuple(sorted({*self.blank_slices, *other.blank_slices}))[:3],
        )


def physical_type(kind: ColumnType) -> pa.DataType:
    """The Arrow type whose Parquet form COPY expects for a column of this type."""
    return pa.string() if is_super(kind) else kind.arrow


def physical(table: pa.Table, columns: tuple[MartColumn, ...]) -> pa.Table:
    """The rows with the columns in the order given and of their physical types. Nulls stay nulls."""
    arrays = [_physical_column(table.column(column.name), column.type) for column in columns]
    return pa.table(arrays, schema=pa.schema([pa.field(c.name, physical_type(c.type)) for c in columns]))


def column_stats(values: pa.ChunkedArray, column: MartColumn, *, limit: int, is_slice: bool = False) -> ColumnStats:
    """The statistics of one physical column."""
    rows, nulls = len(values), values.null_count
    if nulls == rows:
        return ColumnStats(name=column.name, rows=rows, nulls=nulls, limit=limit)
    if pa.types.is_string(values.type):
        return _text_stats(values, column, limit=limit, is_slice=is_slice)
    low = high = None
    outside = 0
    if not pa.types.is_boolean(values.type):
        bounds = pc.min_max(_as_numbers(values))
        low, high = bounds["min"].as_py(), bounds["max"].as_py()
    if pa.types.is_temporal(values.type):
        first, last = _DAYS if pa.types.is_date(values.type) else _MICROS
        if low is not None and high is not None and (low < first or high > last):
            numbers = _as_numbers(values)
            outside = pc.sum(pc.or_(pc.less(numbers, first), pc.greater(numbers, last)).cast(pa.int64())).as_py()
    return ColumnStats(name=column.name, rows=rows, nulls=nulls, low=low, high=high, out_of_range=outside)


def _text_stats(values: pa.ChunkedArray, column: MartColumn, *, limit: int, is_slice: bool) -> ColumnStats:
    lengths = pc.binary_length(values)
    longest = pc.max(lengths).as_py()
    over = pc.sum(pc.greater(lengths, limit).cast(pa.int64())).as_py() if limit and longest > limit else 0
    head = values.filter(pc.equal(lengths, longest))[0].as_py()[:_SHOWN] if longest else ""
    bad, example = _bad_json(values) if is_super(column.type) else (0, "")
    blank: tuple[str, ...] = ()
    if is_slice:
        blank = tuple(sorted(text for text in pc.unique(values).to_pylist() if text and text.endswith(" ")))[:3]
    return ColumnStats(
        name=column.name,
        rows=len(values),
        nulls=values.null_count,
        limit=limit,
        over=over,
        max_bytes=longest,
        longest=head,
        nul=pc.sum(pc.match_substring(values, "\x00").cast(pa.int64())).as_py() or 0,
        bad_json=bad,
        bad_example=example,
        blank_slices=blank,
    )


def _bad_json(values: pa.ChunkedArray) -> tuple[int, str]:
    bad = []
    for text in values.to_pylist():
        try:
            if text is not None:
                orjson.loads(text)
        except ValueError:
            bad.append(text)
    return len(bad), bad[0][:_SHOWN] if bad else ""


def _as_numbers(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_date(values.type):
        return values.cast(pa.int32())
    return values.cast(pa.int64()) if pa.types.is_timestamp(values.type) else values


def _physical_column(values: pa.ChunkedArray, kind: ColumnType) -> pa.ChunkedArray:
    if kind.kind == "list" or pa.types.is_nested(values.type):
        texts = [None if value is None else json_text(value) for value in values.to_pylist()]
        return pa.chunked_array([pa.array(texts, pa.string())])
    return values.cast(physical_type(kind))


def json_text(value: list[Any]) -> str:
    """A list as JSON text: decimals as numbers with all digits, dates and times as ISO texts, UTC with Z.

    >>> json_text([1, None, "a", Decimal("1.50")])
    '[1,null,"a",1.50]'
    """
    return "[" + ",".join(_json_item(item) for item in value) + "]"


def _json_item(item: Any) -> str:
    if isinstance(item, Decimal):
        return format(item, "f")
    if isinstance(item, datetime):
        return f'"{item.astimezone(UTC).isoformat().replace("+00:00", "Z")}"'
    if isinstance(item, date):
        return f'"{item.isoformat()}"'
    return json.dumps(item, ensure_ascii=False)
