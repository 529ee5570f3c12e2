"""Two runs on one project: begun together, or one paused while the other goes on. One works, and none does it twice; signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crash.nursery import PIDS, Ended
from crash.project import land
from crash.tales import Place, late_order
from crash.workshop import Workshop, heal
from e2e.shop import THIRD, lines, order

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

TIMES = 10
LONG = 3.0
"""Seconds of a lease that a busy machine's owner still renews in time."""


def test_of_two_runs_begun_together_one_works_and_the_other_is_told_so(workshop: Workshop) -> None:
    """Ten times: one works; the other ends with 4, or finds nothing to do when it came after."""
    story = workshop.beginning("new")
    for _ in range(TIMES):
        place = workshop.copy(story)
        with ThreadPoolExecutor(2) as both:
            ends = list(both.map(lambda _, at=place: at.run(at.folder, "run", ttl=LONG), range(2)))
        first, second = sorted((end.said["document"] for end in ends), key=lambda one: one["outcome"], reverse=True)
        assert first["outcome"] == "ok", ends
        assert second["outcome"] == "nothing_to_do" or kinds(second) == ["locked"], ends
        found = place.done("evidence").said
        assert {**found, "errors": []} == {**story.after, "errors": []}
        shutil.rmtree(place.folder)


INGEST = (
    "plan.write:before",
    "plan.write:after",
    "ingest.files:after",
    "decision.write:before",
    "decision.write:after",
    "lake.commit:before",
    "lake.commit:after",
    "done.write:before",
)
PUBLISH = (
    "publish.stage:after",
    "decision.write:after",
    "warehouse.prepare:after",
    "warehouse.copy:after",
    "done.write:before",
)


@pytest.mark.parametrize("point", INGEST)
def test_a_paused_owner_that_wakes_cannot_commit_to_the_lake(workshop: Workshop, point: str) -> None:
    """SIGSTOP past the lease's time, another run takes over and goes on, SIGCONT: refused, and the content stays right."""
    place = workshop.copy(workshop.beginning("new"))
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            place.done("run")
            land(place.folder, "next.ndjson", lines(order(80), order(81, THIRD), order(1, amount=5)))
            place.done("run")
            before = evidence(place)
        assert_refused(place, ended, before)


@pytest.mark.parametrize("point", PUBLISH)
def test_a_paused_owner_that_wakes_cannot_publish(workshop: Workshop, point: str) -> None:
    """The other run has published the next number meanwhile; the mart does not go back to the paused one's."""
    place = workshop.copy(workshop.beginning("publish"))
    assert place.later is not None
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            place.done("run")
            tables = shutil.ignore_patterns("tables")
            shutil.copytree(place.later / "lake", place.folder / "lake", dirs_exist_ok=True, ignore=tables)
            late_order(place.folder)
            place.done("run")
            before = evidence(place)
        assert_refused(place, ended, before)


@pytest.mark.parametrize("point", ["decision.write:before", "lake.commit:before"])
def test_a_paused_compaction_that_wakes_cannot_commit(workshop: Workshop, point: str) -> None:
    """Rule 1 of the protocol: it is a number like any other, so that the next batch is not planned beside it."""
    place = workshop.copy(workshop.beginning("compact"))
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point, act="maintain") as ended:
            land(place.folder, "next.ndjson", lines(order(80)))
            place.done("run")
            before = evidence(place)
        assert_refused(place, ended, before)


def test_an_upkeep_leaves_every_object_of_the_ledger(workshop: Workshop) -> None:
    """Rule 9: a planner that slept must find the decision of its number, or it would put one of its own there."""
    place = workshop.copy(workshop.beginning("compact"))
    before = parts(place)
    place.done("maintain")
    place.done("rebuild")
    assert before < parts(place)
    shutil.rmtree(place.folder)


def parts(place: Place) -> set[tuple[str, bytes]]:
    ledger = place.folder / "lake" / "_ledger" / "source"
    return {(str(path.relative_to(ledger)), path.read_bytes()) for path in ledger.rglob("0*/*.json")}


def test_of_a_refused_batch_only_what_nobody_read_since_is_accepted(workshop: Workshop) -> None:
    """Rule 15: its list goes through the ledger again, and what was taken meanwhile is not taken twice."""
    place = workshop.copy(workshop.beginning("new"))
    place.done("run")
    for name in ("mended", "bad"):
        records = (order(f"{name}-{number}", amount="1.50") for number in range(20))
        land(place.folder, f"{name}.ndjson", lines(*records, order(f"{name}-good")))
    refused = place.run(place.folder, "run").said["document"]
    assert refused["outcome"] == "stopped", refused
    land(place.folder, "mended.ndjson", lines(*(order(f"mended-{number}") for number in range(21))))
    assert kinds(place.run(place.folder, "accept_refused").said["document"]) == []
    found = place.run(place.folder, "evidence").said
    place.run(place.folder, "run")
    assert kinds(place.run(place.folder, "accept_refused").said["document"]) == ["data"]
    after = place.run(place.folder, "evidence").said
    assert found["books"]["sources"]["orders"]["good"] == 6 + 1
    assert after["books"]["sources"]["orders"]["good"] == 6 + 1 + 21
    assert after["findings"] == []
    shutil.rmtree(place.folder)


STAGES = [
    ("new", "ingest.files:before"),
    ("new", "lake.commit:before"),
    ("new", "done.write:before"),
    ("publish", "publish.stage:before"),
    ("publish", "warehouse.replace:after"),
    ("publish", "warehouse.commit:after"),
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("name", "point"), STAGES, ids=str)
def test_a_signal_at_any_stage_frees_the_leases_and_the_next_run_heals(
    workshop: Workshop, name: str, point: str, number: signal.Signals
) -> None:
    story = workshop.beginning(name)
    place = workshop.copy(story)
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            os.kill(stopped(place.folder), number)
        assert ended.result(timeout=120).said["stopped"] == number.name
    for path in (place.folder / "lake" / "_ledger").rglob("lease"):
        assert json.loads(path.read_bytes())["holder"] is None, path
    heal(place, story, (point, number))
    shutil.rmtree(place.folder)


@contextmanager
def paused(owner: ThreadPoolExecutor, place: Place, point: str, act: str = "run") -> Iterator[Future[Ended]]:
    """A run that stops itself at the point, and goes on after the body; how it will end."""
    ended = owner.submit(place.run, place.folder, act, f"{point}:stop", servers=place.servers)
    process = stopped(place.folder)
    try:
        yield ended
    finally:
        os.kill(process, signal.SIGCONT)


def evidence(place: Place) -> dict[str, Any]:
    found = place.run(place.folder, "evidence", servers=place.servers).said
    assert found["findings"] == []
    return {**found, "errors": []}


def assert_refused(place: Place, ended: Future[Ended], before: dict[str, Any]) -> None:
    """The run that was paused is told that it lost its turn, and what the others left is still there."""
    document = ended.result(timeout=120).said["document"]
    assert kinds(document) == ["locked"], document
    assert place.run(place.folder, "heal", servers=place.servers).said == before
    shutil.rmtree(place.folder)


def stopped(folder: Path) -> int:
    """The one process of the project that has stopped, once it has."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        for path in (folder / PIDS).glob("*"):
            state = Path(f"/proc/{path.name}/stat")
            if state.exists() and state.read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T":
                return int(path.name)
        time.sleep(0.02)
    raise AssertionError("nothing has stopped")


def kinds(document: dict[str, Any]) -> list[str]:
    return [error["kind"] for error in document["errors"]]
