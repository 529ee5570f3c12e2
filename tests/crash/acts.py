"""What a process of a fault test is told to do, and what it says of it. Runs in a forked child, which a fault may kill."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from deltalake import DeltaTable

from crash.hearth import join
from crash.project import TTL, content, mart, opened, servers_of
from lakemart import steps
from lakemart.cli.stopping import StoppedError, stoppable
from lakemart.errors import LakemartError
from lakemart.ledger import records
from lakemart.pipeline.accept import accept
from lakemart.pipeline.again import backfill, replay
from lakemart.pipeline.books import books
from lakemart.pipeline.context import Context
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.stories import Scope, run
from lakemart.pipeline.verify import verify
from lakemart.publish import lock
from lakemart.storage import lease
from lakemart.storage.opening import open_store

LOCK_SECONDS = 3
"""How long a run here waits for the lock of another that was paused while it held it."""

HANG_SECONDS = 0.5
"""How long `hang` lasts here, unless the order says otherwise: several renewals of a lease."""

HUNG = "hung"
"""Beside the project: a line for each time that a process hangs, its id."""

ACTS: dict[str, Callable[[Context], Any]] = {
    "run": lambda context: run(context, Scope()),
    "ingest": lambda context: run(context, Scope(stages=("ingest",))),
    "build": lambda context: run(context, Scope(stages=("ingest", "build"))),
    "replay": lambda context: replay(context, "orders"),
    "backfill": lambda context: backfill(context, None, first="2024-05-01", last=None),
    "accept": lambda context: accept(context, "orders/damaged.ndjson.gz", "what can be read is wanted"),
    "accept_refused": lambda context: accept(context, "orders/2", "the strings are known"),
    "adopt": lambda context: accept(context, "orders", "we know who did it"),
    "adopt_quarantine": lambda context: accept(context, "orders_quarantine", "we know who did it"),
    "maintain": lambda context: maintain(context, Upkeep(keep=timedelta(days=2))),
    "rebuild": lambda context: maintain(context, Upkeep(rebuild_ledger=True)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a child is to do: an act of the list under faults, `heal`, `evidence`, or `vandal TABLE WHERE`.

    `record` asks for the steps that the act passes; `spark` is the place of a kept Spark to be joined.
    """

    folder: str
    act: str
    faults: tuple[str, ...] = ()
    servers: dict[str, Any] | None = None
    record: bool = False
    ttl: float = TTL
    hang: float = HANG_SECONDS
    spark: dict[str, str] | None = None


@dataclass(slots=True)
class Passes:
    """Counts the passes of each step."""

    counts: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)

    def fire(self, name: str, when: str) -> None:
        if when == "before" and threading.current_thread() is threading.main_thread():
            self.counts[name] += 1
            self.order.append(f"{name}:{self.counts[name]}")


def obey(order: Order) -> dict[str, Any]:
    """Does what is ordered; what it says is plain JSON."""
    folder = Path(order.folder)
    if order.spark is not None:
        join(order.spark)
    if order.act == "evidence":
        return evidence(folder, order.servers)
    if order.act == "heal":
        return healed(folder, order.servers)
    if order.act.startswith("vandal "):
        table, _, where = order.act.removeprefix("vandal ").partition(" ")
        DeltaTable(str(folder / "lake" / table)).delete(where)
        return {}
    passes = Passes()
    for fault in order.faults:
        steps.arm(fault)
    if order.record:
        steps.arm("lease.take:before:hang:1000000")
        steps._fire = passes.fire  # type: ignore[assignment]
    steps.time = SimpleNamespace(sleep=functools.partial(hang, folder, order.hang))  # type: ignore[assignment]
    if any(fault.endswith(":stop") and not fault.startswith("lease.renew") for fault in order.faults):
        # A process stopped amid a renewal keeps the local store's lock on the lease's folder, and stops all others.
        lease._RENEWALS = 1 / 1000  # type: ignore[assignment]
    lock.LOCK_SECONDS = LOCK_SECONDS
    context = opened(folder, servers_of(order.servers), order.ttl)
    try:
        with context.engine, stoppable():
            document = ACTS[order.act](context).as_json()
    except StoppedError as stop:
        return {"stopped": stop.name, "passes": passes.order}
    except (RuntimeError, LakemartError) as error:
        return {"raised": repr(error), "passes": passes.order}
    return {"document": document, "passes": passes.order}


def warm(servers: Mapping[str, Any] | None) -> None:
    """Makes what this process's children would each make anew: the client of S3, which has no connection yet."""
    found = servers_of(servers)
    if found is not None:
        open_store(found.staging)


def hang(folder: Path, seconds: float, _: float) -> None:
    """Hangs, and says so."""
    with (folder / HUNG).open("a", encoding="utf-8") as said:
        said.write(f"{os.getpid()}\n")
    time.sleep(seconds)


def healed(folder: Path, servers: dict[str, Any] | None) -> dict[str, Any]:
    """One plain run, and what is there after it."""
    context = opened(folder, servers_of(servers))
    with context.engine:
        document = run(context, Scope()).as_json()
    return {**evidence(folder, servers), "errors": document["errors"]}


def evidence(folder: Path, servers: dict[str, Any] | None) -> dict[str, Any]:
    """All that two undisturbed runs have alike: tables, mart, books; and what a check of it all finds."""
    context = opened(folder, servers_of(servers))
    sheet = books(context).as_json()
    found = verify(context).as_json()
    heads = {writer: records.head(context.store, writer) for writer in context.writers}
    published = servers_of(servers)
    return {
        "tables": content(folder),
        "mart": mart(published) if published is not None and (heads.get("mart/daily") is not None) else [],
        "books": {name: sheet[name] for name in ("sources", "models", "marts", "balanced")},
        "numbers": {writer: 0 if head is None else head.number for writer, head in heads.items()},
        "findings": [one for one in found["checked"] if one["findings"]] + found["errors"],
    }
