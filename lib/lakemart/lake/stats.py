"""Delta's statistics of a data file, taken from its Parquet footer: rows, nulls, and bounds that readers skip by.

A bound may be wider than the data, never narrower: texts are cut and rounded, timestamps go to milliseconds. Every
column that can be compared has bounds, or the file has none: delta-rs takes a bound that lacks beside others for null
and then skips the file's rows (https://github.com/delta-io/delta-rs/issues/3173 is one case of it).
https://github.com/delta-io/delta/blob/master/PROTOCOL.md, per-file statistics.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

_TEXT_BOUND = 32
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_ANY_TEXT = ("", chr(_LAST_CODE_POINT) * _TEXT_BOUND)
"""Bounds of texts whose footer has none, for one of them is too long: as Delta itself bounds what it cuts."""


class _NoBoundsError(Exception):
    """A column's values have no bounds that JSON can hold."""


def file_stats(footer: pq.FileMetaData, *, not_finite: Collection[str] = ()) -> str:
    """`numRecords`, `nullCount`, `minValues`, `maxValues` as JSON text; `numRecords` alone where bounds cannot be had.

    `not_finite` names the columns of doubles that hold a NaN, of which a footer does not tell and which Spark orders
    above every number, or an infinity.
    """
    nulls: dict[str, int] = {}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    try:
        for index, field in _flat_columns(footer):
            parts = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
            nulls[field.name] = sum(part.null_count for part in parts)
            filled = [part for part in parts if part.num_values]
            if filled and not pa.types.is_binary(field.type):
                low[field.name], high[field.name] = _bounds(field, filled, finite=field.name not in not_finite)
    except (_NoBoundsError, OverflowError, ValueError):  # the last two of times beyond Python's years 1 to 9999
        return orjson.dumps({"numRecords": footer.num_rows}).decode()
    stats = {"numRecords": footer.num_rows, "minValues": low, "maxValues": high, "nullCount": nulls}
    return orjson.dumps(stats).decode()


def _flat_columns(footer: pq.FileMetaData) -> list[tuple[int, pa.Field]]:
    """Each column that is not nested, with its place in the footer: bounds of a list's elements are not the list's."""
    schema = footer.schema.to_arrow_schema()
    paths = [footer.schema.column(index).path for index in range(footer.num_columns)]
    return [(index, schema.field(path)) for index, path in enumerate(paths) if schema.get_field_index(path) >= 0]


def _bounds(field: pa.Field, parts: list[Any], *, finite: bool) -> tuple[Any, Any]:
    if not finite or not all(part.has_min_max for part in parts):
        if pa.types.is_string(field.type):
            return _ANY_TEXT
        raise _NoBoundsError(field.name)
    low, high = min(part.min for part in parts), max(part.max for part in parts)
    if isinstance(low, Decimal):
        return orjson.Fragment(format(low, "f")), orjson.Fragment(format(high, "f"))  # every digit, as a JSON number
    if isinstance(low, str):
        return low[:_TEXT_BOUND], _text_above(high)
    if isinstance(low, datetime):
        return _millis(low), _millis_above(high)
    if isinstance(low, date):
        return low.isoformat(), high.isoformat()
    return low, high


def _millis(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _millis_above(value: datetime) -> str:
    try:
        return _millis(value + timedelta(microseconds=999))
    except OverflowError:  # in the last millisecond of year 9999, where "for ever" likes to stand
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _text_above(text: str) -> str:
    """A text that none beginning like `text` exceeds; of bounded length, but for the one case where there is none."""
    if len(text) <= _TEXT_BOUND:
        return text
    head = list(text[:_TEXT_BOUND])
    while head:
        code = ord(head.pop()) + 1
        if code == _SURROGATES[0]:
            code = _SURROGATES[1] + 1
        if code <= _LAST_CODE_POINT:
            return "".join(head) + chr(code)
    return text
