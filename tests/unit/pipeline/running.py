"""Runs of one source as the state machine does them, here or in a process that is killed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from lakemart.config.load import load_project
from lakemart.config.project import Project
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.pipeline.accept import accept
from lakemart.pipeline.again import backfill, replay
from lakemart.pipeline.context import Context, Run
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.maintained import MaintainReport
from lakemart.pipeline.stories import Scope, StageName, run
from lakemart.steps import arm
from lakemart.storage.store import Location

WRITER = "source/shop"
DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")

STAGES: tuple[StageName, ...] = ("ingest",)
INGEST = Scope(stages=STAGES)

PROJECT = """\
project: shop
raw: raw
lake: lake
"""

SOURCE = """\
source: shop
objects: {{prefix: "{prefix}", overwritten: {overwritten}}}
table: orders
key: [id]
lookback: 7 days
partition_by: day
reject_limit: {limit}
unknown_fields: ignore
columns:
  id:    {{path: id, type: string, required: true}}
  day:   {{path: day, type: date}}
  value: {{path: value, type: int, lenient: {lenient}}}
"""

DATED = "{yyyy}/{MM}/{dd}/"

OF_A_BATCH = "all of it"
"""The reason for which a refused batch is accepted."""

Act = tuple[str, ...]
"""What is done: `run`, `replay`, `backfill` with two days, `maintain` (at once, or for readers), `accept` with a target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The source as its author wants it. `limit` None: any number of rejects."""

    overwritten: str = "replace"
    dated: bool = False
    lenient: bool = False
    limit: int | None = None


def write_project(folder: str, rules: Rules) -> None:
    """The project as its author has it now."""
    root = Path(folder)
    for name in ("raw", "sources"):
        (root / name).mkdir(exist_ok=True)
    (root / "project.yaml").write_text(PROJECT, encoding="utf-8")
    source = SOURCE.format(
        prefix=DATED if rules.dated else "",
        overwritten=rules.overwritten,
        limit="100%" if rules.limit is None else rules.limit,
        lenient=str(rules.lenient).lower(),
    )
    (root / "sources" / "shop.yaml").write_text(source, encoding="utf-8")


def work(folder: str, act: Act, fault: str | None = None) -> RunDocument | MaintainReport:
    """Does one act as the command would, without servers; what an earlier one left open is finished first by it."""
    context = opened(folder)
    if fault is not None:
        arm(fault)
    word, *given = act
    if word == "run":
        return run(context, INGEST)
    if word == "replay":
        return replay(context, "shop")
    if word == "backfill":
        return backfill(context, None, first=given[0], last=given[1])
    if word == "accept":
        return accept(context, given[0], OF_A_BATCH if given[0].startswith("shop/") else "so it is")
    if given == ["at once"]:
        return maintain(context, Upkeep(keep=timedelta(), no_readers=True))
    return maintain(context, Upkeep(keep=timedelta(days=1)))


def opened(folder: str, engine: Engine | None = None) -> Context:
    """A run of the project. Its tasks are small, so that there are several; its leases are taken over at once."""
    files = tuple(path.read_bytes() for path in sorted(Path(folder).glob("*/*.yaml")))
    return Context(
        project=_loaded(folder, files),
        run=Run(id=f"r{uuid.uuid4().hex}", at=datetime.now(UTC), user="u", host="h"),
        lake=Location(uri=f"{folder}/lake"),
        raw=Location(uri=f"{folder}/raw"),
        engine=engine or Engine(EngineSettings()),
        staging=_nowhere,
        warehouse=_nowhere,
        wait=None,
    )


@lru_cache(maxsize=16)
def _loaded(folder: str, _files: tuple[bytes, ...]) -> Project:
    """The project, read once as long as its files are the same."""
    project = load_project(Path(folder), env="local", state=Path(folder) / "state")
    return replace(
        project,
        lease=replace(project.lease, ttl=timedelta(milliseconds=20)),
        engine=replace(project.engine, task_size=60),
    )


def _nowhere() -> Any:
    raise AssertionError("nothing is published here")
