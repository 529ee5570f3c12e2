"""The books: what the ledger says was read, kept and published, by run or since the beginning."""

from __future__ import annotations

from lakemart.errors import ConfigError
from lakemart.ledger import records
from lakemart.ledger.changes import is_quiet
from lakemart.ledger.records import Record
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import SOURCE_COUNTS, MartLine, ModelLine, RunDocument


def books(context: Context, run: str | None = None) -> RunDocument:
    """The balance sheet of one run, or the totals since the beginning. Read from the ledger's objects; changes nothing.

    Raises ConfigError for a run that the ledger does not know.
    """
    document = RunDocument(run=run or "all")
    found = False
    for writer in context.writers:
        kind, _, name = writer.partition("/")
        _open_line(document, kind, name)
        for record in records.numbers(context.store, writer):
            by = record.done or record.decision or record.plan
            if run is None or by["run"] == run:
                found = True
                enter(document, kind, name, record, standing=run is None)
    if run is not None and not found:
        raise ConfigError(
            f"the ledger knows no run {run!r}", next_step="`lakemart status` names the last run of each writer."
        )
    return document


def _open_line(document: RunDocument, kind: str, name: str) -> None:
    if kind == "source":
        document.sources[name] = dict.fromkeys(SOURCE_COUNTS, 0)
    elif kind == "model":
        document.models[name] = ModelLine()
    else:
        document.marts[name] = MartLine()


def enter(document: RunDocument, kind: str, name: str, record: Record, *, standing: bool = False) -> None:
    """Adds one number to the document's line of its writer; an open or refused number adds nothing.

    Of a source: what the number read or, with `standing`, what it changed in the tables, adjusting entries included, so
    that the sums over all numbers describe the tables as they are.
    """
    if not record.committed or record.done is None or record.decision is None or is_quiet(record):
        return
    if kind == "source":
        line = document.sources[name]
        line["batches"] += 1
        for count, value in record.decision["books" if standing else "read"].items():
            line[count] += value
    elif kind == "model":
        model = document.models[name]
        model.slices = sorted({*model.slices, *record.done["slices"]}, key=str)
        model.rows += record.done["rows"]
        model.numbers += 1
    else:
        mart = document.marts[name]
        mart.slices = sorted({*mart.slices, *record.done["slices"]}, key=str)
        mart.lake += record.done["rows"]
        mart.staged += record.done["staged"]
        mart.copied += record.done["copied"]
        mart.warehouse += record.done["warehouse"]
        mart.numbers += 1
