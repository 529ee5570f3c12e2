"""The gate of a batch: every equation of its books, with the figures of those that do not hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lakemart.contract.table import Feed
from lakemart.ingest.edits import EditReport
from lakemart.ingest.objects import ObjectBooks, total
from lakemart.ingest.tables import duplicates_table, quarantine_table
from lakemart.lake.actions import AddedFile
from lakemart.ledger.standing import Standing

Edits = Mapping[str, Sequence[EditReport]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What is weighed: the books of the batch's objects and adjusting entries, new files, and rewritten files by table.

    `before` is how the objects stood that the batch takes out.
    """

    feed: Feed
    books: Sequence[ObjectBooks]
    files: Mapping[str, Sequence[AddedFile]]
    edits: Edits
    before: Mapping[str, Standing]


def unbalanced(batch: Weighed) -> list[str]:
    """The equations that do not hold, each with its figures: per object, and of the rows that come and go."""
    return [
        *(f"the books of object {book.key!r} do not balance: {book}" for book in batch.books if not book.balanced),
        *_rows(batch),
        *_rewritten(batch.edits),
        *_taken_out(batch),
    ]


def _rows(batch: Weighed) -> Iterable[str]:
    main = batch.feed.tables[0].table
    own = [contract.table for contract in batch.feed.tables if contract.parent is None]
    children = [contract.table for contract in batch.feed.tables if contract.parent is not None]
    quarantine, duplicates = quarantine_table(main), duplicates_table(main)
    sums = total(batch.books)
    marked = sum(edit.marked for edit in batch.edits.get(quarantine, ()))
    open_out = sum(rows for edit in batch.edits.get(quarantine, ()) for rows in edit.out.values())
    equations = [
        ("good records", sums["good"], _came(batch, own) - _went(batch, own)),
        ("quarantined records", sums["quarantined"], _came(batch, [quarantine]) - open_out - marked),
        ("duplicate records", sums["duplicate"], _came(batch, [duplicates]) - _went(batch, [duplicates])),
        ("rows of child tables", sum(book.children for book in batch.books), _came(batch, children) - _went(batch, children)),
    ]  # fmt: skip
    for name, counted, rows in equations:
        if counted != rows:
            yield f"{counted} {name} were counted and {rows} written"


def _came(batch: Weighed, tables: Iterable[str]) -> int:
    return sum(file.rows for table in tables for file in batch.files.get(table, ()))


def _went(batch: Weighed, tables: Iterable[str]) -> int:
    return sum(edit.rows for table in tables for edit in batch.edits.get(table, ()))


def _rewritten(edits: Edits) -> Iterable[str]:
    """Rewriting a file may lose nothing but what was to come out."""
    for table, reports in edits.items():
        held = sum(file.rows for report in reports for file in report.removes)
        out = sum(report.rows for report in reports)
        kept = sum(file.rows for report in reports for file in report.adds)
        if held - out != kept:
            yield f"of {held} rows of table {table!r} {out} were to come out, and {kept} were kept"


def _taken_out(batch: Weighed) -> Iterable[str]:
    """What came out of the tables for an object must be what the ledger says was in them."""
    main = batch.feed.tables[0].table
    own = [contract.table for contract in batch.feed.tables if contract.parent is None]
    places = {"good": own, "quarantined": [quarantine_table(main)], "duplicate": [duplicates_table(main)]}
    for key, standing in batch.before.items():
        for count, tables in places.items():
            held = sum(edit.out.get(key, 0) for table in tables for edit in batch.edits.get(table, ()))
            if held != standing.counts[count]:
                yield f"the ledger counts {standing.counts[count]} {count} records of object {key!r}, the tables held {held}"
