"""The commands that work on data: each opens the project, has a story told, and answers with its document."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

from rich.text import Text

from lakemart.cli.answer import Answer
from lakemart.cli.invocation import Invocation
from lakemart.cli.opening import context, load
from lakemart.cli.stopping import StoppedError
from lakemart.config.asked import faults
from lakemart.config.problems import did_you_mean
from lakemart.config.project import Project
from lakemart.errors import ConfigError, LakemartError, TransientError
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.steps import arm

if TYPE_CHECKING:
    from lakemart.models.slices import Restriction
    from lakemart.pipeline.stories import StageName

Kind = Literal["source", "model", "mart", "name"]


@dataclass(frozen=True, slots=True)
class Slices:
    """What `--date`, `--from` and `--to` say; all None: whatever is due. `again`: marts whole, whatever is due."""

    date: str | None = None
    first: str | None = None
    last: str | None = None
    again: bool = False


def run(
    invocation: Invocation,
    stages: tuple[StageName, ...],
    only: Sequence[str] | None,
    slices: Slices,
    *,
    kind: Kind = "name",
) -> Answer:
    """Runs stages and answers with the run document."""
    project = load(invocation.options)
    for name in only or ():
        _check_name(project, name, kind)
    from lakemart.pipeline import stories  # noqa: PLC0415 - the stages load much that other commands need not
    from lakemart.report.run import run_summary  # noqa: PLC0415 - see run

    with _opened(invocation, project) as opened:
        try:
            scope = stories.Scope(stages=stages, only=only, slices=_restriction(slices), again=slices.again)
            document = stories.run(opened, scope)
        except StoppedError as stop:
            document = _stopped(opened, stop)
    view = lambda: run_summary(document)  # noqa: E731 - made only when wanted
    return Answer(document=document.as_json(), view=view, exit_code=document.exit_code, errors=tuple(document.errors))


def _stopped(opened: Context, stop: StoppedError) -> RunDocument:
    """What the stopped run had closed, from the ledger, and that it was stopped."""
    from lakemart.pipeline.books import books as books_of  # noqa: PLC0415 - see run

    document = RunDocument(run=opened.run.id)
    with suppress(LakemartError):  # nothing was closed yet, or the lake cannot be read any more
        document = books_of(opened, opened.run.id)
    document.tell(TransientError(f"stopped by {stop.name}", next_step="Run again: it goes on where this one stopped."))
    return document


def _restriction(slices: Slices) -> Restriction:
    from lakemart.models.slices import Restriction  # noqa: PLC0415 - see run

    if slices.date is not None and (slices.first is not None or slices.last is not None):
        raise ConfigError("--date does not go with --from or --to", next_step="Give one slice, or a range.")
    first, last = (slices.date, slices.date) if slices.date is not None else (slices.first, slices.last)
    return Restriction(first=first, last=last)


def accept(invocation: Invocation, target: str, reason: str) -> Answer:
    """Takes what was held back and answers with the run document."""
    from lakemart.pipeline.accept import accept as accept_held_back  # noqa: PLC0415 - see run

    return _requested(invocation, lambda opened: accept_held_back(opened, target, reason))


def replay(invocation: Invocation, source: str) -> Answer:
    """Replays a source's quarantine and answers with the run document."""
    from lakemart.pipeline.again import replay as replay_source  # noqa: PLC0415 - see run

    return _requested(invocation, lambda opened: replay_source(opened, source))


def backfill(invocation: Invocation, source: str | None, *, first: str | None, last: str | None) -> Answer:
    """Reads slices again and answers with the run document."""
    from lakemart.pipeline.again import backfill as backfill_slices  # noqa: PLC0415 - see run

    if first is None and last is None:
        raise ConfigError(
            "backfill wants to know which slices", next_step="Give --from, --to or both: lakemart backfill --help."
        )
    return _requested(invocation, lambda opened: backfill_slices(opened, source, first=first, last=last))


def _requested(invocation: Invocation, story: Callable[[Context], RunDocument]) -> Answer:
    from lakemart.report.run import run_summary  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        try:
            document = story(opened)
        except StoppedError as stop:
            document = _stopped(opened, stop)
    view = lambda: run_summary(document)  # noqa: E731 - made only when wanted
    return Answer(document=document.as_json(), view=view, exit_code=document.exit_code, errors=tuple(document.errors))


def status(invocation: Invocation) -> Answer:
    """How every writer stands."""
    from lakemart.pipeline.status import status as status_of  # noqa: PLC0415 - see run
    from lakemart.report.status import status_table  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        report = status_of(opened)
    return Answer(document=report.as_json(), view=lambda: status_table(report))


def books(invocation: Invocation, run_id: str | None) -> Answer:
    """The balance sheet; exit 3 when it does not balance."""
    from lakemart.pipeline.books import books as books_of  # noqa: PLC0415 - see run
    from lakemart.report.books import balance_sheet  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        document = books_of(opened, run_id)
    scope = f"of run {run_id}" if run_id else "since the beginning"
    code = document.exit_code or (0 if document.balanced else 3)
    return Answer(document=document.as_json(), view=lambda: balance_sheet(document, scope), exit_code=code)


def verify(invocation: Invocation) -> Answer:
    """What a recomputation found."""
    from lakemart.pipeline.verify import verify as verify_all  # noqa: PLC0415 - see run
    from lakemart.report.verify import verify_results  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        report = verify_all(opened)
    return Answer(
        document=report.as_json(), view=lambda: verify_results(report), exit_code=report.exit_code, errors=report.errors
    )


def maintain(invocation: Invocation, *, target: int, keep: timedelta, flags: Mapping[str, bool]) -> Answer:
    """What an upkeep did, or would do."""
    from lakemart.pipeline.maintain import Upkeep  # noqa: PLC0415 - see run
    from lakemart.pipeline.maintain import maintain as maintain_all  # noqa: PLC0415 - see run
    from lakemart.report.maintain import upkeep_summary  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        report = maintain_all(opened, Upkeep(target=target, keep=keep, **flags))
    view = lambda: upkeep_summary(report)  # noqa: E731 - made only when wanted
    return Answer(document=report.as_json(), view=view, exit_code=report.exit_code, errors=tuple(report.errors))


def quarantine(invocation: Invocation, source: str | None, export: Path | None) -> Answer:
    """The groups of rejected records, or their exact bytes in a file."""
    from lakemart.pipeline.quarantine import export_quarantine  # noqa: PLC0415 - see run
    from lakemart.pipeline.quarantine import quarantine as groups_of  # noqa: PLC0415 - see run
    from lakemart.report.quarantine import quarantine_groups  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        if export is None:
            report = groups_of(opened, source)
            return Answer(document=report.as_json(), view=lambda: quarantine_groups(report))
        with _written(export) as sink:
            count = export_quarantine(opened, source, sink)
    words = Text(f"{count:,} records written to {export}, each with a newline after it.")
    return Answer(document={"exported": count, "file": str(export)}, view=lambda: words)


@contextmanager
def _written(path: Path) -> Iterator[BinaryIO]:
    """A file that appears whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as sink:
            yield sink
        temporary.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{str(path)!r} cannot be written: {error.strerror}", next_step="Give another file."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def query(invocation: Invocation, sql: str, *, lake: bool) -> Answer:
    """The rows of one statement on the warehouse, or on the lake's tables."""
    from lakemart.cli.asking import ask_lake, ask_warehouse  # noqa: PLC0415 - see run
    from lakemart.report.rows import query_rows  # noqa: PLC0415 - see run

    with _opened(invocation) as opened:
        rows = ask_lake(opened, sql) if lake else ask_warehouse(opened, sql)
    document = {"columns": list(rows.columns), "rows": [list(row) for row in rows.rows]}
    return Answer(document=document, view=lambda: query_rows(rows.columns, rows.rows))


@contextmanager
def _opened(invocation: Invocation, project: Project | None = None) -> Iterator[Context]:
    for fault in faults():
        arm(fault)
    with context(invocation.options, invocation.run, project or load(invocation.options)) as opened:
        yield opened


def _check_name(project: Project, name: str, kind: Kind) -> None:
    """Raises ConfigError when the project has nothing of this name to do the stage for."""
    known = {
        "source": project.sources,
        "model": project.models,
        "mart": project.marts,
        "name": {**project.sources, **project.models},
    }[kind]
    if name not in known:
        what = {"name": "source or model"}.get(kind, kind)
        hint = did_you_mean(name, known)
        raise ConfigError(
            f"there is no {what} {name!r}", where=str(project.folder), next_step=hint[:1].upper() + hint[1:]
        )
