"""The reference decoder: one record's bytes become rows, or one fault. It is the specification in its executable form.

Every check stands here in the order of README.md; nothing here is written for speed. `fast.py` only ever accepts what
this module accepts, with the same values.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from lakemart.decode.numbers import NUMBER, Number
from lakemart.decode.plan import ColumnPlan, FeedPlan, Path, Skip, TablePlan, split_origin
from lakemart.decode.record import FaultError, Record, read_record
from lakemart.decode.redact import below, redacted
from lakemart.decode.slices import Span, elements, fields, spelled
from lakemart.decode.unknown import Unknown, extra_text, pointer, unknown_fields
from lakemart.decode.values import MismatchError, Value, shown

DAY_MICROS = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of one table: a value per column of its schema except `_offset`, and what it did not know."""

    table: str
    values: tuple[Value | None, ...]
    unknown: tuple[Unknown, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a row's columns can see: its own value, its parent's record, the enclosing document, and its index."""

    record: Record
    span: Span
    parent: Span | None = None
    document: Record | None = None
    index: str | None = None


def decode_record(raw: bytes, plan: FeedPlan, document: Record | None = None) -> list[Row] | None:
    """The rows of one record, the main row first; None when the record is filtered. Raises FaultError."""
    record = read_record(raw, plan)
    root = record.root
    scope = Scope(record=record, span=root, document=document)
    if any(_skipped(skip, scope) for skip in plan.skips):
        return None
    table = plan.main
    if plan.feed.route:
        chosen = _routed(plan, scope)
        if chosen is None:
            return None
        table = chosen
    return list(_rows(table, scope, plan))


def _look(scope: Scope, path: Path) -> tuple[Record, Span | None]:
    """The value at a path of the feed (skip, route), where anything that is not an object on the way means missing."""
    origin, keys = split_origin(path)
    record = scope.document if origin == "document" else scope.record
    if record is None:
        return scope.record, None
    try:
        return record, record.find(record.root if origin == "document" else scope.span, keys)
    except MismatchError:
        return record, None


def _skipped(skip: Skip, scope: Scope) -> bool:
    record, span = _look(scope, skip.path)
    if span is None or record.is_null(span):
        return skip.null
    source = record.slice(span)
    if source[0] == '"':
        return spelled(source) in skip.texts
    if NUMBER(source):
        return bool(skip.numbers) and Number.read(source) in skip.numbers
    return source in skip.literals


def _routed(plan: FeedPlan, scope: Scope) -> TablePlan | None:
    """The table that takes the record, None when it is ignored. Raises FaultError when no table takes it."""
    record, span = _look(scope, plan.feed.route)
    source = "null" if span is None else record.slice(span)
    kind = spelled(source) if source[0] == '"' else source
    if source != "null" and kind in plan.routes:
        return plan.routes[kind]
    if plan.other is not None or plan.feed.other == "ignore":
        return plan.other
    raise FaultError("unknown_route", f"no table for {'the value' if plan.hidden else shown(source)}")


def _rows(table: TablePlan, scope: Scope, plan: FeedPlan) -> Iterator[Row]:
    """The row of one value and those of its children; all columns are checked before any child."""
    values = [_value(column, table, scope) for column in table.columns if column.origin != "date_of"]
    by_name = dict(zip((c.column.name for c in table.columns if c.origin != "date_of"), values, strict=True))
    contract = table.contract
    row = [
        _date_of(column, by_name, table) if column.origin == "date_of" else by_name[column.column.name]
        for column in table.columns
        if column.column.pii != "drop"
    ]
    unknown: tuple[Unknown, ...] = ()
    if contract.unknown_fields != "ignore":
        unknown = tuple(unknown_fields(scope.record, scope.span, table.tree))
    if unknown and contract.unknown_fields == "reject":
        raise FaultError("unknown_field", f"{pointer(unknown[0].path)} is not in the contract", table=contract.table)
    if contract.unknown_fields == "extra":
        row.append(extra_text(scope.record.text, unknown, plan.private, contract.explode))
    yield Row(table=contract.table, values=tuple(row), unknown=unknown if contract.unknown_fields == "extra" else ())
    for child in table.children:
        yield from _child_rows(child, scope, plan)


def _value(column: ColumnPlan, table: TablePlan, scope: Scope) -> Value | None:
    """The typed value of a column with a path, None when missing or null. Raises FaultError."""
    try:
        record, span, source = _source(column, scope)
        if source is None or source == "null":
            _refuse_required(column, source)
            return None
        if column.redact and span is not None:
            base = table.contract.explode if column.origin == "record" else ()
            source = redacted(record.text, span, below(column.redact, (*base, *column.path)))
        return column.reader.read(source)
    except MismatchError as error:
        raise FaultError(error.reason, error.message, table=table.contract.table, column=column.column.name) from None


def _refuse_required(column: ColumnPlan, source: str | None) -> None:
    if column.column.required:
        state = "is missing" if source is None else "is null"
        raise MismatchError("missing_value", f"{pointer(column.path) or '/'} {state}")


def _source(column: ColumnPlan, scope: Scope) -> tuple[Record, Span | None, str | None]:
    """The record that a column reads, the value's span there, and its source text; None when missing."""
    if column.origin == "index":
        return scope.record, None, scope.index
    record, start = scope.record, scope.parent if column.origin == "parent" else scope.span
    if column.origin == "document":
        if scope.document is None:
            return scope.record, None, None
        record, start = scope.document, scope.document.root
    span = None if start is None else record.find(start, column.path)
    return record, span, None if span is None else record.slice(span)


def _date_of(column: ColumnPlan, by_name: dict[str, Value | None], table: TablePlan) -> int | None:
    """The UTC day of the timestamp column that this one is derived from."""
    micros = by_name[column.column.date_of or ""]
    if micros is None and column.column.required:
        message = f"{column.column.date_of} is null"
        raise FaultError("missing_value", message, table=table.contract.table, column=column.column.name)
    return micros // DAY_MICROS if isinstance(micros, int) else None


def _child_rows(table: TablePlan, scope: Scope, plan: FeedPlan) -> Iterator[Row]:
    """The rows of a child table from one record: an element of an array, or a value of an object, each."""
    record, name = scope.record, table.contract.table
    try:
        span = record.find(scope.span, table.contract.explode)
    except MismatchError as error:
        raise FaultError(error.reason, error.message, table=name) from None
    if span is None or record.is_null(span):
        return
    if record.text[span[0]] not in "[{":
        value = "the value" if plan.hidden else shown(record.slice(span))
        raise FaultError("wrong_type", f"{value} is neither an array nor an object", table=name)
    for number, (index, item) in enumerate(_items(record.text, span[0])):
        child = Scope(record=record, span=item, parent=scope.span, document=scope.document, index=index)
        try:
            yield from _rows(table, child, plan)
        except FaultError as error:
            raise FaultError(
                error.reason, f"{error.message} (item {number})", table=error.table, column=error.column
            ) from None


def _items(text: str, start: int) -> Iterator[tuple[str, Span]]:
    """Index as JSON text (a number; of an object the key, as a number when it spells one) and span of every item."""
    if text[start] == "[":
        yield from ((str(index), span) for index, span in enumerate(elements(text, start)))
        return
    for key, span in fields(text, start).items():
        yield key if NUMBER(key) else json.dumps(key, ensure_ascii=False), span
