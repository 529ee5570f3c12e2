"""kill -9 of the command itself, then one plain run: nothing is lost, doubled or left over. The matrix has all points."""

from __future__ import annotations

import signal

import pytest

from crash.evidence import TABLES, Evidence, evidence
from e2e.driving import Project
from e2e.shop import MART

pytestmark = [pytest.mark.e2e, pytest.mark.crash, pytest.mark.spark, pytest.mark.timeout(600)]


def killed(project: Project, *words: str, fault: str) -> None:
    """Runs a command that must die at the fault."""
    end = project.lakemart("--json", *words, fault=fault)
    assert end.code == -signal.SIGKILL, (end.code, end.stdout, end.stderr)
    assert end.stdout == ""


def assert_whole(project: Project, undisturbed: Evidence) -> None:
    """Lake and warehouse hold what an undisturbed run leaves; the books balance; verify finds nothing; nothing is due."""
    assert evidence(project) == undisturbed
    books = project.ok("books")
    assert books["balanced"] is True
    line = books["sources"]["orders"]
    assert (line["records"], line["good"], line["quarantined"], line["duplicate"], line["filtered"]) == (11, 6, 2, 2, 1)
    assert project.ok("verify")["good"] is True
    assert project.ok("run")["outcome"] == "nothing_to_do"


def test_a_run_killed_between_two_tables_commits_is_healed_by_the_next_one(
    shop: Project, undisturbed: Evidence
) -> None:
    """Acceptance: the same content hash as undisturbed, no row lost or doubled."""
    killed(shop, "run", fault="lake.commit:after:kill:1")
    run = shop.ok("run")
    assert run["outcome"] == "ok"
    assert_whole(shop, undisturbed)


def test_a_run_killed_after_commit_in_the_warehouse_loads_once(built: Project, undisturbed: Evidence) -> None:
    """Acceptance: the load is recorded in the warehouse, `done` is not; the next run finds that out and writes it."""
    killed(built, "run", fault="warehouse.commit:after:kill")
    mart = built.ok("run")["marts"]["daily"]
    assert mart["copied"] == mart["warehouse"] == len(MART)
    assert_whole(built, undisturbed)
    assert built.query("SELECT model, number FROM marts.lakemart_loads") == [["daily", 1]]


def test_the_undisturbed_run_holds_what_its_raw_lines_say(undisturbed: Evidence) -> None:
    """What the others are compared with is itself right, and no table of it is missing."""
    assert undisturbed.mart == MART
    assert "none" not in undisturbed.tables.values()
    assert set(undisturbed.tables) == set(TABLES)
