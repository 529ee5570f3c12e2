"""Slices of a mart: how statements name them, how the lake counts them, how people read them. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lakemart.contract.types import ColumnType
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot
from lakemart.publish.mart import Mart

SLICES_IN_ONE_DELETE = 1000
SLICES_SHOWN_BYTES = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Some slices of a table: values of `column` in Delta's text, None among them for the null slice.

    `values` None stands for the whole table, an empty tuple for no slice at all.
    """

    column: str | None
    type: ColumnType | None
    values: tuple[str | None, ...] | None

    def chunks(self) -> Iterator[Slices]:
        """The same slices in parts that one statement can name; the whole table is one part, no slice is none."""
        if self.values is None:
            yield self
            return
        for start in range(0, len(self.values), SLICES_IN_ONE_DELETE):
            yield Slices(column=self.column, type=self.type, values=self.values[start : start + SLICES_IN_ONE_DELETE])


def slices_of(mart: Mart, values: Sequence[str | None] | None) -> Slices:
    """The slices of a plan as statements name them; None: the whole table."""
    kind = mart.column(mart.slice).type if mart.slice is not None else None
    return Slices(column=mart.slice, type=kind, values=None if values is None else tuple(values))


def files_of(found: Snapshot, values: Sequence[str | None] | None) -> tuple[AddedFile, ...]:
    """The lake files of the slices named; None: all. No slice has no file, also in a table without slices."""
    return () if values is not None and not values else found.in_slices(None if values is None else set(values))


def lake_rows(found: Snapshot, values: Sequence[str | None] | None) -> dict[str | None, int]:
    """How many rows Delta's log promises in each slice named; None: the whole table, under the key None."""
    rows: dict[str | None, int] = {None: 0} if values is None else dict.fromkeys(values, 0)
    for file in files_of(found, values):
        key = None if values is None or found.partition_by is None else file.partition[found.partition_by]
        rows[key] += file.rows
    return rows


def ordered(values: set[str | None]) -> tuple[str | None, ...]:
    """Slices in order, the null slice first.

    >>> ordered({"b", None, "a"})
    (None, 'a', 'b')
    """
    return tuple(sorted(values, key=lambda value: (value is not None, value or "")))


def slices_text(slices: Slices) -> str:
    """The slices as JSON for the loads table: `"all"`, a list, or for a list too long its count and bounds."""
    if slices.values is None:
        return '"all"'
    text = json.dumps(slices.values, ensure_ascii=False)
    if len(text.encode()) <= SLICES_SHOWN_BYTES:
        return text
    named = sorted(value for value in slices.values if value is not None)
    return json.dumps({"count": len(slices.values), "first": named[0], "last": named[-1]}, ensure_ascii=False)
