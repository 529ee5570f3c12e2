"""How each source, model and mart stands: its last number, what is open, refused or damaged, who holds its lease."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lakemart.ingest.planning import left_waiting
from lakemart.lake.read import snapshot, version_of
from lakemart.ledger import records
from lakemart.ledger.fields import FieldNews, field_news
from lakemart.ledger.known import known_stream
from lakemart.ledger.records import Record
from lakemart.ledger.runs import last_run
from lakemart.pipeline.context import Context
from lakemart.storage.lease import read_lease

State = Literal["empty", "good", "open", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStatus:
    """One writer.

    `state` is `empty` before the first number, `open` when the next run finishes one, `refused` when the last one was
    stopped by a gate, else `good`. `rows` are those of its main table now, None for a mart; `fresh` is the greatest
    slice it holds; `damaged` counts objects that are damaged as they last were read; `new_fields` and `type_conflicts`
    are of a source's unknown fields; `foreign` are the tables that somebody else committed to, which stops the writer, and `taken_back` those that are gone or at an earlier version;
    `left` counts the objects that a source's bounds left for the next run.
    """

    writer: str
    state: State
    number: int
    last_run: str | None
    last_at: str | None
    rows: int | None
    fresh: str | None
    damaged: int
    reasons: tuple[str, ...]
    holder: str | None
    new_fields: tuple[str, ...] = ()
    type_conflicts: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()
    left: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The status of every writer of a project, sources first, and of what the last run told.

    `last_errors` are the errors of the last run that left a document, as the document has them; none when it went well.
    """

    project: str
    environment: str
    writers: tuple[WriterStatus, ...]
    last_run: str | None = None
    last_at: str | None = None
    last_errors: tuple[dict[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)


def status(context: Context) -> StatusReport:
    """Reads the ledger and the tables' logs; starts no Spark and no server; changes nothing."""
    last = last_run(context.store)
    return StatusReport(
        project=context.project.name,
        environment=context.project.env,
        writers=tuple(_writer_status(context, writer) for writer in context.writers),
        last_run=last["document"]["run"] if last else None,
        last_at=last["at"] if last else None,
        last_errors=tuple(last["document"]["errors"]) if last else (),
    )


def _writer_status(context: Context, writer: str) -> WriterStatus:
    head = records.head(context.store, writer)
    lease = read_lease(context.store, writer)
    kind, _, name = writer.partition("/")
    by = (head.done or head.decision or head.plan) if head else None
    rows, fresh = _table(context, kind, name)
    moved = _moved(context, head) if kind != "mart" else {}
    damaged = 0
    news = FieldNews()
    if kind == "source":
        news = field_news(context.lake, writer)
        damaged = sum(known.is_damaged for _, known in known_stream(context.lake, writer))
    return WriterStatus(
        writer=writer,
        state=_state(head),
        number=head.number if head else 0,
        last_run=by["run"] if by else None,
        last_at=by["at"] if by else None,
        rows=rows,
        fresh=fresh,
        damaged=damaged,
        reasons=head.reasons if head else (),
        holder=lease.holder if lease else None,
        new_fields=news.new,
        type_conflicts=news.conflicts,
        foreign=tuple(table for table, by in moved.items() if by > 0),
        taken_back=tuple(table for table, by in moved.items() if by < 0),
        left=left_waiting(head) if kind == "source" else 0,
    )


def _moved(context: Context, head: Record | None) -> dict[str, int]:
    """By how many versions tables are off those the ledger left them at; not told while a number is open."""
    if head is None or not head.closed:
        return {}
    versions = records.last_versions(context.store, head.writer)
    return {table: by for table, version in versions.items() if (by := version_of(context.lake, table) - version)}


def _state(head: Record | None) -> State:
    if head is None:
        return "empty"
    if not head.closed:
        return "open"
    return "refused" if head.refused else "good"


def _table(context: Context, kind: str, name: str) -> tuple[int | None, str | None]:
    """Rows and greatest partition value of a writer's main table; nothing for a mart, whose table is in the warehouse."""
    if kind == "mart":
        return None, None
    table = context.project.sources[name].feed.tables[0].table if kind == "source" else name
    found = snapshot(context.lake, table)
    if found is None:
        return 0, None
    values = [value for file in found.files for value in file.partition.values() if value is not None]
    return found.rows, max(values, default=None)
