"""A run, told from above: take the leases, ingest the sources, build the models, publish the marts, close the books.

A failure of one source, model or mart stops that one; the others go on, and the document says what happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import structlog

from lakemart.config.model import Model
from lakemart.config.source import Source
from lakemart.errors import DataError, LakemartError
from lakemart.ingest.planning import NAMED
from lakemart.ingest.request import Request
from lakemart.ingest.stage import SourceStage
from lakemart.ledger.projection import project
from lakemart.ledger.protocol import Stage, advance
from lakemart.ledger.records import Record
from lakemart.ledger.runs import last_run, project_runs, record_run
from lakemart.models.graph import ordered
from lakemart.models.slices import Restriction
from lakemart.models.stage import failure_of
from lakemart.pipeline.books import enter
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import SOURCE_COUNTS, MartLine, ModelLine, RunDocument
from lakemart.pipeline.stages import mart_stage, model_stage, source_stage
from lakemart.pipeline.tending import TENDING, tended
from lakemart.storage.lease import leases

StageName = Literal["ingest", "build", "publish"]
ALL_STAGES: tuple[StageName, ...] = ("ingest", "build", "publish")

_REPLANS = 3
"""How often in a row a plan whose inputs are gone is made anew before the run leaves it to the next one."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What of a project a run is about: which stages, which names (None: all), which slices (None: whatever is due).

    `again`: marts are published whole, whatever is due.
    """

    stages: Collection[StageName] = ALL_STAGES
    only: Collection[str] | None = None
    slices: Restriction = field(default_factory=Restriction)
    again: bool = False

    def has(self, stage: StageName, name: str) -> bool:
        """Whether the stage of this source or model is in scope."""
        return stage in self.stages and (self.only is None or name in self.only)


def run(context: Context, scope: Scope) -> RunDocument:
    """Does whatever is due in the scope and returns the document of it; what goes wrong stands in the document.

    Safe to run at any time and twice: what an earlier run left open is finished first, and what is done is not done
    again.
    """

    def ingest(document: RunDocument) -> None:
        for name, source in context.project.sources.items():
            if scope.has("ingest", name):
                _ingest(context, source, document)

    return _told(context, scope, ingest)


def run_requests(context: Context, requests: Callable[[], Sequence[tuple[Source, Request]]]) -> RunDocument:
    """Does what a person asked of sources, and no other ingest; then builds and publishes whatever is due for it.

    `requests` is asked under the leases; what it raises stops the run.
    """

    def ingest(document: RunDocument) -> None:
        for source, request in requests():
            document.sources[source.name] = dict.fromkeys(SOURCE_COUNTS, 0)
            try:
                _advance_source(context, source_stage(context, source, document, request), document)
            except LakemartError as error:
                document.tell(error)

    return run_word(context, ingest)


def run_word(context: Context, act: Callable[[RunDocument], None]) -> RunDocument:
    """Does `act` under the leases, then builds and publishes whatever is due; what goes wrong stands in the document."""
    return _told(context, Scope(stages=("build", "publish")), act)


def _told(context: Context, scope: Scope, ingest: Callable[[RunDocument], None]) -> RunDocument:
    """The frame of every run: leases around it, the ledger's tables brought up to date before and after, its document kept."""
    document = RunDocument(run=context.run.id)
    began = time.monotonic()
    try:
        with leases(context.store, context.writers, context.holder, wait=context.wait):
            projected = project(context.lake, context.writers)
            project_runs(context.lake)
            ingest(document)
            _build_and_publish(context, scope, document)
            project(context.lake, context.writers, projected)
    except LakemartError as error:
        document.tell(error)
    document.seconds = time.monotonic() - began
    _keep(context, document)
    return document


def _build_and_publish(context: Context, scope: Scope, document: RunDocument) -> None:
    for name in ordered(context.project.models, tables=context.source_tables()):
        if scope.has("build", name):
            _build(context, context.project.models[name], scope, document)
    for name, model in context.project.marts.items():
        if scope.has("publish", name):
            _publish(context, model, document, again=scope.again)


def _keep(context: Context, document: RunDocument) -> None:
    """Leaves the document in the ledger; a lake that cannot take it now fails no run."""
    by = f"{context.run.user} on {context.run.host}"
    with suppress(LakemartError):
        if document.outcome == "nothing_to_do":
            before = last_run(context.store)
            if before is None or not before["document"]["errors"]:
                return
        record_run(context.store, document.as_json(), at=context.run.stamp, by=by, exit_code=document.exit_code)


def _ingest(context: Context, source: Source, document: RunDocument) -> None:
    document.sources[source.name] = dict.fromkeys(SOURCE_COUNTS, 0)
    stage = source_stage(context, source, document)
    _finish(context, stage, document, partial(_enter_source, document, source.name))
    document.sources[source.name]["left"] = stage.turn.left


def _advance_source(context: Context, stage: SourceStage, document: RunDocument) -> None:
    """Finishes an open batch of the source, then does the one that the stage's request asks for, and no more."""
    wanted = stage.request.kind if stage.request is not None else None
    while (
        record := advance(context.store, tended(context, stage), run=context.run.id, at=context.run.stamp)
    ) is not None:
        _enter_source(document, stage.source.name, record)
        if record.plan["kind"] == wanted and record.plan["run"] == context.run.id:
            if record.refused:
                document.tell(_refusal(stage.writer, record))
            return


def _enter_source(document: RunDocument, name: str, record: Record) -> None:
    """A batch's books, summed into the source's line; each object that could not be read well is told as an error."""
    enter(document, "source", name, record)
    damaged = [item for item in (record.decision or {}).get("objects", ()) if item["status"] == "damaged"]
    told = [f"object {item['key']!r} is damaged: {item['reason']}" for item in damaged[:NAMED]]
    if len(damaged) > NAMED:
        told.append(f"{len(damaged) - NAMED} more object(s) are damaged; the ledger's table `objects` names them")
    for what in told:
        document.tell(
            DataError(
                what,
                where=f"source {name}, batch {record.number}",
                next_step="No record of it was taken. Replace the object and run again.",
            )
        )


def _build(context: Context, model: Model, scope: Scope, document: RunDocument) -> None:
    document.models[model.name] = ModelLine()
    stage = model_stage(context, model, scope.slices)
    _finish(context, stage, document, partial(enter, document, "model", model.name))


def _publish(context: Context, model: Model, document: RunDocument, *, again: bool) -> None:
    document.marts[model.name] = MartLine()
    stage = mart_stage(context, model, again=again)
    _finish(context, stage, document, partial(enter, document, "mart", model.name))


def _finish(context: Context, stage: Stage, document: RunDocument, enter: Callable[[Record], None]) -> None:
    """Advances the stage's writer until nothing is due; a refusal or an error ends it for this run."""
    replans = 0
    try:
        while (
            record := advance(context.store, tended(context, stage), run=context.run.id, at=context.run.stamp)
        ) is not None:
            enter(record)
            log.info(
                "number closed", run=context.run.id, writer=stage.writer, number=record.number, refused=record.refused
            )
            if not record.refused:
                replans = 0
                continue
            replans += 1
            if record.stops or replans > _REPLANS:
                document.tell(_refusal(stage.writer, record))
                return
    except LakemartError as error:
        log.warning("writer stopped", run=context.run.id, writer=stage.writer, error=str(error))
        document.tell(error)


def _refusal(writer: str, record: Record) -> LakemartError:
    """The error a refused number stands for; a model's may be the project's fault rather than the data's."""
    kind, _, name = writer.partition("/")
    source = name if kind == "source" and record.plan.get("kind") not in TENDING else None
    told = failure_of(record) if writer.startswith("model/") else None
    return told or DataError(
        "; ".join(record.reasons),
        where=f"{writer.replace('/', ' ')}, number {record.number}",
        next_step="Nothing of it was published. Mend the data, the contract or the model, and run again"
        + (f'; or take it as it is: `lakemart accept {source}/{record.number} --reason "…"`.' if source else "."),
    )
