"""Maintain: fewer and larger files, nothing lying about, the warehouse without what it need not retain.

Each part is safe at any time and finds nothing to do the second time. Numbers of the ledger are never deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from lakemart.errors import ConfigError, DataError, LakemartError
from lakemart.lake.append import tidy_appended
from lakemart.lake.compact import TARGET_BYTES, small_files
from lakemart.lake.read import snapshot
from lakemart.ledger import records
from lakemart.ledger.projection import SCHEMAS, project, rebuild, table_name
from lakemart.ledger.protocol import advance
from lakemart.ledger.runs import project_runs, rebuild_runs
from lakemart.pipeline.cleaning import (
    remove_garbage,
    remove_staged_leftovers,
    staged_leftovers,
    table_garbage,
)
from lakemart.pipeline.context import Context
from lakemart.pipeline.foreign import lake_tables
from lakemart.pipeline.maintained import MaintainReport, MartTended, TableTended
from lakemart.pipeline.stages import mart_stage
from lakemart.pipeline.tending import TENDING, Compaction, Tended, tended, tending
from lakemart.storage.lease import leases
from lakemart.storage.local import abandoned_puts

SHORTEST = timedelta(days=1)
"""Old files are kept no shorter than this but by explicit word: a reader may be at work for so long."""

_ROUNDS = 3
"""How many numbers one kind of tending may take for a writer in one command: what was left open, and what is due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """What to do. `keep`: how long files stay that are no longer part of their table, for readers of older versions.

    `no_readers` is the explicit word that lets `keep` be shorter than a day. `dry`: only say what would be done.
    `rebuild_ledger`: make the ledger's tables anew, and nothing else.
    """

    target: int = TARGET_BYTES
    keep: timedelta = field(default=timedelta(days=7))
    no_readers: bool = False
    dry: bool = False
    rebuild_ledger: bool = False


def maintain(context: Context, upkeep: Upkeep) -> MaintainReport:
    """Does the upkeep of every writer and says what was done; what goes wrong with one stops that one alone.

    Raises ConfigError when files are to go sooner than readers may need them.
    """
    if upkeep.keep < SHORTEST and not upkeep.no_readers:
        raise ConfigError(
            f"files taken out less than {upkeep.keep} ago may still be read",
            next_step="Keep them for a day or more; or say --no-readers when nobody reads older versions.",
        )
    report = MaintainReport(run=context.run.id, dry=upkeep.dry)
    if upkeep.dry:
        _everything(context, upkeep, report)
        return report
    try:
        with leases(context.store, context.writers, context.holder, wait=context.wait):
            _everything(context, upkeep, report)
    except LakemartError as error:
        report.tell(error)
    return report


def _everything(context: Context, upkeep: Upkeep, report: MaintainReport) -> None:
    if upkeep.rebuild_ledger:
        _told(report, partial(_rebuild, context, upkeep, report))
        return
    tables = lake_tables(context)
    for writer in context.writers:
        kind, _, name = writer.partition("/")
        if kind == "mart":
            _told(report, partial(_mart, context, name, upkeep, report))
            continue
        mine = tuple(table for table, by in tables.items() if by == writer)
        _told(report, partial(_tables, context, writer, mine, upkeep, report))
    _told(report, partial(_puts, context, upkeep, report))
    if not upkeep.dry:
        _told(report, partial(_ledger, context, upkeep, report))


def _puts(context: Context, upkeep: Upkeep, report: MaintainReport) -> None:
    """What killed runs left half written in a local lake. Whoever still was at it would meet with an error, no more."""
    if context.lake.is_s3:
        return
    found = abandoned_puts(context.lake, context.run.at - SHORTEST)
    report.abandoned = len(found)
    if not upkeep.dry:
        for path in found:
            path.unlink(missing_ok=True)


def _told(report: MaintainReport, act: Callable[[], None]) -> None:
    try:
        act()
    except LakemartError as error:
        report.tell(error)


def _tables(context: Context, writer: str, mine: tuple[str, ...], upkeep: Upkeep, report: MaintainReport) -> None:
    lines = {table: TableTended(table=table) for table in mine}
    _told(report, partial(_compact, context, writer, lines, upkeep, report))
    for table, line in lines.items():
        found = table_garbage(context, table, writer, keep=upkeep.keep)
        line.orphans, line.expired, line.log = len(found.orphans), len(found.expired), len(found.log)
        line.freed = sum(size for _, size in found.all)
        if not upkeep.dry:
            remove_garbage(context, table, found)
    report.tables += [line for line in lines.values() if line.did_something]


def _compact(
    context: Context, writer: str, lines: dict[str, TableTended], upkeep: Upkeep, report: MaintainReport
) -> None:
    head = records.head(context.store, writer)
    if head is not None and not head.closed and head.plan.get("kind") not in TENDING:
        report.waiting.append(f"number {head.number} of {writer} is open; `lakemart run` finishes it")
        return
    if upkeep.dry:
        for table, version in records.last_versions(context.store, writer).items():
            found = snapshot(context.lake, table, version)
            if found is not None and table in lines:
                _count(lines[table], small_files(found, upkeep.target))
        return
    stage = tending(context, writer, Compaction(tables=tuple(lines), target=upkeep.target))
    for _ in range(_ROUNDS):
        record = advance(context.store, stage, run=context.run.id, at=context.run.stamp)
        if record is None:
            return
        if record.refused:
            raise DataError("; ".join(record.reasons), where=f"{writer}, number {record.number}")
        for change in (record.decision or {})["tables"]:
            lines[change["table"]].merged += len(change["removes"])
            lines[change["table"]].into += len(change["adds"])


def _count(line: TableTended, groups: Sequence[Sequence[object]]) -> None:
    """What a compaction would merge; a group becomes about one file."""
    line.merged += sum(map(len, groups))
    line.into += len(groups)


def _mart(context: Context, name: str, upkeep: Upkeep, report: MaintainReport) -> None:
    line = MartTended(mart=name)
    _retain(context, name, line, upkeep, report)
    found = staged_leftovers(context, name)
    line.staged, line.freed = len(found), sum(size for _, size in found)
    if not upkeep.dry:
        remove_staged_leftovers(context, name, found)
    if line.did_something:
        report.marts.append(line)


def _retain(context: Context, name: str, line: MartTended, upkeep: Upkeep, report: MaintainReport) -> None:
    writer = f"mart/{name}"
    head = records.head(context.store, writer)
    if head is None:
        return
    if not head.closed and head.plan.get("kind") not in TENDING:
        report.waiting.append(f"number {head.number} of {writer} is open; `lakemart run` finishes it")
        return
    stage = tended(context, mart_stage(context, context.project.marts[name]))
    retention = stage.tending if isinstance(stage, Tended) else stage
    if upkeep.dry:
        planned = retention.plan(head.number + 1, head) if head.closed else head.plan
        line.retained = list(planned["slices"]) if planned is not None else []
        return
    for _ in range(_ROUNDS):
        record = advance(context.store, retention, run=context.run.id, at=context.run.stamp)
        if record is None:
            return
        line.retained += (record.done or {}).get("slices", [])


def _rebuild(context: Context, upkeep: Upkeep, report: MaintainReport) -> None:
    """The ledger's tables anew from its small objects, and what is known of raw objects with them."""
    if upkeep.dry:
        report.rebuilt = dict.fromkeys((*SCHEMAS, "runs"), 0)
        return
    for writer in context.writers:
        for key, _ in list(context.store.sizes(f"{records.ROOT}/{writer}/index/")):
            context.store.delete(key)
    report.rebuilt = {**rebuild(context.lake), "runs": rebuild_runs(context.lake)}


def _ledger(context: Context, upkeep: Upkeep, report: MaintainReport) -> None:
    """The ledger's tables in few files. They are a projection; numbers and runs' documents stay as they are."""
    project(context.lake, context.writers)
    project_runs(context.lake)
    report.ledger_merged = sum(
        tidy_appended(context.lake, table_name(name), upkeep.keep) for name in (*SCHEMAS, "runs")
    )
