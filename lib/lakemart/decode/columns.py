"""Vector readers of the fast path: a column's values, as orjson read them, become one array; the rest is doubted.

Only values in the plain form of their type are taken (`string` a text, `int` an integer, `timestamp` RFC 3339 in UTC …);
columns with options, and values in other forms, go value by value through the reference's own reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.decode.plan import ColumnPlan
from lakemart.decode.redact import below, redacted
from lakemart.decode.tables import array_of
from lakemart.decode.values import MismatchError

Doubt = Callable[[Iterable[int]], None]
_TAKEN: Final[dict[str, frozenset[type]]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "smallint": frozenset({int}),
    "int": frozenset({int}),
    "bigint": frozenset({int}),
    "double": frozenset({float, int}),
    "decimal": frozenset({float, int}),
    "date": frozenset({str}),
    "timestamp": frozenset({str}),
}
"""The Python types in which orjson gives the values that a plain column takes."""
_NULL: Final = type(None)
_UTC_TEXT: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
_DATE_TEXT: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}$"
_WRITTEN: Final = {"date": _DATE_TEXT, "timestamp": _UTC_TEXT}


def column_array(column: ColumnPlan, values: list[Any], doubt: Doubt) -> pa.Array:
    """The column's array, with null for the rows that it hands to `doubt`."""
    kind = column.column.type.kind
    if not _plain(column):
        return _one_by_one(column, values, doubt)
    if kind == "json":
        return pa.array([None if v is None else orjson.dumps(v).decode() for v in values], pa.string())
    taken = _TAKEN[kind] | {_NULL}
    if not taken.issuperset(map(type, values)):
        doubt(row for row, value in enumerate(values) if type(value) not in taken)
        values = [value if type(value) in taken else None for value in values]
    try:
        if kind in _WRITTEN:
            return _written(column, values, doubt)
        return _vector(kind, values, column.column.type.arrow)
    except (pa.ArrowInvalid, OverflowError):
        return _one_by_one(column, values, doubt)


def _plain(column: ColumnPlan) -> bool:
    """Whether the column has no option that touches its values."""
    reader, options = column.reader, column.column
    if options.type.kind == "list" or options.pii or column.redact:
        return False
    checks = (reader.allowed, reader.minimum, reader.maximum, reader.pattern, options.unit)
    return not options.lenient and not options.round and all(check is None for check in checks)


def _vector(kind: str, values: list[Any], wanted: pa.DataType) -> pa.Array:
    """The array of plain values. Raises ArrowInvalid or OverflowError when some value is not."""
    if kind == "decimal":
        texts = orjson.dumps(values).decode()[1:-1].split(",") if values else []
        return pa.array([None if text == "null" else text for text in texts], pa.string()).cast(wanted)
    if kind == "double":
        return pa.array([None if v is None else float(v) for v in values], wanted)
    if kind in {"smallint", "int", "bigint"}:
        return pa.array(values, pa.int64()).cast(wanted)
    return pa.array(values, wanted)


def _written(column: ColumnPlan, values: list[Any], doubt: Doubt) -> pa.Array:
    """Dates or times: those in the plain form by Arrow, the others by the reference's reader.

    Raises ArrowInvalid when one in the plain form is none.
    """
    wanted = column.column.type.arrow
    texts = pa.array(values, pa.string())
    plain = pc.match_substring_regex(texts, _WRITTEN[column.column.type.kind])
    if pc.all(plain, min_count=0).as_py():
        return texts.cast(wanted)
    rows = pc.indices_nonzero(pc.invert(plain)).to_pylist()
    others = _one_by_one(column, [values[row] for row in rows], lambda odd: doubt(rows[place] for place in odd))
    array = pc.if_else(plain, texts, pa.scalar(None, pa.string())).cast(wanted)
    mask = pc.fill_null(pc.invert(plain), fill_value=False)
    return pc.replace_with_mask(array, mask, others)


def _one_by_one(column: ColumnPlan, values: list[Any], doubt: Doubt) -> pa.Array:
    """The array by the reference's reader, which sees the exact slice of every value; what it refuses is doubted."""
    read = column.reader.read
    hide = below(column.redact, column.path)
    typed: list[Any] = []
    for row, value in enumerate(values):
        try:
            source = "" if value is None else orjson.dumps(value).decode()
            typed.append(None if value is None else read(redacted(source, (0, len(source)), hide) if hide else source))
        except MismatchError:
            doubt((row,))
            typed.append(None)
    return array_of(typed, column.column.type.arrow)
