"""Which type a query may give for a declared column: the same, or one that Spark's ANSI cast turns into it without loss.

A cast that can only be exact or fail (bigint to int) is done, and failing is an error of the data; one that may change
a value silently (decimal(10,4) to decimal(10,2), bigint to double) is for the query to write down.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lakemart.config.model import ModelColumn
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError

_INTEGERS = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
"""Spark's integers by their decimal digits, which is also their order of width."""

_EXACT_IN_DOUBLE = {"tinyint", "smallint", "int", "float", "double"}


@dataclass(frozen=True, slots=True)
class ResultColumn:
    """A column of a query's result: its name as the query gives it, its type as Spark writes it."""

    name: str
    type: str


def is_lossless(result: str, declared: ColumnType) -> bool:
    """Whether Spark's ANSI cast from the type `result` gives the same value or an error, never another value.

    >>> is_lossless("bigint", ColumnType.parse("int")), is_lossless("bigint", ColumnType.parse("double"))
    (True, False)
    """
    if result in {"void", declared.spark}:
        return True
    if declared.kind in {"smallint", "int", "bigint"}:
        return result in _INTEGERS or _decimal(result)[1:] == (0,)
    if declared.kind == "decimal":
        scale = 0 if result in _INTEGERS else next(iter(_decimal(result)[1:]), None)
        return scale is not None and scale <= declared.scale
    if declared.kind == "double":
        return result in _EXACT_IN_DOUBLE
    if declared.kind == "list" and declared.item is not None and result.startswith("array<"):
        return is_lossless(result.removeprefix("array<").removesuffix(">"), declared.item)
    return False


def conform(
    result: Sequence[ResultColumn], declared: Sequence[ModelColumn], *, where: str
) -> list[tuple[str, ColumnType]]:
    """For each declared column, in its order, the result's column and the type to cast it to.

    Names are compared as Spark does, without case. Raises ConfigError that names every missing, extra, doubled and
    ill-typed column at once.
    """
    given: dict[str, ResultColumn] = {}
    faults: list[str] = []
    for column in result:
        if column.name.lower() in given:
            faults.append(f"column {column.name!r} comes twice")
        given[column.name.lower()] = column
    wanted = {column.name for column in declared}
    faults += [
        f"column {c.name!r} ({c.type}) is declared, the query does not give it" for c in declared if c.name not in given
    ]
    faults += [f"column {c.name!r} ({c.type}) is not declared" for name, c in given.items() if name not in wanted]
    for promised in declared:
        found = given.get(promised.name)
        if found is not None and not is_lossless(found.type, promised.type):
            faults.append(f"column {promised.name!r} is {found.type}, declared {promised.type}")
    if faults:
        raise ConfigError(
            f"the query does not give the declared columns: {'; '.join(faults)}",
            where=where,
            next_step="Mend the query (CAST where it is meant) or the model's columns.",
        )
    return [(given[promised.name].name, promised.type) for promised in declared]


def _decimal(text: str) -> tuple[int, ...]:
    """Precision and scale of a decimal type, nothing for another."""
    match = re.fullmatch(r"decimal\((\d+),(\d+)\)", text)
    return (int(match[1]), int(match[2])) if match else ()
