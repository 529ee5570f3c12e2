"""Which slices of a model are due, and which slices of its inputs they read: pure arithmetic of partition values.

Slices are partition values as Delta writes them (`2015-01-01`, `42`, null as None). Dates and integers have
neighbours by arithmetic; texts by their order among the slices there are.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError

Slice = str | None
SliceKind = Literal["date", "integer", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class InputState:
    """What an input brings to a plan.

    `changed`: a committed number since the last build touched its table; `touched`: the slices it touched. `known` are
    the slices the table has at the version to be read. An input that is not `sliced` is read whole.
    """

    name: str
    sliced: bool
    lookback: int = 0
    changed: bool = False
    touched: frozenset[Slice] = frozenset()
    known: frozenset[Slice] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """The slices a command is restricted to, both ends included; None: open. Null slices lie outside of any bound."""

    first: str | None = None
    last: str | None = None

    def admits(self, value: Slice, kind: SliceKind) -> bool:
        """Whether the slice lies within the bounds."""
        if self.first is None and self.last is None:
            return True
        if value is None:
            return False
        rank = order_key(value, kind)
        low = self.first is None or order_key(self.first, kind) <= rank
        return low and (self.last is None or rank <= order_key(self.last, kind))


def slice_kind(column_type: ColumnType) -> SliceKind:
    """How slices of this type are ordered. Raises ConfigError on a type that slices cannot have."""
    kinds: dict[str, SliceKind] = {
        "date": "date", "smallint": "integer", "int": "integer", "bigint": "integer", "string": "text", "varchar": "text",
    }  # fmt: skip
    if column_type.kind not in kinds:
        raise ConfigError(
            f"a slice cannot be of type {column_type}", next_step="Slice by a date, an integer or a text."
        )
    return kinds[column_type.kind]


def order_key(value: str, kind: SliceKind) -> tuple[int, str]:
    """What slices are sorted by. Raises ConfigError when `value`, written by a user, is no slice of this kind.

    >>> sorted(["10", "9"], key=lambda value: order_key(value, "integer"))
    ['9', '10']
    """
    try:
        if kind == "integer":
            return int(value), ""
        return 0, date.fromisoformat(value).isoformat() if kind == "date" else value
    except ValueError as error:
        raise ConfigError(f"{value!r} is not a slice of kind {kind}") from error


def in_order(slices: Iterable[Slice], kind: SliceKind) -> list[Slice]:
    """Slices in their order, null first."""
    found = set(slices)
    named = sorted((value for value in found if value is not None), key=lambda value: order_key(value, kind))
    return [*([None] if None in found else []), *named]


def due_slices(
    inputs: Sequence[InputState],
    own: Collection[Slice],
    kind: SliceKind,
    *,
    everything: bool,
    left: Collection[Slice] = (),
) -> frozenset[Slice]:
    """The model's slices to be rebuilt.

    All there are (in sliced inputs, or in the model's own table) when `everything` or a whole-read input changed; else
    those touched in an input, the later ones that look back on them, and what an earlier restricted run `left`.
    """
    there = frozenset(own).union(*(state.known for state in inputs if state.sliced))
    touched = frozenset(left).union(*(state.touched for state in inputs if state.sliced))
    if everything or any(state.changed and not state.sliced for state in inputs):
        return there | touched
    ahead = [_neighbours(state.touched, state.lookback, kind, there) for state in inputs if state.sliced]
    return touched.union(*(found & there for found in ahead))


def slices_read(
    slices: Collection[Slice], lookback: int, kind: SliceKind, known: Collection[Slice]
) -> frozenset[Slice]:
    """The slices of an input that the model's `slices` read: themselves and `lookback` earlier ones."""
    return frozenset(slices) | _neighbours(slices, -lookback, kind, known)


def _neighbours(slices: Collection[Slice], reach: int, kind: SliceKind, known: Collection[Slice]) -> frozenset[Slice]:
    """The slices up to `reach` after each (before it when negative)."""
    if reach == 0:
        return frozenset()
    found: set[Slice] = set()
    ranked = sorted(value for value in known if value is not None) if kind == "text" else []
    for value in slices:
        if value is None:
            continue
        if kind == "text":
            before, after = bisect_left(ranked, value), bisect_right(ranked, value)
            found.update(ranked[after : after + reach] if reach > 0 else ranked[max(before + reach, 0) : before])
        else:
            steps = range(1, reach + 1) if reach > 0 else range(reach, 0)
            found.update(_moved(value, step, kind) for step in steps)
    return frozenset(found)


def _moved(value: str, by: int, kind: SliceKind) -> str:
    if kind == "integer":
        return str(int(value) + by)
    return (date.fromisoformat(value) + timedelta(days=by)).isoformat()
