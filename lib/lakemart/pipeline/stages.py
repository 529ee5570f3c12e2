"""The stages of a run: each writer's, made from the project and the run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from lakemart.config.model import Model
from lakemart.config.secrets import resolve
from lakemart.config.source import Source
from lakemart.errors import InternalError
from lakemart.ingest.request import Request
from lakemart.ingest.stage import SourceStage
from lakemart.ledger.protocol import Stage
from lakemart.models.slices import Restriction
from lakemart.models.stage import ModelStage
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.publish.stage import MartStage

_INLINE_UNLOADS = 8
"""Up to this many files an unload is done in the driver; each is some 64 MB or more, or the whole of a small mart."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def source_stage(
    context: Context, source: Source, document: RunDocument, request: Request | None = None
) -> SourceStage:
    """The stage that ingests a source in this run; what is wrong with single objects is told to the document."""
    return SourceStage(
        source=source,
        raw=context.raw,
        lake=context.lake,
        engine=context.engine,
        run=context.run.id,
        now=context.run.at,
        inline_below=context.project.engine.inline_below,
        task_size=context.project.engine.task_size,
        pii_key=resolve(source.pii_key).reveal().encode() if source.pii_key else None,
        progress=partial(context.progress, f"ingest {source.name}"),
        tell=document.tell,
        request=request,
    )


def model_stage(context: Context, model: Model, restriction: Restriction) -> ModelStage:
    """The stage that builds a model in this run, the slices that the restriction admits."""
    return ModelStage(
        model=model,
        lake=context.lake,
        store=context.store,
        engine=context.engine,
        writers=context.table_writers(),
        run=context.run.id,
        restriction=restriction,
    )


def mart_stage(context: Context, model: Model, *, again: bool = False) -> MartStage:
    """The stage that publishes a mart in this run; `again`: all of it, whatever is due."""
    return MartStage(
        model=model,
        project=context.project.name,
        lake=context.lake,
        staging=context.staging,
        warehouse=context.warehouse,
        run=context.run.id,
        user=context.run.user,
        runner=partial(_unload, context, model.name),
        again=again,
    )


def stage_of(context: Context, writer: str, document: RunDocument) -> Stage:
    """The stage of a writer of the project."""
    kind, _, name = writer.partition("/")
    if kind == "source":
        return source_stage(context, context.project.sources[name], document)
    if kind == "model":
        return model_stage(context, context.project.models[name], Restriction())
    if kind == "mart":
        return mart_stage(context, context.project.marts[name])
    raise InternalError(f"{writer!r} is no writer")


def _unload(context: Context, mart: str, work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """Runs the tasks of an unload: a few in the driver, many on Spark."""
    inline = len(tasks) <= _INLINE_UNLOADS
    return context.engine.run(work, tasks, inline=inline, description=f"unload {mart}", progress=None)
