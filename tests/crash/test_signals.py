"""Signals to a run that is at work, or hangs, in any of its stages: it gives way cleanly, or is gone; the next run heals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from crash.acts import HUNG
from crash.evidence import Evidence, evidence
from crash.nursery import Ended
from crash.tales import Place
from crash.workshop import Workshop, heal
from e2e.driving import Project

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]

FOREVER = 3600.0
PATIENCE = 120.0
"""Seconds for a run to come to its point, on a busy machine too."""

RELEASE = "lease.release:before"

POINTS = [
    ("new", "lease.take:after"),
    ("new", "ingest.files:before"),
    ("new", "lake.commit:before"),
    ("new", "done.write:before"),
    ("new", RELEASE),
    ("build again", "build.files:before"),
    ("build again", "lake.commit:after"),
    ("build again", "done.write:before"),
    ("publish", "publish.stage:before"),
    ("publish", "warehouse.replace:after"),
    ("publish", "warehouse.commit:after"),
]
AMID = [
    ("new", "ingest.files:after"),
    ("new", "lake.commit:before"),
    ("build again", "build.files:after"),
    ("publish", "warehouse.copy:before"),
    ("publish", "warehouse.commit:before"),
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("name", "point"), POINTS, ids=str)
def test_a_signal_at_any_stage_frees_the_leases_and_the_next_run_heals(
    workshop: Workshop, name: str, point: str, number: signal.Signals
) -> None:
    """The run hangs at the point: what ends it is the signal, and nothing else would."""
    story = workshop.beginning(name)
    place = workshop.copy(story)
    with ThreadPoolExecutor(1) as owner:
        process, ended = hung(owner, place, point)
        os.kill(process, number)
        assert ended.result(timeout=PATIENCE).said.get("stopped") == number.name
    assert holders(place.folder / "lake") == []
    heal(place, story, (point, number))
    shutil.rmtree(place.folder)


@pytest.mark.parametrize(("name", "point"), AMID, ids=str)
def test_a_second_signal_ends_a_run_at_once_and_the_next_run_heals(workshop: Workshop, name: str, point: str) -> None:
    """The first one has the run give its leases back, which hangs, too."""
    story = workshop.beginning(name)
    place = workshop.copy(story)
    with ThreadPoolExecutor(1) as owner:
        process, ended = hung(owner, place, point, RELEASE)
        os.kill(process, signal.SIGTERM)
        until_it_hangs(place, ended, times=2)
        os.kill(process, signal.SIGINT)
        assert ended.result(timeout=PATIENCE).signal == signal.SIGINT
    heal(place, story, (point, "twice"))
    shutil.rmtree(place.folder)


@pytest.mark.parametrize(("name", "point"), AMID, ids=str)
def test_a_run_that_hangs_and_is_killed_is_healed_by_the_next_one(workshop: Workshop, name: str, point: str) -> None:
    """Its lease was renewed all the while; the next run has watched it die before it goes on."""
    story = workshop.beginning(name)
    place = workshop.copy(story)
    with ThreadPoolExecutor(1) as owner:
        process, ended = hung(owner, place, point)
        os.kill(process, signal.SIGKILL)
        assert ended.result(timeout=PATIENCE).signal == signal.SIGKILL
    assert holders(place.folder / "lake") != []
    heal(place, story, (point, "hung and killed"))
    shutil.rmtree(place.folder)


@pytest.mark.e2e
@pytest.mark.spark
def test_the_command_stopped_in_its_build_and_in_its_publish_ends_with_5_and_then_goes_through(
    shop: Project, undisturbed: Evidence
) -> None:
    stop_at(shop, "build.files:before", "model/daily", signal.SIGINT)
    stop_at(shop, "warehouse.copy:before", "mart/daily", signal.SIGTERM)
    assert shop.ok("run")["outcome"] == "ok"
    assert evidence(shop) == undisturbed


def stop_at(project: Project, point: str, writer: str, number: signal.Signals) -> None:
    """Stops a run that would hang at the point, once it has planned the writer's number."""
    with subprocess.Popen(
        project.command("--json", "run"),
        env=project.environment(f"{point}:hang"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        until = time.monotonic() + PATIENCE
        while not list((project.lake / "_ledger" / writer).glob("*/plan.json")):
            assert run.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        run.send_signal(number)
        stdout, _ = run.communicate(timeout=PATIENCE)
    [error] = json.loads(stdout)["errors"]
    assert (run.returncode, error["message"]) == (5, f"stopped by {number.name}")
    assert holders(project.lake) == []


def hung(owner: ThreadPoolExecutor, place: Place, *points: str) -> tuple[int, Future[Ended]]:
    """The process of a run that hangs at the first of the points for good, and how it will end."""
    ended = owner.submit(place.does, "run", *(f"{point}:hang" for point in points), hang=FOREVER)
    return until_it_hangs(place, ended, times=1), ended


def until_it_hangs(place: Place, ended: Future[Ended], *, times: int) -> int:
    """The process that hangs, once it has done so as many times."""
    said = place.folder / HUNG
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lines = said.read_text(encoding="utf-8").splitlines() if said.exists() else []
        if len(lines) == times:
            return int(lines[-1])
        assert not ended.done(), ended.result()
        time.sleep(0.02)
    raise AssertionError("the run did not come to its point")


def holders(lake: Path) -> list[str]:
    """Who holds leases."""
    found = [json.loads(path.read_bytes())["holder"] for path in (lake / "_ledger").rglob("lease")]
    assert found
    return [holder for holder in found if holder is not None]
