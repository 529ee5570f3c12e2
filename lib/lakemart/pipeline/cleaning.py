"""What of a writer's files nobody needs any more: orphans, files taken out long ago, staged files of loads that are done."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lakemart.ingest.tables import quarantine_table
from lakemart.lake.garbage import Garbage, Limits, delete, garbage
from lakemart.ledger import records
from lakemart.ledger.records import Record
from lakemart.models.changes import frozen_inputs
from lakemart.pipeline.context import Context
from lakemart.publish.due import standing_version
from lakemart.storage.opening import open_store

LOG_KEPT = timedelta(days=30)
"""Log entries stay at least so long, as Delta itself keeps them: they say who did what."""

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was taken out before."""


def closed_head(head: Record | None) -> int:
    """The number up to which everything of a writer is closed."""
    if head is None:
        return 0
    return head.number if head.closed else head.number - 1


def table_garbage(context: Context, table: str, writer: str, *, keep: timedelta) -> Garbage:
    """What of a lake table's files may go. The closed head is read before anything is listed.

    While a number of the writer is open nothing counts as taken out long ago; nor does its log while a version that was
    rebased onto has not been adopted.
    """
    head = records.head(context.store, writer)
    settled = head is None or head.closed
    last = records.last_committed(context.store, writer)
    rebased = last is not None and last.done is not None and bool(last.done.get("rebased"))
    limits = Limits(
        closed=closed_head(head),
        before=context.run.at - keep if settled else _NEVER,
        log_before=context.run.at - max(keep, LOG_KEPT) if settled and not rebased else None,
        keep=frozenset(pinned_versions(context, table, writer)),
        side_column=_side_column(context, table, writer),
    )
    return garbage(context.lake, table, limits)


def remove_garbage(context: Context, table: str, found: Garbage) -> None:
    """Deletes it. A crash leaves the rest to the next time."""
    delete(context.lake, table, (key for key, _ in found.all))


def pinned_versions(context: Context, table: str, writer: str) -> set[int]:
    """The versions of a table that somebody inside lakemart still reads.

    Those are its last committed one, the inputs that open plans of models and marts froze, and what marts were last
    published from, which `verify` compares them with.
    """
    found = set()
    last = records.last_versions(context.store, writer).get(table)
    if last is not None:
        found.add(last)
    for name in context.project.models:
        head = records.head(context.store, f"model/{name}")
        if head is not None and not head.closed:
            found |= {one.version for one in frozen_inputs(head.plan).values() if one.table == table}
    if table in context.project.marts and writer.startswith("model/"):
        found |= _published_versions(context, f"mart/{table}")
    return found


def staged_leftovers(context: Context, name: str) -> list[tuple[str, int]]:
    """Keys and sizes of a mart's staged files whose numbers are closed, under the mart's own place in staging."""
    head = records.head(context.store, f"mart/{name}")
    closed = closed_head(head)
    if head is None:
        return []
    place = context.staging().child(context.project.name).child(name)
    return [(key, size) for key, size in open_store(place).sizes() if _number(key) <= closed]


def remove_staged_leftovers(context: Context, name: str, keys: Sequence[tuple[str, int]]) -> None:
    """Deletes them."""
    store = open_store(context.staging().child(context.project.name).child(name))
    for key, _ in keys:
        store.delete(key)


def _published_versions(context: Context, writer: str) -> set[int]:
    found = set()
    head = records.head(context.store, writer)
    if head is not None and not head.closed and "version" in head.plan:
        found.add(int(head.plan["version"]))
    last = records.last_committed(context.store, writer)
    if last is not None and last.done is not None:
        found.add(standing_version(context.store, last.done))
    return found


def _side_column(context: Context, table: str, writer: str) -> str | None:
    kind, _, name = writer.partition("/")
    if kind != "source":
        return None
    main = context.project.sources[name].feed.tables[0].table
    return "raw_object" if table == quarantine_table(main) else None


def _number(key: str) -> float:
    """The number in the prefix of one execution; none is below that of another name."""
    head = key.partition("/")[0].partition("-")[0]
    return int(head) if head.isdigit() and len(head) == len(f"{0:010d}") else float("inf")
