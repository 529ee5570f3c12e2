"""The tree of what was seen → columns: which paths get one, under which name, with which rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from lakemart.decode.plan import ORIGINS
from lakemart.infer.kinds import Kind, kind_of
from lakemart.infer.naming import column_name, free
from lakemart.infer.seen import Seen

MAX_COLUMNS: Final = 100
"""Beyond so many columns the deepest objects become json columns, and what is still too much is left to `_extra`."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One column to be: where its values stand, what they are, and in how many of the records."""

    name: str
    path: Path
    kind: Kind
    seen: Seen
    required: bool
    date_of: str = ""

    @property
    def unique(self) -> bool:
        """Whether every record has a value that no other has, of a type that keys are made of."""
        scalars = self.seen.texts or self.seen.numbers
        typed = self.kind.type.kind in {"string", "int", "bigint"}
        return self.required and typed and not self.kind.unit and scalars is not None and scalars.distinct.unique


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All columns of a table, and how many top-level fields got none."""

    columns: tuple[Found, ...]
    records: int
    unnamed: int


def table_of(root: Seen) -> Table:
    """The columns of the records that `root` saw, in the order in which their fields first stood there."""
    leaves = _bounded(root)
    kept = leaves
    if len(leaves) > MAX_COLUMNS:
        common = sorted(leaves, key=lambda leaf: -leaf[1].values)[:MAX_COLUMNS]
        chosen = {path for path, _ in common}
        kept = [leaf for leaf in leaves if leaf[0] in chosen]
    columns: list[Found] = []
    names: set[str] = set()
    for path, seen in kept:
        name = free(column_name(path), names)
        names.add(name)
        required = seen.values == root.count and seen.nulls == 0
        columns.append(Found(name=name, path=path, kind=kind_of(seen, path), seen=seen, required=required))
    unnamed = len(leaves) - len(kept) + sum(key in ORIGINS or "\x00" in key for key in root.members)
    return Table(columns=tuple(columns), records=root.count, unnamed=unnamed)


def _bounded(root: Seen) -> list[tuple[Path, Seen]]:
    """The paths that get a column: all, or with some objects kept whole until they are few enough.

    First are the objects that stand in the fewest records, to the percent; among those the deepest, then the widest.
    """
    whole: set[Path] = set()
    leaves = list(_leaves(root, (), whole))
    while len(leaves) > MAX_COLUMNS:
        inside: dict[Path, int] = {}
        for path, _ in leaves:
            for depth in range(1, len(path)):
                inside[path[:depth]] = inside.get(path[:depth], 0) + 1
        if not inside:
            break
        whole.add(_most_dispensable(root, inside))
        leaves = list(_leaves(root, (), whole))
    return leaves


def _most_dispensable(root: Seen, inside: dict[Path, int]) -> Path:
    def rank(path: Path) -> tuple[int, int, int, Path]:
        seen = root
        for key in path:
            seen = seen.members[key]
        return -(100 * seen.values // root.count), len(path), inside[path], path

    return max(inside, key=rank)


def _leaves(seen: Seen, path: Path, whole: set[Path]) -> Iterator[tuple[Path, Seen]]:
    for key, member in seen.members.items():
        below = (*path, key)
        if not path and (key in ORIGINS or "\x00" in key):
            continue
        if member.flat and below not in whole:
            yield from _leaves(member, below, whole)
        else:
            yield below, member
