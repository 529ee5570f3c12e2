"""Two runs on one project: begun together, or one paused while the other goes on. One works, and none does it twice; signals."""

from __future__ import annotations

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
from crash.project import Servers, land
from crash.tales import Place, late_order
from crash.workshop import Workshop
from e2e.shop import THIRD, lines, order
from lakemart.publish.client import query
from lakemart.publish.warehouse import Tag, WarehouseTarget

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


def gone_on(place: Place) -> dict[str, Any]:
    """Another run finishes what is open and takes a further object; the evidence of all of it."""
    place.done("run")
    land(place.folder, "next.ndjson", lines(order(80), order(81, THIRD), order(1, amount=5)))
    place.done("run")
    return evidence(place)


def published_on(place: Place) -> dict[str, Any]:
    """Another run finishes what is open and publishes the next number; the evidence of all of it."""
    assert place.later is not None
    place.done("run")
    tables = shutil.ignore_patterns("tables")
    shutil.copytree(place.later / "lake", place.folder / "lake", dirs_exist_ok=True, ignore=tables)
    late_order(place.folder)
    place.done("run")
    return evidence(place)


@pytest.mark.parametrize("point", INGEST)
def test_a_paused_owner_that_wakes_cannot_commit_to_the_lake(workshop: Workshop, point: str) -> None:
    """SIGSTOP past the lease's time, another run takes over and goes on, SIGCONT: refused, and the content stays right."""
    place = workshop.copy(workshop.beginning("new"))
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            before = gone_on(place)
        assert_refused(place, ended, before)


@pytest.mark.parametrize("point", PUBLISH)
def test_a_paused_owner_that_wakes_cannot_publish(workshop: Workshop, point: str) -> None:
    """The other run has published the next number meanwhile; the mart does not go back to the paused one's."""
    place = workshop.copy(workshop.beginning("publish"))
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            before = published_on(place)
        assert_refused(place, ended, before)


IN_TRANSACTION = ("warehouse.replace:after", "warehouse.commit:before")


@pytest.mark.parametrize("point", IN_TRANSACTION)
def test_an_owner_paused_in_its_transaction_is_waited_for_within_bounds_and_loads_once_when_it_wakes(
    workshop: Workshop, point: str
) -> None:
    """Its session lives on and holds the lock: the other run ends with 5, and both would load the same number."""
    story = workshop.beginning("publish")
    place = workshop.copy(story)
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            document = place.run(place.folder, "run", servers=place.servers).said["document"]
            assert kinds(document) == ["transient"], document
            assert "another session holds the lock on" in document["errors"][0]["message"]
            assert place.servers is not None
            assert readers_see(place.servers) == 0
        document = ended.result(timeout=120).said["document"]
    assert kinds(document) == [], document
    assert document["outcome"] == "ok"
    assert evidence(place) == {**story.after, "errors": []}
    assert place.run(place.folder, "run", servers=place.servers).said["document"]["outcome"] == "nothing_to_do"
    shutil.rmtree(place.folder)


@pytest.mark.parametrize("point", IN_TRANSACTION)
def test_an_owner_whose_session_ended_while_it_was_paused_cannot_publish(workshop: Workshop, point: str) -> None:
    """The warehouse has ended the session, by its own timeout or by hand: rolled back, and another run has gone on."""
    place = workshop.copy(workshop.beginning("publish"))
    assert place.servers is not None
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, point) as ended:
            end_sessions(place.servers)
            before = published_on(place)
        assert_refused(place, ended, before)


@pytest.mark.parametrize("point", ["lease.renew:before", "lease.renew:after"])
def test_an_owner_paused_amid_the_renewal_of_its_lease_has_lost_its_turn(workshop: Workshop, point: str) -> None:
    """Whether the renewal was written or not: another run has watched it for its time and has gone on."""
    place = workshop.copy(workshop.beginning("new"))
    with ThreadPoolExecutor(1) as owner:
        with paused(owner, place, "plan.write:before:hang", point) as ended:
            before = gone_on(place)
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


@contextmanager
def paused(owner: ThreadPoolExecutor, place: Place, *points: str, act: str = "run") -> Iterator[Future[Ended]]:
    """A run that stops itself at the point, and goes on after the body; how it will end. Of several the last is it."""
    faults = (*points[:-1], f"{points[-1]}:stop")
    ended = owner.submit(place.run, place.folder, act, *faults, servers=place.servers)
    process = stopped(place.folder)
    try:
        yield ended
    finally:
        os.kill(process, signal.SIGCONT)


def readers_see(servers: Servers) -> int:
    """How many rows of the mart everybody sees; the loads table is locked, the mart never."""
    target = WarehouseTarget.of(servers.warehouse)
    tag = Tag(version="1", project="shop", model="", run="reader", user="reader")
    return int(query(target, tag, f"SELECT count(*) FROM {servers.schema}.daily")[1][0][0])


def end_sessions(servers: Servers) -> None:
    """Ends all sessions of the warehouse but the one that does it."""
    target = WarehouseTarget.of(servers.warehouse)
    tag = Tag(version="1", project="shop", model="", run="admin", user="admin")
    query(target, tag, "SELECT pg_terminate_backend(process) FROM stv_sessions WHERE process <> pg_backend_pid()")


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
