"""Every step of the registry, killed after it or before it, in the stage it belongs to; the next command heals it.

These need no Spark: an ingest of a small batch runs in the command itself, and a publish reads Parquet.
"""

from __future__ import annotations

import pytest

from crash.evidence import Evidence, evidence, hashes
from crash.test_killed_runs import killed
from e2e.driving import Project
from lakemart.steps import STEPS

pytestmark = [pytest.mark.e2e, pytest.mark.crash, pytest.mark.timeout(600)]

INGEST = [
    "lease.take:after:kill",
    "plan.write:before:kill",
    "ingest.files:before:kill",
    "ingest.files:before:hang,lease.renew:after:kill",
    "decision.write:before:kill",
    "lake.commit:before:kill:1",
    "lake.commit:after:kill:2",
    "lake.commit:after:kill:3",
    "done.write:before:kill",
    "done.write:after:kill",
    "ledger.project:after:kill:1",
    "ledger.project:after:kill:2",
    "lease.release:before:kill",
]
PUBLISH = [
    "plan.write:after:kill",
    "publish.stage:after:kill",
    "decision.write:after:kill",
    "warehouse.prepare:after:kill",
    "warehouse.copy:after:kill",
    "warehouse.replace:after:kill",
    "warehouse.commit:before:kill",
    "done.write:before:kill",
]
ELSEWHERE = {"build.files"}
"""A build needs Spark: test_killed_runs kills one right after its files."""


@pytest.mark.parametrize("fault", INGEST)
def test_an_ingest_killed_at_any_step_is_healed_by_the_next_one(
    shop: Project, undisturbed: Evidence, fault: str
) -> None:
    """The tables equal those of an undisturbed ingest, the books balance, and nothing is left to do."""
    killed(shop, "ingest", fault=fault)
    shop.ok("ingest")
    assert hashes(shop) == {**undisturbed.tables, "daily": "none"}
    line = shop.ok("books")["sources"]["orders"]
    assert (line["batches"], line["records"], line["good"]) == (1, 11, 6)
    assert shop.ok("ingest")["outcome"] == "nothing_to_do"


@pytest.mark.parametrize("fault", PUBLISH)
def test_a_publish_killed_at_any_step_is_healed_by_the_next_one(
    built: Project, undisturbed: Evidence, fault: str
) -> None:
    """The mart holds every row once, and the loads table one load."""
    built.ok("up")
    killed(built, "publish", fault=fault)
    built.ok("publish")
    assert evidence(built) == undisturbed
    assert built.query("SELECT model, number FROM marts.lakemart_loads") == [["daily", 1]]


def test_no_step_of_the_registry_is_without_a_test_that_kills_it() -> None:
    """A step added to the registry fails here until something kills it."""
    named = {
        part.partition(":")[0]
        for fault in (*INGEST, *PUBLISH)
        for part in fault.split(",")
        if part.endswith(("kill", "kill:1", "kill:2", "kill:3"))
    }
    assert named | ELSEWHERE == set(STEPS)
