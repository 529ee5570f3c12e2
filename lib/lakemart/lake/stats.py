"""Delta's statistics of a data file, taken from its Parquet footer: rows, nulls, and bounds that readers skip by.

A bound may be wider than the data, never narrower: texts are cut and rounded, timestamps go to milliseconds.
https://github.com/delta-io/delta/blob/master/PROTOCOL.md, per-file statistics.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pyarrow.parquet as pq

_TEXT_BOUND = 32
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)


def file_stats(footer: pq.FileMetaData) -> str:
    """`numRecords`, `nullCount`, `minValues`, `maxValues` as JSON text. A column without sure bounds has none."""
    nulls: dict[str, int] = {}
    low: dict[str, Any] = {}
    high: dict[str, Any] = {}
    for index in range(footer.num_columns):
        name = footer.schema.column(index).path
        if "." in name:
            continue  # an element of a list: bounds of the elements are not bounds of the column
        parts = [footer.row_group(group).column(index).statistics for group in range(footer.num_row_groups)]
        if any(part is None or not part.has_null_count for part in parts):
            continue
        nulls[name] = sum(part.null_count for part in parts)
        bounded = [part for part in parts if part.has_min_max]
        if len(bounded) != sum(1 for part in parts if part.num_values):
            continue
        with suppress(OverflowError, ValueError):  # a time beyond Python's years 1 to 9999 goes without bounds
            if bounded and (bounds := _bounds([p.min for p in bounded], [p.max for p in bounded])) is not None:
                low[name], high[name] = bounds
    rows = footer.num_rows
    return orjson.dumps({"numRecords": rows, "minValues": low, "maxValues": high, "nullCount": nulls}).decode()


def _bounds(lows: list[Any], highs: list[Any]) -> tuple[Any, Any] | None:  # noqa: PLR0911 - one case for each type
    low, high = min(lows), max(highs)
    if isinstance(low, bool):
        return None  # two values are not worth a bound
    if isinstance(low, int):
        return low, high
    if isinstance(low, Decimal):
        return orjson.Fragment(format(low, "f")), orjson.Fragment(format(high, "f"))  # every digit, as a JSON number
    if isinstance(low, str):
        top = _text_above(high)
        return None if top is None else (low[:_TEXT_BOUND], top)
    if isinstance(low, datetime):
        return _millis(low), _millis(high + timedelta(microseconds=999))
    if isinstance(low, date):
        return low.isoformat(), high.isoformat()
    return None  # of doubles too: a footer does not tell of NaN, which Spark orders above every number


def _millis(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _text_above(text: str) -> str | None:
    """A text of bounded length that no text beginning like `text` exceeds; None when there is none."""
    if len(text) <= _TEXT_BOUND:
        return text
    head = list(text[:_TEXT_BOUND])
    while head:
        code = ord(head.pop()) + 1
        if code == _SURROGATES[0]:
            code = _SURROGATES[1] + 1
        if code <= _LAST_CODE_POINT:
            return "".join(head) + chr(code)
    return None
