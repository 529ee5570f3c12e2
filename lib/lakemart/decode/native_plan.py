"""A feed as the native decoder wants it."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, Final

from lakemart.decode.numbers import INTEGER_BITS, Number
from lakemart.decode.plan import ColumnPlan, FeedPlan, Path, Skip, TablePlan, split_origin
from lakemart.decode.redact import below

_UNIT_SCALE: Final = {"s": 6, "ms": 3, "us": 0, "ns": -3}
_KEYS: Final = 32
"""The native decoder's own recursion is as deep as the contract's paths."""
_LONGEST: Final = 2**30
"""Arrow's offsets into the texts of a chunk have 31 bits."""
_WIDEST: Final = 2**127 - 1


def native_feed(plan: FeedPlan, wanted: tuple[str, ...] | None = None) -> dict[str, Any] | None:
    """The feed for the native decoder; None when it holds something that decoder does not know.

    With `wanted` only these columns are, and those that are needed to check a record.
    """
    feed, main = plan.feed, plan.main
    if len(feed.tables) != 1 or feed.route or plan.uses_document or feed.limits.record_bytes > _LONGEST:
        return None
    columns = [_column(column, main) for column in main.columns]
    if None in columns or not all(_plain_path(skip.path) for skip in plan.skips):
        return None
    kept = None if wanted is None else kept_columns(plan, wanted)
    return {
        "table": main.contract.table,
        "columns": [spec | {"kept": kept is None or spec["name"] in kept} for spec in columns if spec is not None],
        "keys": kept is not None,
        "skips": [_skip(skip) for skip in plan.skips],
        "unknown": main.contract.unknown_fields,
        "hidden": plan.hidden,
        "depth": feed.limits.depth,
        "digits": plan.digits,
        "record_bytes": feed.limits.record_bytes,
    }


def kept_columns(plan: FeedPlan, wanted: tuple[str, ...]) -> frozenset[str]:
    """The columns that the native decoder must give so that these can be had: some are checked only afterwards."""
    columns = {column.column.name: column for column in plan.main.columns}
    sources = [source for name in wanted if (source := columns[name].column.date_of) is not None]
    return frozenset((*wanted, *sources, *(name for name, column in columns.items() if is_late(column, plan.main))))


def is_late(column: ColumnPlan, table: TablePlan) -> bool:
    """Whether the native decoder leaves a part of the column's checks to us."""
    return column.reader.pattern is not None or is_unread(column, table)


def is_unread(plan: ColumnPlan, table: TablePlan) -> bool:
    """Whether the native decoder gives the source text of the column's values, and reading it is left to us."""
    column, kind = plan.column, plan.column.type.kind
    if plan.origin == "date_of":
        return any(is_unread(other, table) for other in table.columns if other.column.name == column.date_of)
    if kind == "list" or column.zone:
        return True
    checked = any(check is not None for check in (plan.reader.allowed, plan.reader.minimum, plan.reader.maximum))
    if kind == "json":
        return checked or column.pattern is not None or bool(below(plan.redact, plan.path))
    if kind == "boolean" and (column.minimum is not None or column.maximum is not None):
        return True
    return kind != "string" and (column.pattern is not None or column.pii in {"hash", "mask"})


def _plain_path(path: Path) -> bool:
    return 0 < len(path) <= _KEYS and split_origin(path)[0] == "record"


def _column(plan: ColumnPlan, table: TablePlan) -> dict[str, Any] | None:
    column, kind = plan.column, plan.column.type.kind
    if is_unread(plan, table):
        if plan.origin == "date_of":
            return _spec(plan, "json") | {"late": True, "required": False}
        return _spec(plan, "json") | {"late": True} if _plain_path(column.path) else None
    if plan.origin == "date_of":
        names = [other.column.name for other in table.columns]
        return _spec(plan, "date_of") | {"date_of": names.index(column.date_of or "")}
    if not _plain_path(column.path):
        return None
    native = "epoch" if column.unit is not None else "integer" if kind in INTEGER_BITS else kind
    return _spec(plan, native) | _bounds(plan) | {"late": is_late(plan, table)}


def _spec(plan: ColumnPlan, native: str) -> dict[str, Any]:
    column = plan.column
    return {
        "name": column.name,
        "kind": native,
        "path": list(plan.path),
        "type_text": str(column.type),
        "date_of": 0,
        "late": False,
        "required": column.required,
        "lenient": column.lenient,
        "round": column.round,
        "bits": INTEGER_BITS.get(column.type.kind, 64),
        "precision": column.type.precision,
        "scale": _UNIT_SCALE[column.unit] if column.unit is not None else column.type.scale,
        "minimum": str(column.minimum),
        "maximum": str(column.maximum),
        "low": None, "high": None, "allowed": None,
        "low_double": None, "high_double": None, "allowed_doubles": None,
        "low_text": None, "high_text": None, "allowed_texts": None,
    }  # fmt: skip


def _bounds(plan: ColumnPlan) -> dict[str, Any]:
    """`values`, `min` and `max` in the unit in which the native decoder compares: whole numbers, doubles or texts."""
    kind, reader = plan.column.type.kind, plan.reader
    low, high = reader.minimum, reader.maximum
    allowed = None if reader.allowed is None else list(reader.allowed)
    if kind in {"string", "json"}:
        return {"low_text": low, "high_text": high, "allowed_texts": allowed}
    if kind == "double":
        return {
            "low_double": None if low is None else _double(low, up=True),
            "high_double": None if high is None else _double(high, up=False),
            "allowed_doubles": allowed and [float(v) for v in allowed if Decimal(float(v)) == v],  # type: ignore[arg-type] # - decimals
        }
    scale = plan.column.type.scale
    return {
        "low": None if low is None else _whole(low, scale, up=True),
        "high": None if high is None else _whole(high, scale, up=False),
        "allowed": None
        if allowed is None
        else [w for v in allowed if (w := _whole(v, scale, up=True)) == _whole(v, scale, up=False)],
    }


def _whole(value: Any, scale: int, *, up: bool) -> int:
    """The least whole number not below value times 10^scale, or the greatest not above it."""
    numerator, denominator = value.as_integer_ratio()
    numerator *= 10**scale
    whole = -(-numerator // denominator) if up else numerator // denominator
    return max(-_WIDEST, min(_WIDEST, int(whole)))


def _double(value: Any, *, up: bool) -> float:
    """The least double not below the decimal, or the greatest not above it."""
    nearest = float(value)
    exact = Decimal(nearest)
    if up and exact < value:
        return math.nextafter(nearest, math.inf)
    if not up and exact > value:
        return math.nextafter(nearest, -math.inf)
    return nearest


def _skip(skip: Skip) -> dict[str, Any]:
    return {
        "path": list(skip.path),
        "texts": sorted(skip.texts),
        "literals": sorted(skip.literals),
        "numbers": [_digits(number) for number in skip.numbers],
        "null": skip.null,
    }


def _digits(number: Number) -> tuple[str, int]:
    return str(number.digits), number.exponent
