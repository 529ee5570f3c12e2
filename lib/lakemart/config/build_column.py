"""One column of a source: what was written → `contract.table.Column`, with the contradictions among its options."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from lakemart.config.document import Node, Plain
from lakemart.config.problems import Problems, shown
from lakemart.config.table_file import ColumnFile
from lakemart.contract.table import Column
from lakemart.contract.types import WAREHOUSE_ONLY, ColumnType

WHOLE = frozenset({"smallint", "int", "bigint"})
ORDERED = WHOLE | {"double", "decimal", "date", "timestamp"}
RANGES = {"smallint": 2**15, "int": 2**31, "bigint": 2**63}

KINDS_OF_OPTION: dict[str, frozenset[str]] = {
    "lenient": WHOLE | {"string", "boolean", "double", "decimal", "list"},
    "unit": frozenset({"timestamp", "date"}),
    "zone": frozenset({"timestamp"}),
    "round": WHOLE | {"decimal", "timestamp"},
    "nul": frozenset({"string", "json", "list"}),
    "values": WHOLE | {"string", "boolean", "double", "decimal", "date", "timestamp"},
    "min": ORDERED,
    "max": ORDERED,
    "pattern": frozenset({"string"}),
    "redact": frozenset({"json"}),
}
"""Which options say something about which kinds of type."""

INSTEAD = {"varchar": "string", "timestamptz": "timestamp", "super": "json"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a column may refer to: whether its table is a child, and whether a document encloses its records."""

    child: bool = False
    enclosed: bool = False


def column(name: str, written: ColumnFile, node: Node, around: Surroundings, problems: Problems) -> Column:
    """The column; of a faulty one, what was sound."""
    if written.date_of is not None:
        return _date_column(name, written.date_of, written, node, problems)
    kind = written.type or ColumnType("string")
    _check_type(name, written, node, problems)
    return Column(
        name=name,
        type=kind,
        path=_path(name, written, node, around, problems),
        required=written.required,
        lenient=written.lenient,
        unit=written.unit,
        zone=written.zone,
        round=written.round,
        nul=written.nul,
        values=_values(written, node, kind, problems),
        minimum=_bound("min", written.min, node, kind, problems),
        maximum=_bound("max", written.max, node, kind, problems),
        pattern=written.pattern,
        pii=written.pii,
        redact=tuple(written.redact),
    )


def _date_column(name: str, date_of: str, written: ColumnFile, node: Node, problems: Problems) -> Column:
    for option in sorted(written.model_fields_set - {"date_of", "description"}):
        if option != "type" or written.type != ColumnType("date"):
            message = f"'{option}' does not go with 'date_of' (column '{name}')"
            problems.add(node.key_place(option), message, "a column with date_of is a date and has no other option")
    return Column(name=name, type=ColumnType("date"), date_of=date_of)


def _check_type(name: str, written: ColumnFile, node: Node, problems: Problems) -> None:
    if written.type is None:
        # An unknown key in the column is reported already, and was probably meant as type or date_of.
        misspelt = any(child.key and problems.stand_at(child.key) for child in node.items.values())
        if "type" not in node.items and not misspelt:
            message = f"'type' is missing in the column '{name}'"
            problems.add(node.key or node.place, message, "every column says its type, or date_of")
    elif written.type.kind in WAREHOUSE_ONLY:
        message = f"'type' is {written.type}, which only a model's column may be"
        problems.add(node.at("type").place, message, f"write {INSTEAD[written.type.kind]}")
    else:
        _options_fit(written, node, written.type, problems)


def _options_fit(written: ColumnFile, node: Node, kind: ColumnType, problems: Problems) -> None:
    for option, kinds in KINDS_OF_OPTION.items():
        if option in written.model_fields_set and kind.kind not in kinds:
            problems.add(
                node.key_place(option),
                f"'{option}' says nothing about a column of type {kind.kind}",
                f"it is for {', '.join(sorted(kinds))}",
            )
    if written.unit and written.zone:
        problems.add(node.key_place("zone"), "'zone' does not go with 'unit'", "an epoch number has no zone")
    if written.pii == "mask" and kind.kind not in {"string", "json"}:
        problems.add(
            node.at("pii").place, f"'pii' is mask, which only text can be, not {kind.kind}", "write hash or drop"
        )


def _path(name: str, written: ColumnFile, node: Node, around: Surroundings, problems: Problems) -> tuple[str, ...]:
    path = written.path if written.path is not None else (name,)
    if path and path[0] == "$" and (not around.enclosed or len(path) == 1):
        problems.add(
            node.at("path").place,
            "'path' begins with $, but no document encloses the records",
            "$ goes with format: {records: PATH}, as $.field",
        )
    if path[:1] in {("^",), ("#",)} and (not around.child or (path[0] == "#") != (len(path) == 1)):
        message = f"'path' begins with {path[0]}, which leads into the parent's record (^.field) or to the index (#)"
        problems.add(node.at("path").place, message, "both are for the columns of children")
    if not path and not around.child:
        problems.add(
            node.at("path").place, "'path' is the record itself, which is not a value of a column", "name a field of it"
        )
    return path


def _values(
    written: ColumnFile, node: Node, kind: ColumnType, problems: Problems
) -> tuple[str | int | float | bool, ...] | None:
    if written.values is None:
        return None
    values = [_typed("values", text, node.at("values", i), kind, problems) for i, text in enumerate(written.values)]
    return tuple(value for value in values if value is not None)


def _bound(option: str, text: str | None, node: Node, kind: ColumnType, problems: Problems) -> str | int | float | None:
    if text is None or kind.kind not in ORDERED:
        return None
    value = _typed(option, text, node.at(option), kind, problems)
    other = written_number(node.at("min").data) if option == "max" and "min" in node.items else None
    if other is not None and (number := written_number(text)) is not None and number < other:
        problems.add(node.at("max").place, f"'max' is {shown(text)}, which is below 'min'", "swap them")
    return value


def written_number(text: object) -> Decimal | None:
    """The number a scalar spells, or None."""
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None


def _typed(option: str, text: str, node: Node, kind: ColumnType, problems: Problems) -> str | int | float | bool | None:
    """A scalar in the JSON spelling of the column's type: text for dates, timestamps and decimals."""
    value = _parsed(text, kind)
    if value is None:
        hint = "quote it" if kind.kind == "string" else ""
        problems.add(node.place, f"'{option}' holds {shown(text)}, which is not of type {kind}", hint)
    return value


def _parsed(text: str, kind: ColumnType) -> str | int | float | bool | None:
    """The value that `text` spells for the type; None when it spells none."""
    if kind.kind == "boolean":
        return text.lower() == "true" if isinstance(text, Plain) and text.lower() in {"true", "false"} else None
    if kind.kind in WHOLE:
        number = int(text) if re.fullmatch(r"-?(0|[1-9]\d{0,18})", text) else None
        return number if number is not None and -RANGES[kind.kind] <= number < RANGES[kind.kind] else None
    if kind.kind == "double":
        return _finite(text)
    return str(text) if _spells(text, kind) else None


def _finite(text: str) -> float | None:
    number = written_number(text)
    return float(number) if number is not None and number.is_finite() else None


def _spells(text: str, kind: ColumnType) -> bool:
    """Whether the text is a decimal, a date or a timestamp; every text is a string."""
    if kind.kind == "decimal":
        return _finite(text) is not None
    parse = {"date": date.fromisoformat, "timestamp": datetime.fromisoformat}.get(kind.kind)
    try:
        return parse is None or parse(text) is not None
    except ValueError:
        return False
