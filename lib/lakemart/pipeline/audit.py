"""The audit of lake tables: what the ledger's numbers and books claim of them, against their logs and files."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

from lakemart.errors import DataError, TransientError
from lakemart.ingest.discover import late_objects
from lakemart.ingest.planning import open_since
from lakemart.lake.actions import TableChange
from lakemart.lake.check import check_table, last_number, null_count
from lakemart.lake.read import snapshot
from lakemart.ledger import records
from lakemart.ledger.known import known_stream
from lakemart.ledger.records import Record
from lakemart.pipeline.adopting import Role, roles
from lakemart.pipeline.checked import Checked
from lakemart.pipeline.context import Context
from lakemart.storage.opening import open_store

_NAMED = 20
"""How many late objects are named."""

_COUNTED: tuple[Role, ...] = ("good", "quarantined", "duplicate")


@dataclass(slots=True, kw_only=True)
class _Claims:
    """What a writer's committed numbers say: rows and version of each table, the sums of the books, the last number."""

    rows: Counter[str] = field(default_factory=Counter)
    versions: dict[str, int] = field(default_factory=dict)
    books: Counter[str] = field(default_factory=Counter)
    number: int = 0


def tables(context: Context, writer: str) -> list[Checked]:
    """Each table of a writer against its claims; nothing before its first number. Reads logs and listings.

    Raises TransientError while a number is open, DataError when an object of the ledger is torn, empty or missing.
    """
    claims = _claims(context, writer)
    found = []
    for table, version in claims.versions.items():
        wrong = check_table(context.lake, table, version=version, rows=claims.rows[table])
        with suppress(DataError):  # a table that cannot be opened is among the findings
            wrong += _ahead(context, writer, table, claims.number)
        found.append(Checked(kind="table", name=table, rows=claims.rows[table], findings=tuple(wrong)))
    if not claims.versions or any(one.findings for one in found):
        return found
    return [_with_books(context, writer, one, claims) for one in found]


def late(context: Context, name: str) -> list[Checked]:
    """The objects of a source that landed in dates which plain runs no longer list; nothing where there are none."""
    source, writer = context.project.sources[name], f"source/{name}"
    since = open_since(source, records.last_committed(context.store, writer))
    if since is None:
        return []
    known = known_stream(context.lake, writer)
    objects = late_objects(open_store(context.raw), source.objects, known, context.run.at, since)
    found = [info.key for info in objects]
    words = [f"object {key!r} came late, into a date that is closed: no plain run takes it" for key in found[:_NAMED]]
    if len(found) > _NAMED:
        words.append(f"so did {len(found) - _NAMED} more")
    return [Checked(kind="source", name=name, rows=len(found), findings=tuple(words))] if found else []


def _claims(context: Context, writer: str) -> _Claims:
    claims = _Claims()
    last: Record | None = None
    for record in records.numbers(context.store, writer):
        last = record
        claims.number = record.number
        if not record.closed:
            raise _unfinished(writer, f"number {record.number} of {writer} is open")
        if not record.committed or record.done is None or record.decision is None:
            continue
        claims.versions = record.done["versions"]
        claims.books.update(record.decision.get("books", {}))
        for value in record.decision["tables"]:
            change = TableChange.from_json(value)
            claims.rows[change.table] += change.rows
    if last is not None and last.committed and last.done is not None and last.done.get("rebased"):
        raise _unfinished(writer, f"what number {last.number} of {writer} was rebased onto is not adopted yet")
    return claims


def _unfinished(writer: str, what: str) -> TransientError:
    return TransientError(what, where=writer, next_step="Run again; it is finished first.")


def _ahead(context: Context, writer: str, table: str, number: int) -> list[str]:
    """Whether the table holds a number that the ledger has lost."""
    held = last_number(context.lake, table, writer)
    if held <= number:
        return []
    return [
        f"the table holds number {held} of {writer}, the ledger ends at {number}: objects of the ledger are missing"
    ]


def _with_books(context: Context, writer: str, one: Checked, claims: _Claims) -> Checked:
    """The books of a source against the rows of its tables; told of the first table of the kind that differs."""
    of = roles(context.project, writer)
    mine = of.get(one.name, "none")
    same = [table for table in claims.versions if of.get(table) == mine]
    if mine not in _COUNTED or not same or same[0] != one.name:
        return one
    held = sum(_rows(context, table, claims.versions[table], mine) for table in same)
    if held == claims.books[mine]:
        return one
    words = f"the books count {claims.books[mine]} {mine} records, the table holds {held}"
    return Checked(kind=one.kind, name=one.name, rows=one.rows, findings=(*one.findings, words))


def _rows(context: Context, table: str, version: int, role: Role) -> int:
    if role == "quarantined":
        return null_count(context.lake, table, version, "resolved_by")
    found = snapshot(context.lake, table, version)
    if found is None:
        raise DataError(f"there is no table {table!r}", where=context.lake.uri)
    return found.rows
