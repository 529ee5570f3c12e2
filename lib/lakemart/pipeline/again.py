"""Reading again what was read before: the quarantine under today's contract, or slices from raw."""

from __future__ import annotations

from lakemart.config.source import Source
from lakemart.errors import ConfigError
from lakemart.ingest.request import Backfill, Replay
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stories import run_requests


def replay(context: Context, name: str) -> RunDocument:
    """Decodes the open quarantine of a source under today's contract, then builds and publishes what is due for it.

    Each record lands once and is marked resolved; what is rejected again stays open. A repeat finds only that. Raises
    ConfigError for a source the project does not have.
    """
    source = _source(context, name)
    return run_requests(context, lambda: [(source, Replay())])


def backfill(context: Context, name: str | None, *, first: str | None, last: str | None) -> RunDocument:
    """Reads every object again that has records in the slices from `first` to `last`, of one source or of all.

    Its rows take the place of its former ones, in every slice they lie in; the content is the same unless the contract
    or the objects changed. Models and marts of the touched slices are made again. An object that is gone or changed
    keeps its rows. Raises ConfigError for a source the project does not have.
    """
    sources = list(context.project.sources.values()) if name is None else [_source(context, name)]
    return run_requests(context, lambda: [(source, Backfill(first=first, last=last)) for source in sources])


def _source(context: Context, name: str) -> Source:
    sources = context.project.sources
    if name not in sources:
        raise ConfigError(
            f"there is no source {name!r}", next_step=f"The project has {', '.join(sources) or 'no sources'}."
        )
    return sources[name]
