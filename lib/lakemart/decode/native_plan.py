"""A feed as the native decoder wants it, and what is done to its columns afterwards: patterns and personal data."""

from __future__ import annotations

import hashlib
import hmac
import math
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.decode.numbers import INTEGER_BITS, Number
from lakemart.decode.plan import ColumnPlan, FeedPlan, Path, Skip, split_origin
from lakemart.decode.redact import below
from lakemart.decode.values import MASK

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
    columns = [_column(column, main.columns) for column in main.columns]
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
    """The columns that the native decoder must give so that these can be had: patterns are checked afterwards."""
    columns = {column.column.name: column for column in plan.main.columns}
    sources = {columns[name].column.date_of for name in wanted} - {None}
    patterned = {name for name, column in columns.items() if column.reader.pattern is not None}
    return frozenset((*wanted, *(source for source in sources if source), *patterned))


def _plain_path(path: Path) -> bool:
    return 0 < len(path) <= _KEYS and split_origin(path)[0] == "record"


def _column(plan: ColumnPlan, others: tuple[ColumnPlan, ...]) -> dict[str, Any] | None:
    column, kind = plan.column, plan.column.type.kind
    if plan.origin == "date_of":
        names = [other.column.name for other in others]
        return _spec(plan, "date_of") | {"date_of": names.index(column.date_of or "")}
    checks = (plan.reader.allowed, plan.reader.minimum, plan.reader.maximum)
    checked = any(check is not None for check in checks)
    if plan.origin != "record" or not _plain_path(plan.path) or kind == "list" or column.zone:
        return None
    if kind == "json" and (checked or column.pattern is not None or below(plan.redact, plan.path)):
        return None
    if kind != "string" and (column.pattern is not None or column.pii in {"hash", "mask"}):
        return None
    if kind == "boolean" and (column.minimum is not None or column.maximum is not None):
        return None
    native = "epoch" if column.unit is not None else "integer" if kind in INTEGER_BITS else kind
    return _spec(plan, native) | _bounds(plan)


def _spec(plan: ColumnPlan, native: str) -> dict[str, Any]:
    column = plan.column
    return {
        "name": column.name,
        "kind": native,
        "path": list(plan.path),
        "type_text": str(column.type),
        "date_of": 0,
        "required": column.required,
        "lenient": column.lenient,
        "round": column.round,
        "zone": column.zone is not None,
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


def unmatched(array: pa.Array, plan: ColumnPlan) -> pa.Array | None:
    """Which texts a column's pattern refuses; None when it has none, or all match."""
    match = plan.reader.pattern
    if match is None:
        return None
    texts = pc.unique(array)
    wrong = pa.array([text for text in texts.to_pylist() if text is not None and not match(text)], pa.string())
    return pc.is_in(array, value_set=wrong) if len(wrong) else None


def protected(array: pa.Array, plan: ColumnPlan) -> pa.Array:
    """The column with `pii: hash` and `mask` applied."""
    if plan.column.pii == "mask":
        return pc.if_else(pc.is_valid(array), pa.scalar(MASK), pa.scalar(None, pa.string()))
    key = plan.reader.key
    if plan.column.pii != "hash" or key is None:
        return array
    coded = array.dictionary_encode()
    hashes = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in coded.dictionary.to_pylist()]
    return pa.array(hashes, pa.string()).take(coded.indices)
