"""Two runs on one project: begun together, or one paused while the other goes on. One works, and nothing is done twice."""

from __future__ import annotations

import os
import shutil
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from crash.nursery import PIDS, Ended
from crash.project import land
from crash.tales import Place, late_order
from crash.workshop import Workshop
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
        paused = pause(owner, place, point)
        place.done("run")
        land(place.folder, "next.ndjson", lines(order(80), order(81, THIRD), order(1, amount=5)))
        place.done("run")
        assert_refused(place, *paused)


@pytest.mark.parametrize("point", PUBLISH)
def test_a_paused_owner_that_wakes_cannot_publish(workshop: Workshop, point: str) -> None:
    """The other run has published the next number meanwhile; the mart does not go back to the paused one's."""
    place = workshop.copy(workshop.beginning("publish"))
    assert place.later is not None
    with ThreadPoolExecutor(1) as owner:
        paused = pause(owner, place, point)
        place.done("run")
        tables = shutil.ignore_patterns("tables")
        shutil.copytree(place.later / "lake", place.folder / "lake", dirs_exist_ok=True, ignore=tables)
        late_order(place.folder)
        place.done("run")
        assert_refused(place, *paused)


def pause(owner: ThreadPoolExecutor, place: Place, point: str) -> tuple[int, Future[Ended]]:
    """A run that stops itself at the point; its process and how it will end."""
    ended = owner.submit(place.run, place.folder, "run", f"{point}:stop", servers=place.servers)
    return stopped(place.folder), ended


def assert_refused(place: Place, process: int, ended: Future[Ended]) -> None:
    """The paused run is told that it lost its turn, and what the others left is still there."""
    before = place.run(place.folder, "evidence", servers=place.servers).said
    assert before["findings"] == []
    os.kill(process, signal.SIGCONT)
    document = ended.result(timeout=120).said["document"]
    assert kinds(document) == ["locked"], document
    assert place.run(place.folder, "heal", servers=place.servers).said == {**before, "errors": []}
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
