"""Personal data must not slip through a side door: the rules of `pii` across the columns and tables of one source."""

from __future__ import annotations

from lakemart.config.document import Node
from lakemart.config.problems import Problems
from lakemart.config.source_file import SourceFile
from lakemart.contract.table import Column, Contract, Feed

RecordPath = tuple[str, ...]


def check_pii(feed: Feed, written: SourceFile, node: Node, problems: Problems) -> None:
    """Reports a json column, or an `_extra`, that would hold the clear value of a `pii` column; and a missing key."""
    places = [(c.name, _place(contract, c)) for contract in feed.tables for c in contract.columns if c.pii]
    personal = list(dict.fromkeys((name, place) for name, place in places if place is not None))
    if not personal:
        return
    if written.pii_key is None and "pii_key" not in node.items:
        problems.add(
            node.key_place("source"),
            "'pii_key' is missing: columns with pii need it, also for the quarantine",
            "write pii_key: secret://env/NAME",
        )
    for contract in feed.tables:
        at = _columns_node(contract, node)
        for name, path in personal:
            _check_json_columns(contract, at, name, path, problems)
            if contract.unknown_fields == "extra" and not contract.parent and not is_read(path, contract, feed):
                message = (
                    f"'_extra' of the table '{contract.table}' would hold the pii column '{name}' ({'.'.join(path)})"
                )
                problems.add(at.key or at.place, message, "name the column there too, or write unknown_fields: ignore")


def is_read(path: RecordPath, contract: Contract, feed: Feed) -> bool:
    """Whether the table or one of its children reads the path, so that it is no unknown field."""
    readers = [contract, *(child for child in feed.tables if child.parent == contract.table)]
    places = [_place(reader, column) for reader in readers for column in reader.columns]
    return any(place is not None and _begins(path, place) for place in places)


def _check_json_columns(contract: Contract, at: Node, name: str, path: RecordPath, problems: Problems) -> None:
    for c in contract.columns:
        own = _place(contract, c)
        if c.type.kind != "json" or c.pii or own is None or not _begins(path, own):
            continue
        rest = path[len(own) :]
        if not any(_begins(rest, redacted) for redacted in c.redact):
            hint = f"write redact: [{'.'.join(rest)}]" if rest else "give it the same pii"
            problems.add(
                at.key_place("columns", c.name), f"the json column '{c.name}' would hold the pii column '{name}'", hint
            )


def _columns_node(contract: Contract, node: Node) -> Node:
    """The node that holds the table's columns: at the top, under `tables`, or under a `children`."""
    if contract.parent:
        for holder in (node, *node.entries("tables").values()):
            for name, child in holder.entries("children").items():
                if contract.table == (child.text("table") or name):
                    return child
    return node.at("tables", contract.route) if contract.route is not None else node


def _place(contract: Contract, column: Column) -> RecordPath | None:
    """Where the column's value stands in the record; None when it stands outside, or is a date of another column."""
    start = column.path[:1]
    if column.date_of is not None or start in {("$",), ("#",)}:
        return None
    return column.path[1:] if start == ("^",) else contract.explode + column.path


def _begins(path: RecordPath, prefix: RecordPath) -> bool:
    return path[: len(prefix)] == prefix
