"""A feed made ready for decoding: readers by column, the tree of known paths, children, routes, paths of personal data."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Literal

from lakemart.contract.table import Column, Contract, Feed
from lakemart.decode.numbers import Number
from lakemart.decode.redact import Pattern
from lakemart.decode.strict import MAX_DIGITS
from lakemart.decode.values import Reader, reader_of
from lakemart.errors import ConfigError

Path = tuple[str, ...]
Origin = Literal["record", "document", "parent", "index", "date_of"]
ORIGINS: Final[dict[str, Origin]] = {"$": "document", "^": "parent", "#": "index"}
"""First segments of a path that do not name a key: the enclosing document, the parent's record, the element's index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnPlan:
    """One column: where its value comes from, its path there, its reader, and what to redact in a kept json text."""

    column: Column
    origin: Origin
    path: Path
    reader: Reader
    redact: tuple[Pattern, ...] = ()


@dataclass(slots=True)
class Branch:
    """A node of the known paths: `covered` when some column or child table takes the whole value."""

    children: dict[str, Branch] = field(default_factory=dict)
    covered: bool = False

    def grow(self, path: Path) -> None:
        """Makes `path` known and its value covered."""
        branch = self
        for segment in path:
            branch = branch.children.setdefault(segment, Branch())
        branch.covered = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePlan:
    """One table: its columns, what of a record it knows, and the child tables that one of its records fills too."""

    contract: Contract
    columns: tuple[ColumnPlan, ...]
    tree: Branch
    children: tuple[TablePlan, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """Records whose value at `path` is one of these are left out."""

    path: Path
    texts: frozenset[str]
    literals: frozenset[str]
    numbers: frozenset[Number]
    null: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedPlan:
    """The feed and everything derived from it; one value per feed, equal only to itself."""

    feed: Feed
    tables: tuple[TablePlan, ...]
    skips: tuple[Skip, ...]
    routes: dict[str, TablePlan]
    other: TablePlan | None
    private: tuple[Pattern, ...]
    strips: tuple[Pattern, ...]
    hidden: bool
    uses_document: bool

    @property
    def digits(self) -> int:
        """The limit on the digits of a number."""
        return min(self.feed.limits.digits, MAX_DIGITS)

    @property
    def main(self) -> TablePlan:
        """The first table: it also answers for records that no contract was chosen for."""
        return self.tables[0]


@lru_cache(maxsize=64)
def plan_of(feed: Feed, pii_key: bytes | None) -> FeedPlan:
    """The plan of a feed; raises ConfigError when the feed contradicts itself or its key for `pii: hash` is not given."""
    hidden = any(column.pii for contract in feed.tables for column in contract.columns)
    if pii_key is None and any(column.pii == "hash" for contract in feed.tables for column in contract.columns):
        raise ConfigError("a column has pii: hash, but no key was given", next_step="Name the key in the project.")
    private = tuple(_patterns(feed, lambda column: column.pii is not None))
    tops = [contract for contract in feed.tables if contract.parent is None]
    tables = tuple(_table(feed, contract, pii_key, hidden=hidden, private=private) for contract in tops)
    by_name = {table.contract.table: table for table in tables}
    return FeedPlan(
        feed=feed,
        tables=tables,
        skips=tuple(_skip(path, values) for path, values in feed.skip),
        routes={table.contract.route: table for table in tables if table.contract.route is not None},
        other=by_name.get(feed.other),
        private=private,
        strips=tuple(_patterns(feed, lambda column: column.nul == "strip")),
        hidden=hidden,
        uses_document=feed.reads_document,
    )


def split_origin(path: Path) -> tuple[Origin, Path]:
    """What a path is read in, and the keys to follow there."""
    if path and path[0] in ORIGINS:
        return ORIGINS[path[0]], path[1:]
    return "record", path


def _table(
    feed: Feed, contract: Contract, key: bytes | None, *, hidden: bool, private: tuple[Pattern, ...]
) -> TablePlan:
    children = tuple(
        _table(feed, child, key, hidden=hidden, private=private)
        for child in feed.tables
        if child.parent == contract.table
    )
    tree = Branch()
    columns = []
    for column in contract.columns:
        origin, path = split_origin(column.path)
        if column.date_of is not None:
            origin = "date_of"
        elif origin == "record":
            tree.grow(path)
        redact = (*(tuple(path) for path in column.redact), *private) if column.type.kind == "json" else ()
        reader = reader_of(column, key=key, hidden=hidden)
        columns.append(ColumnPlan(column=column, origin=origin, path=path, reader=reader, redact=redact))
    for child in children:
        tree.grow(child.contract.explode)
    return TablePlan(contract=contract, columns=tuple(columns), tree=tree, children=children)


def _patterns(feed: Feed, chosen: object) -> Iterable[Pattern]:
    """The paths of chosen columns as patterns over a whole record; a child table's begin with its `explode` path."""
    assert callable(chosen)  # noqa: S101 - a predicate over columns
    for contract in feed.tables:
        for column in contract.columns:
            origin, path = split_origin(column.path)
            if column.date_of is not None or origin != "record" or not chosen(column):
                continue
            yield (*contract.explode, *path)
            if contract.parent is not None:
                yield (*contract.explode, None, *path)


def _skip(path: Path, values: tuple[str | int | float | bool | None, ...]) -> Skip:
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return Skip(
        path=path,
        texts=frozenset(value for value in values if isinstance(value, str)),
        literals=frozenset(json.dumps(value) for value in values if isinstance(value, bool)),
        numbers=frozenset(Number.read(json.dumps(value)) for value in numbers),
        null=None in values,
    )
