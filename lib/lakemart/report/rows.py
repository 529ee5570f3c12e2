"""Rows of a query as a table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.report.failures import value
from lakemart.report.layout import counted, table


def query_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> RenderableType:
    """All rows; numbers to the right, null told from empty text, and how many there are."""
    numeric = [bool(rows) and all(_is_number(row[index]) for row in rows) for index in range(len(columns))]
    made = table()
    for name, is_number in zip(columns, numeric, strict=True):
        made.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        made.add_row(*(value(cell) for cell in row))
    return Group(made, Text(counted(len(rows), "row"), style="dim"))


def _is_number(cell: object) -> bool:
    return cell is None or (isinstance(cell, int | float | Decimal) and not isinstance(cell, bool))
