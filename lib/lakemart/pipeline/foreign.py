"""The way out after a foreign commit, by explicit word: whatever it keeps from closing is closed, then it is adopted.

Of an open number: without a decision it is refused, so that its inputs are planned again; with an intent of which
nothing can be committed any more it is voided; with one of which something is committed the rest goes onto the later
version, if every file it takes out is still there. The README of the ledger has the rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from lakemart.errors import ConfigError, DataError, TransientError
from lakemart.ingest.tables import duplicates_table, quarantine_table, resolutions_table
from lakemart.lake.actions import NEW_TABLE, TableChange
from lakemart.lake.commit import Standing, commit, foreign_commit, stands
from lakemart.lake.read import snapshot, version_of
from lakemart.ledger import records
from lakemart.ledger.protocol import Stage, advance
from lakemart.ledger.rebase import put_rebase, rebased, rebases
from lakemart.ledger.records import Json, Record
from lakemart.pipeline.adopting import Adoption, owed
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stages import stage_of
from lakemart.pipeline.stories import run_word
from lakemart.pipeline.tending import tended, tending
from lakemart.steps import step

_ROUNDS = 20
"""How many numbers are closed and versions adopted before others who go on committing are told to stop."""


def lake_tables(context: Context) -> dict[str, str]:
    """The writer of every lake table of the project, those beside a source's own tables among them."""
    tables = dict(context.table_writers())
    for name, source in context.project.sources.items():
        main = source.feed.tables[0].table
        tables |= dict.fromkeys(
            (quarantine_table(main), duplicates_table(main), resolutions_table(main)), f"source/{name}"
        )
    return tables


def accept_table(context: Context, table: str, reason: str) -> RunDocument:
    """Goes on with a table as somebody else's commits left it; then builds and publishes what is due for it.

    A source's rows stay as they are and its books follow; a model's slices that differ are built again. A table that
    nobody else changed is an error in the document (kind config); a repeat finds that.
    """

    def act(document: RunDocument) -> None:
        writer = lake_tables(context)[table]
        if not _adopt(context, writer, table, reason, document):
            raise ConfigError(
                f"table {table!r} is as the ledger left it", next_step="`lakemart verify` names tables that are not."
            )

    return run_word(context, act)


def _adopt(context: Context, writer: str, table: str, reason: str, document: RunDocument) -> bool:
    """Closes what is open and adopts until the table is at the version the ledger says; False when it was so before."""
    stage = tended(context, stage_of(context, writer, document))
    for turn in range(_ROUNDS):
        head = records.head(context.store, writer)
        if head is not None and not head.closed:
            if head.decision is None and head.plan.get("kind") not in ("adopt", "compact"):
                _refuse(context, head, table, reason)
            elif head.decision is None or _clear(context, head, table, reason):
                _advance(context, stage)
            continue
        if owed(records.last_committed(context.store, writer)) is not None:
            _advance(context, stage)
            continue
        expected = records.last_versions(context.store, writer).get(table, NEW_TABLE)
        present = version_of(context.lake, table)
        if present == expected:
            return turn > 0
        if present < expected:
            raise foreign_commit(table, expected=expected, found=present)
        wish = Adoption(spans={table: ((expected, present),)}, reason=reason)
        _advance(context, tending(context, writer, wish))
    raise TransientError(
        f"others go on committing to table {table!r}", next_step="Stop them, then accept the table again."
    )


def _advance(context: Context, stage: Stage) -> None:
    """Goes on with the writer. An adoption refused, because it cannot be told what came and went, stops the word.

    What others committed meanwhile leaves an intent open, to be cleared in its turn.
    """
    try:
        record = advance(context.store, stage, run=context.run.id, at=context.run.stamp)
    except DataError:
        head = records.head(context.store, stage.writer)
        if head is None or head.closed or head.decision is None:
            raise
        return
    if record is not None and record.stops and record.plan.get("kind") == "adopt":
        raise DataError(
            "; ".join(record.reasons),
            where=f"{stage.writer}, number {record.number}",
            next_step="Restore the log entries of the versions since, from the store's versions or a backup.",
        )


def _refuse(context: Context, head: Record, table: str, reason: str) -> None:
    """Closes a planned number: made against a version that has passed, it can come to nothing."""
    value: Json = {
        "kind": "refusal",
        "reasons": [f"table {table!r} was changed by others: {reason}"],
        "stops": False,
        **_by(context),
    }
    with step("decision.write"):
        records.write_part(context.store, head.writer, head.number, "decision", value)


def _clear(context: Context, head: Record, table: str, reason: str) -> bool:
    """Commits of an open intent what can be, in order, and makes way for the rest; False when it was voided instead."""
    found = rebases(context.store, head.writer, head.number)
    begun = False
    for value in rebased(head.decision or {}, found)["tables"]:
        change = TableChange.from_json(value)
        if change.is_empty:
            continue
        standing = stands(context.lake, change, writer=head.writer, number=head.number)
        if standing.moved and change.table != table:
            raise foreign_commit(change.table, expected=standing.expected, found=standing.version)
        if standing.moved and not begun and not change.adopted:
            _void(context, head, table, reason)
            return False
        if standing.moved:
            _rebase(context, head, change, standing, reason)
            return True
        if not standing.held:
            commit(context.lake, change, writer=head.writer, number=head.number, run=context.run.id)
        begun = True
    return True


def _void(context: Context, head: Record, table: str, reason: str) -> None:
    """Nothing of the number was committed nor ever can be: its first table has moved. Its inputs are planned again."""
    words = f"given up, for table {table!r} was changed by others: {reason}"
    with step("done.write"):
        records.write_part(
            context.store, head.writer, head.number, "done", {"void": words, "rebased": [], **_by(context)}
        )


def _rebase(context: Context, head: Record, change: TableChange, standing: Standing, reason: str) -> None:
    if standing.version < standing.expected:
        raise foreign_commit(change.table, expected=standing.expected, found=standing.version)
    now = snapshot(context.lake, change.table, standing.version)
    gone = _lacking(change, {file.path for file in now.files} if now is not None else set())
    if gone and not change.adopted:
        raise DataError(
            f"number {head.number} of {head.writer} is partly committed and takes files out of table {change.table!r} "
            f"that others took out: {', '.join(gone[:3])}",
            where=f"table {change.table}",
            next_step=f"Restore the table to version {standing.expected} (by a new commit), then accept it again.",
        )
    columns = set(now.schema.names) if now is not None else set()
    value: Json = {
        "table": change.table,
        "made": standing.expected,
        "onto": standing.version,
        "added_columns": [name for name in change.added_columns if name not in columns],
        "reason": reason,
        **_by(context),
    }
    found = rebases(context.store, head.writer, head.number)
    with step("rebase.write"):
        put_rebase(context.store, head.writer, head.number, len(found), value)


def _lacking(change: TableChange, live: Iterable[str]) -> list[str]:
    there = set(live)
    return [file.path for file in change.removes if file.path not in there]


def _by(context: Context) -> Json:
    return {"run": context.run.id, "at": context.run.stamp}
