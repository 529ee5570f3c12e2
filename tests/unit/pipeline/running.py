"""Runs of one source as the state machine does them, here or in a process that is killed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from lakemart.config.source import ObjectRules, RejectLimit, Source
from lakemart.contract.table import Contract, Feed
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.ingest.request import Request
from lakemart.ingest.stage import SourceStage
from lakemart.ledger.projection import project
from lakemart.ledger.protocol import advance
from lakemart.steps import arm
from lakemart.storage.store import Location, open_store
from unit.ingest.place import column

WRITER = "source/shop"
DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
STRICT = Contract(
    table="orders",
    key=("id",),
    partition_by="day",
    columns=(column("id", "string", required=True), column("day", "date"), column("value", "int")),
)
LENIENT = replace(STRICT, columns=(*STRICT.columns[:2], column("value", "int", lenient=True)))


def source(*, lenient: bool) -> Source:
    return Source(
        name="shop",
        objects=ObjectRules(overwritten="replace"),
        feed=Feed(tables=(LENIENT if lenient else STRICT,)),
        lookback=timedelta(days=7),
        reject_limit=RejectLimit(at_least=10**6),
    )


def stage(folder: str, *, lenient: bool, request: Request | None = None) -> SourceStage:
    return SourceStage(
        source=source(lenient=lenient),
        raw=Location(uri=f"{folder}/raw"),
        lake=Location(uri=f"{folder}/lake"),
        engine=Engine(EngineSettings()),
        run="r",
        now=datetime.now(UTC),
        inline_below=10**12,
        task_size=60,  # several tasks
        request=request,
    )


def work(folder: str, *, lenient: bool, request: Request | None, fault: str | None = None) -> None:
    """A run: an open number first, then what is asked for, or what is new; then the ledger's tables."""
    if fault is not None:
        arm(fault)
    lake = Location(uri=f"{folder}/lake")
    wanted = stage(folder, lenient=lenient, request=request)
    while (record := advance(open_store(lake), wanted, run="r", at="now")) is not None:
        if request is not None and record.plan["kind"] == request.kind:
            break
    project(lake, [WRITER])


def killed(folder: str, lenient: bool, request: Request | None, fault: str) -> None:  # noqa: FBT001 - of a process
    """As `work`, in a process that the fault kills."""
    work(folder, lenient=lenient, request=request, fault=fault)
