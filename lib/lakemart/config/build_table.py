"""One clean table of a source: what was written → `Contract`, with the contradictions between its keys and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from lakemart.config.build_column import Surroundings, column
from lakemart.config.document import Node, Place
from lakemart.config.problems import Problems, did_you_mean
from lakemart.config.table_file import ChildFile, TableFile
from lakemart.contract.table import Column, Contract
from lakemart.contract.types import ColumnType
from lakemart.names import is_name

RESERVED_SUFFIXES = ("_quarantine", "_duplicates")
"""Tables that lakemart keeps beside every clean table."""

INDEX = Column(name="_index", type=ColumnType("bigint"), path=("#",))
"""Of a child table: the element's place in its array, from 0, or its number in an integer-keyed object."""

PARTITIONS = frozenset({"date", "string", "smallint", "int", "bigint", "boolean"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """One table as written: its shape and node, the name it has unless it says one, and what stands above it.

    `shared` is the top of a routed source, whose columns, key and partition the table takes; `route` its kind of record.
    """

    written: TableFile
    node: Node
    default_name: str
    around: Surroundings
    shared: tuple[TableFile, Node] | None = None
    route: str | None = None


def table(text: TableText, problems: Problems) -> Contract:
    """The contract of a main or routed table; of a faulty one, what was sound."""
    written, node = text.written, text.node
    columns = _columns(written, node, text.around, problems)
    key, partition_by, unknown = tuple(written.key), written.partition_by, written.unknown_fields
    if text.shared is not None:
        top, top_node = text.shared
        columns = _columns(top, top_node, text.around, problems) | columns
        key = key if "key" in written.model_fields_set else tuple(top.key)
        partition_by = partition_by or top.partition_by
        unknown = unknown or top.unknown_fields
        node = _with_shared_places(node, top_node)
    contract = Contract(
        table=table_name(written, text.node, text.default_name, problems),
        columns=tuple(columns.values()),
        key=key,
        partition_by=partition_by,
        unknown_fields=unknown or "extra",
        route=text.route,
    )
    known = _names(node)
    if not known:
        place = node.key_place("columns") if "columns" in node.items else node.key or node.place
        message = f"the table '{contract.table}' has no columns"
        problems.add(place, message, "write columns: {NAME: {path: PATH, type: TYPE}}")
    check_table(contract, node, known, problems)
    return contract


def _columns(written: TableFile, node: Node, around: Surroundings, problems: Problems) -> dict[str, Column]:
    return {name: column(name, c, node.at("columns", name), around, problems) for name, c in written.columns.items()}


def _names(node: Node) -> set[str]:
    """The columns that were written, also those whose options are faulty."""
    return set(node.entries("columns"))


def _with_shared_places(node: Node, top: Node) -> Node:
    """The routed table's node with the shared `key`, `partition_by` and columns, so that problems find their place."""
    content = {key: top.items[key] for key in ("key", "partition_by") if key in top.items} | node.items
    columns = top.entries("columns") | node.entries("columns")
    if columns:
        content["columns"] = Node(columns, node.place, node.key)
    return Node(content, node.place, node.key)


def child_tables(
    children: Mapping[str, ChildFile], node: Node, parent: Contract, around: Surroundings, problems: Problems
) -> list[Contract]:
    """The contracts of the tables under `children`: the parent's key and partition, the index, their own columns."""
    tables = []
    for name, written in children.items():
        around_child = replace(around, child=True)
        text = TableText(written=written, node=node.at("children", name), default_name=name, around=around_child)
        tables.append(_child(text, written.explode, parent, problems))
    return tables


def _child(text: TableText, explode: tuple[str, ...], parent: Contract, problems: Problems) -> Contract:
    written, at = text.written, text.node
    own = _columns(written, at, text.around, problems)
    inherited = {c.name: c for c in _inherited(parent)}
    has_index = any(c.path[:1] == ("#",) for c in own.values())
    contract = Contract(
        table=table_name(written, at, text.default_name, problems),
        columns=(*inherited.values(), *(() if has_index else (INDEX,)), *own.values()),
        key=tuple(written.key),
        partition_by=written.partition_by or parent.partition_by,
        unknown_fields=written.unknown_fields or parent.unknown_fields,
        explode=explode,
        parent=parent.table,
    )
    if not parent.key:
        message = f"the child table '{contract.table}' needs a 'key' of its parent"
        problems.add(at.key or at.place, message, "name the parent's key columns: its rows carry them")
    if not explode or explode[0] in {"$", "^", "#"}:
        place = at.at("explode").place
        problems.add(place, "'explode' must name an array within the record", "write a path such as payload.commits")
    for name in (c for c in own if c in inherited):
        message = f"the column '{name}' comes from the parent table already"
        problems.add(at.key_place("columns", name), message, "take it out, or give it another name")
    check_table(contract, at, _names(at) | set(inherited), problems)
    return contract


def _inherited(parent: Contract) -> list[Column]:
    """The parent's key and partition columns (with the time a date comes from), read in the parent's record."""
    wanted = {*parent.key, parent.partition_by}
    wanted |= {c.date_of for c in parent.columns if c.name in wanted}
    return [
        c if c.date_of is not None or c.path[:1] == ("$",) else replace(c, path=("^", *c.path))
        for c in parent.columns
        if c.name in wanted
    ]


def table_name(written: TableFile, node: Node, default: str, problems: Problems) -> str:
    """The table's name; reports one that is reserved."""
    name = written.table or default
    place = node.at("table").place if "table" in node.items else node.key or node.place
    if not is_name(name):
        problems.add(place, f"'{name}' is not a name for a table", "give it one: table: NAME")
    check_suffix(name, place, problems)
    return name


def check_suffix(name: str, place: Place, problems: Problems) -> None:
    """Reports a name that belongs to one of the tables lakemart keeps beside a clean one."""
    for suffix in RESERVED_SUFFIXES:
        if name.endswith(suffix):
            message = f"the table name '{name}' ends in {suffix}, which belongs to lakemart's own tables"
            problems.add(place, message, "choose another name")


@dataclass(frozen=True, slots=True)
class _Named:
    """The columns a table's keys may name: the sound ones, and the names of all that were written."""

    sound: Mapping[str, Column]
    written: set[str]


def check_table(contract: Contract, node: Node, known: set[str], problems: Problems) -> None:
    """The contradictions between a table's key, partition and columns; `known` also holds the names of faulty ones."""
    columns = _Named({c.name: c for c in contract.columns}, known)
    for index, name in enumerate(contract.key):
        place = node.at("key", index).place
        _must_stand(name, "key", place, columns, problems)
        kind = columns.sound[name].type if name in columns.sound else None
        if kind is not None and kind.kind in {"json", "list"}:
            message = f"'key' names '{name}', whose type {kind} cannot be compared"
            problems.add(place, message, "name a scalar column")
    if len(set(contract.key)) < len(contract.key):
        problems.add(node.at("key").place, "'key' names a column twice")
    if contract.partition_by is not None and "partition_by" in node.items:
        _check_partition(contract.partition_by, node.at("partition_by").place, columns, problems)
    for c in contract.columns:
        if c.date_of is not None and c.name in node.entries("columns"):
            _check_date_of(c.name, c.date_of, node.at("columns", c.name, "date_of").place, columns, problems)


def _must_stand(name: str, key: str, place: Place, columns: _Named, problems: Problems) -> None:
    if name not in columns.written:
        hint = did_you_mean(name, sorted(columns.written))
        problems.add(place, f"'{key}' names '{name}', which is not a column", hint)
    elif name in columns.sound and columns.sound[name].pii == "drop":
        problems.add(place, f"'{key}' names '{name}', which pii: drop leaves out of the table", "write pii: hash")


def _check_partition(name: str, place: Place, columns: _Named, problems: Problems) -> None:
    _must_stand(name, "partition_by", place, columns, problems)
    kind = columns.sound[name].type if name in columns.sound else None
    if kind is None or kind.kind in PARTITIONS:
        return
    hint = f"it may be {', '.join(sorted(PARTITIONS))}"
    if kind.kind == "timestamp":
        hint = f"partition by a column with date_of: {name}"
    problems.add(place, f"'partition_by' names '{name}', whose type {kind} cannot be a partition", hint)


def _check_date_of(name: str, date_of: str, place: Place, columns: _Named, problems: Problems) -> None:
    if date_of not in columns.written:
        hint = did_you_mean(date_of, sorted(columns.written - {name}))
        problems.add(place, f"'date_of' names '{date_of}', which is not a column", hint)
    elif date_of in columns.sound and columns.sound[date_of].type.kind != "timestamp":
        kind = columns.sound[date_of].type
        problems.add(place, f"'date_of' names '{date_of}', whose type is {kind}", "it must be a timestamp column")
