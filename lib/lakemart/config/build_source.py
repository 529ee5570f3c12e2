"""One source: what was written → `Source` with its feed, and the contradictions that one file can hold."""

from __future__ import annotations

import re
from datetime import timedelta

from lakemart.config.build_column import Surroundings
from lakemart.config.build_table import TableText, child_tables, table
from lakemart.config.document import Node
from lakemart.config.notations import as_path
from lakemart.config.pii import check_pii, is_read
from lakemart.config.problems import Problems, did_you_mean
from lakemart.config.source import ObjectRules, Source
from lakemart.config.source_file import SourceFile
from lakemart.config.table_file import TableFile
from lakemart.contract.table import Contract, Feed, Limits

DATES = ("yyyy", "MM", "dd", "HH")
DAY = timedelta(days=1)
UNORDERED = frozenset({"json", "list", "boolean"})


def source(written: SourceFile, node: Node, problems: Problems) -> Source:
    """The source; of a faulty one, what was sound."""
    tables = _tables(written, node, problems)
    name, records_path = written.format
    feed = Feed(
        format=name,
        records_path=records_path,
        envelope=written.envelope,
        tables=tables,
        duplicate_keys=written.duplicate_keys,
        skip=_skip(written, node, problems),
        route=written.route or (),
        other=_other(written, node, tables, problems),
        limits=Limits(
            depth=written.limits.depth, record_bytes=written.limits.record_bytes, digits=written.limits.digits
        ),
    )
    check_pii(feed, written, node, problems)
    _check_route_is_known(feed, node, problems)
    if written.lookback % DAY:
        problems.add(node.at("lookback").place, "'lookback' must be whole days", "write 7 days")
    return Source(
        name=written.source,
        description=written.description,
        owner=written.owner,
        objects=_objects(written, node.at("objects"), problems),
        feed=feed,
        lookback=written.lookback,
        latest_by=_latest_by(written, node, tables, problems),
        reject_limit=written.reject_limit,
        pii_key=written.pii_key,
        descriptions=_descriptions(written, tables),
    )


def _tables(written: SourceFile, node: Node, problems: Problems) -> tuple[Contract, ...]:
    """The contracts of all tables the source fills, the main one first."""
    around = Surroundings(enclosed=written.format[0] == "records")
    if written.route is not None:
        return tuple(_routed_tables(written, node, around, problems))
    for key in ("tables", "other"):
        if key in written.model_fields_set:
            problems.add(
                node.key_place(key), f"'{key}' goes with 'route' only", "say in route where a record names its kind"
            )
    main = table(TableText(written=written, node=node, default_name=written.source, around=around), problems)
    return (main, *child_tables(written.children, node, main, around, problems))


def _routed_tables(written: SourceFile, node: Node, around: Surroundings, problems: Problems) -> list[Contract]:
    """One table for each kind of record; a `table` at the top is the one for all other kinds."""
    tables: list[Contract] = []
    if "tables" not in node.items:
        hint = "write tables: {KIND: {table: NAME, columns: …}}"
        problems.add(node.key_place("route"), "'tables' is missing beside 'route'", hint)
    if written.table is not None:
        main = table(TableText(written=written, node=node, default_name=written.table, around=around), problems)
        tables += [main, *child_tables(written.children, node, main, around, problems)]
        if written.other != written.table:
            message = f"nothing goes to the table '{written.table}'"
            problems.add(node.key_place("table"), message, f"write other: {written.table}, or take it out")
    elif written.children:
        problems.add(node.key_place("children"), "'children' stands under the tables when records are routed")
    for kind, routed in written.tables.items():
        at = node.at("tables", kind)
        name = _table_name(kind)
        text = TableText(written=routed, node=at, default_name=name, around=around, shared=(written, node), route=kind)
        own = table(text, problems)
        tables += [own, *child_tables(routed.children, at, own, around, problems)]
    return tables


def _check_route_is_known(feed: Feed, node: Node, problems: Problems) -> None:
    """A table that rejects unknown fields would reject every record when no column reads what routed it there."""
    for contract in feed.tables:
        if contract.route is None or contract.unknown_fields != "reject" or feed.route[:1] == ("$",):
            continue
        if not is_read(feed.route, contract, feed):
            place = node.key_place("tables", contract.route)
            message = (
                f"'{'.'.join(feed.route)}' is an unknown field of '{contract.table}', which rejects unknown fields"
            )
            problems.add(place, message, f"add a column that reads it: {{path: {'.'.join(feed.route)}, type: string}}")


def _table_name(kind: str) -> str:
    """The table of a kind that names none: `PushEvent` → `push_event`."""
    return re.sub(r"[^a-z0-9_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower()).strip("_")


def _skip(
    written: SourceFile, node: Node, problems: Problems
) -> tuple[tuple[tuple[str, ...], tuple[str | int | float | bool | None, ...]], ...]:
    pairs = []
    for text, values in written.skip.items():
        try:
            pairs.append((as_path(text), tuple(values)))
        except ValueError:
            problems.add(node.key_place("skip", text), f"the key '{text}' of 'skip' is not a path", "write a.b.c")
        if not values:
            problems.add(node.key_place("skip", text), f"'skip' names no value at '{text}'", "write {PATH: [value, …]}")
    return tuple(pairs)


def _other(written: SourceFile, node: Node, tables: tuple[Contract, ...], problems: Problems) -> str:
    names = [contract.table for contract in tables]
    if written.route and written.other not in {"quarantine", "ignore", *names}:
        problems.add(
            node.at("other").place,
            f"'other' is '{written.other}', which is not a table of this source",
            did_you_mean(written.other, ["quarantine", "ignore", *names]),
        )
    return written.other


def _latest_by(written: SourceFile, node: Node, tables: tuple[Contract, ...], problems: Problems) -> str | None:
    latest_by = written.latest_by
    if latest_by in {None, "none"}:
        return None
    place = node.at("latest_by").place
    for contract in (c for c in tables if c.key and not c.parent):
        found = next((c for c in contract.columns if c.name == latest_by), None)
        if found is None:
            problems.add(
                place,
                f"'latest_by' is '{latest_by}', which is not a column",
                did_you_mean(str(latest_by), [c.name for c in contract.columns]),
            )
        elif found.type.kind in UNORDERED:
            problems.add(place, f"'latest_by' is '{latest_by}', whose type {found.type} has no order")
    if not any(contract.key for contract in tables):
        problems.add(node.key_place("latest_by"), "'latest_by' without 'key' has no effect", "name the key columns")
    return latest_by


def _objects(written: SourceFile, node: Node, problems: Problems) -> ObjectRules:
    objects = written.objects
    found = re.findall(r"\{([^}]*)\}?", objects.prefix)
    place = node.at("prefix").place
    for wrong in (part for part in found if part not in DATES):
        problems.add(
            place,
            f"'prefix' holds {{{wrong}}}, which is not part of a date",
            did_you_mean(wrong, DATES) if wrong else "write {yyyy} {MM} {dd} {HH}",
        )
    present = [part for part in DATES if part in found]
    if present != list(DATES[: len(present)]):
        problems.add(
            place,
            f"'prefix' holds {{{present[-1]}}} without what it is a part of",
            f"write {' '.join('{' + p + '}' for p in DATES[: DATES.index(present[-1]) + 1])}",
        )
    if objects.prefix.startswith("/") or "://" in objects.prefix or ".." in objects.prefix.split("/"):
        problems.add(place, "'prefix' must be relative to the project's raw location", "take the beginning out")
    elif any(segment[:1] in {"_", "."} for segment in objects.prefix.split("/")):
        problems.add(place, "'prefix' has a part that begins with '_' or '.'; such keys are never data")
    closed_after = objects.closed_after
    if closed_after is not None and not found:
        problems.add(
            node.key_place("closed_after"),
            "'closed_after' goes with a dated prefix only",
            "write the date into prefix: {yyyy}/{MM}/{dd}/",
        )
    if found and closed_after is None:
        closed_after = 7 * DAY
    return ObjectRules(
        prefix=objects.prefix,
        pattern=objects.pattern,
        complete=objects.complete,
        closed_after=closed_after,
        overwritten=objects.overwritten,
        max_objects=objects.max_objects,
        max_bytes=objects.max_bytes,
    )


def _descriptions(written: SourceFile, tables: tuple[Contract, ...]) -> dict[str, str]:
    """`table.column` → description, for every column that has one; shared columns count in every routed table."""
    found: dict[str, str] = {}
    children = {child.table or key: child for key, child in written.children.items()}
    for routed in written.tables.values():
        children |= {child.table or key: child for key, child in routed.children.items()}
    for contract in tables:
        shapes: list[TableFile] = [children[contract.table]] if contract.parent else [written]
        shapes += [written.tables[contract.route]] if contract.route is not None else []
        names = {column.name for column in contract.columns}
        for shape in shapes:
            described = {name: c.description for name, c in shape.columns.items() if c.description and name in names}
            found |= {f"{contract.table}.{name}": description for name, description in described.items()}
    return found
