"""Runs of one source as the state machine does them, here or in a process that is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lakemart.config.load import load_project
from lakemart.config.project import Project
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.pipeline.again import backfill, replay
from lakemart.pipeline.context import Context, Run
from lakemart.pipeline.maintain import Upkeep, maintain
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
objects: {overwritten: replace}
table: orders
key: [id]
lookback: 7 days
partition_by: day
reject_limit: 100%
unknown_fields: ignore
columns:
  id:    {path: id, type: string, required: true}
  day:   {path: day, type: date}
  value: {path: value, type: int, lenient: LENIENT}
"""

Act = tuple[str, ...]
"""What is done: `run`, `replay`, `backfill` with two days, `maintain`."""


def write_project(folder: str, *, lenient: bool) -> None:
    """The project as its author has it now."""
    root = Path(folder)
    for name in ("raw", "sources"):
        (root / name).mkdir(exist_ok=True)
    (root / "project.yaml").write_text(PROJECT, encoding="utf-8")
    (root / "sources" / "shop.yaml").write_text(SOURCE.replace("LENIENT", str(lenient).lower()), encoding="utf-8")


def work(folder: str, act: Act, fault: str | None = None) -> None:
    """Does one act as the command would, without servers; what an earlier one left open is finished first by it."""
    context = opened(folder)
    if fault is not None:
        arm(fault)
    word, *given = act
    if word == "run":
        run(context, INGEST)
    elif word == "replay":
        replay(context, "shop")
    elif word == "backfill":
        backfill(context, None, first=given[0], last=given[1])
    else:
        maintain(context, Upkeep(keep=timedelta(), no_readers=True))


def opened(folder: str) -> Context:
    """A run of the project. Its tasks are small, so that there are several; its leases are taken over at once."""
    project: Project = load_project(Path(folder), env="local", state=Path(folder) / "state")
    quick = replace(
        project,
        lease=replace(project.lease, ttl=timedelta(milliseconds=20)),
        engine=replace(project.engine, task_size=60),
    )
    return Context(
        project=quick,
        run=Run(id="r", at=datetime.now(UTC), user="u", host="h"),
        lake=Location(uri=f"{folder}/lake"),
        raw=Location(uri=f"{folder}/raw"),
        engine=Engine(EngineSettings()),
        staging=_nowhere,
        warehouse=_nowhere,
        wait=None,
    )


def _nowhere() -> Any:
    raise AssertionError("nothing is published here")
