"""The fingerprint of a slice, defined once for both sides: SQL texts for the warehouse, Arrow for the lake.

Of a slice it holds the rows, a key hash that no order of rows changes, and of each measure its non-null count, sum and
bounds. The hash is the sum over rows of the first 32 bits of MD5 over the key's texts; a text is `=` and the value, a
null is `-`, and `|` stands between columns. Doubles and `super` are in no hash: their texts differ between systems.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Context, Decimal
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.types import ColumnType
from lakemart.names import quoted
from lakemart.publish.mart import Mart, MartColumn, is_super

Part = Literal["count", "sum", "min", "max", "true"]
Fingerprint = dict[str, Any]
"""`rows`, `key_hash`, and `column.part` for every part of every measure; plain comparable values."""

_EXACT = Context(prec=120)
"""Python's own context would round sums of decimal(38,s) to 28 digits."""

_PARTS: dict[str, tuple[Part, ...]] = {
    "smallint": ("count", "sum", "min", "max"),
    "int": ("count", "sum", "min", "max"),
    "bigint": ("count", "sum", "min", "max"),
    "decimal": ("count", "sum", "min", "max"),
    "double": ("count", "sum", "min", "max"),
    "date": ("count", "min", "max"),
    "timestamp": ("count", "min", "max"),
    "timestamptz": ("count", "min", "max"),
    "boolean": ("count", "true"),
}


def hashed(mart: Mart) -> tuple[MartColumn, ...]:
    """The columns of the mart's hash: its key, or every column without one; never a double or a super."""
    return tuple(
        c
        for c in mart.columns
        if (not mart.key or c.name in mart.key) and c.type.kind != "double" and not is_super(c.type)
    )


def parts(kind: ColumnType) -> tuple[Part, ...]:
    """What is summed up of a column of this type."""
    return _PARTS.get(kind.kind, ("count",))


def fingerprint_columns(
    slice_column: MartColumn | None, key: Iterable[MartColumn], measures: Iterable[MartColumn]
) -> list[str]:
    """The select list of the fingerprint: the slice (if any), rows, hash, then the parts of each measure in order."""
    texts = " || '|' || ".join(f"COALESCE('=' || {_text(column)}, '-')" for column in key) or "''"
    columns = [] if slice_column is None else [quoted(slice_column.name)]
    columns += ["COUNT(*)", f"SUM(STRTOL(LEFT(MD5({texts}), 8), 16))"]
    return columns + [_part(column, part) for column in measures for part in parts(column.type)]


def names(measures: Iterable[MartColumn]) -> list[str]:
    """What the columns after the slice are called, in the order of `fingerprint_columns`."""
    return ["rows", "key_hash", *(f"{column.name}.{part}" for column in measures for part in parts(column.type))]


def from_row(row: Iterable[Any], measures: tuple[MartColumn, ...]) -> Fingerprint:
    """The fingerprint in a row of the warehouse's answer (without its slice)."""
    return {name: plain(value) for name, value in zip(names(measures), row, strict=True)}


def of_table(table: pa.Table, key: tuple[MartColumn, ...], measures: tuple[MartColumn, ...]) -> Fingerprint:
    """The fingerprint of lake rows."""
    found: Fingerprint = {"rows": table.num_rows, "key_hash": sum(_hashes(table, key)) if table.num_rows else None}
    for column in measures:
        values = table.column(column.name)
        for part in parts(column.type):
            found[f"{column.name}.{part}"] = plain(_reduced(values, part))
    return found


def merged(one: Fingerprint, other: Fingerprint) -> Fingerprint:
    """The fingerprint of two sets of rows together."""
    whole: Fingerprint = {}
    for name, left in one.items():
        right = other[name]
        if left is None or right is None:
            whole[name] = right if left is None else left
        elif name.endswith(".min"):
            whole[name] = min(left, right)
        else:
            whole[name] = max(left, right) if name.endswith(".max") else _sum(left, right)
    return whole


def _sum(left: Any, right: Any) -> Any:
    exact = isinstance(left, Decimal) or isinstance(right, Decimal)
    return plain(_EXACT.add(Decimal(left), Decimal(right))) if exact else left + right


def plain(value: Any) -> Any:
    """A value as both sides can compare it: whole numbers as int, times without a zone (UTC), the rest as it is."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value(context=_EXACT) else value.normalize(_EXACT)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.replace(tzinfo=None) - (value.utcoffset() or (value - value))
    return value


def _text(column: MartColumn) -> str:
    name, kind = quoted(column.name), column.type.kind
    if kind == "date":
        return f"TO_CHAR({name}, 'YYYY-MM-DD')"
    if kind == "timestamp":
        return f"TO_CHAR({name}, 'YYYY-MM-DD HH24:MI:SS.US')"
    if kind == "timestamptz":
        return f"TO_CHAR({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
    if kind == "boolean":
        return f"CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END"
    return name if kind == "varchar" else f"CAST({name} AS varchar(64))"


def _part(column: MartColumn, part: Part) -> str:
    name = quoted(column.name)
    if part == "sum" and column.type.kind != "double":
        return f"SUM(CAST({name} AS decimal(38,{column.type.scale})))"
    if part == "true":
        return f"SUM(CASE WHEN {name} THEN 1 ELSE 0 END)"
    return f"{part.upper()}({name})"


def _reduced(values: pa.ChunkedArray, part: Part) -> Any:
    if part == "count":
        return len(values) - values.null_count
    if part == "true":
        return pc.sum(pc.fill_null(values, False).cast(pa.int64())).as_py()  # noqa: FBT003 - a value
    if part == "sum":
        if pa.types.is_integer(values.type):
            values = values.cast(pa.decimal128(38, 0))
        elif pa.types.is_decimal(values.type):
            values = values.cast(pa.decimal128(38, values.type.scale))
        return pc.sum(values).as_py()
    return pc.min_max(values)[part].as_py()


def _hashes(table: pa.Table, key: tuple[MartColumn, ...]) -> Iterator[int]:
    columns = [[_lake_text(value, column.type) for value in table.column(column.name).to_pylist()] for column in key]
    rows = zip(*columns, strict=True) if columns else iter([()] * table.num_rows)
    for row in rows:
        digest = hashlib.md5("|".join(row).encode(), usedforsecurity=False).hexdigest()
        yield int(digest[:8], 16)


def _lake_text(value: Any, kind: ColumnType) -> str:
    if value is None:
        return "-"
    if kind.kind == "boolean":
        return "=true" if value else "=false"
    if kind.kind == "decimal":
        return f"={value.quantize(Decimal((0, (1,), -kind.scale)), context=_EXACT):f}"
    if isinstance(value, datetime):
        return f"={value:%Y-%m-%d %H:%M:%S.%f}".replace(f"{value:%Y}", f"{value.year:04d}", 1)
    if isinstance(value, date):
        return f"={value.isoformat()}"
    return f"={value}"
