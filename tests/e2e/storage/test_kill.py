"""A kill is a kill: a child ended by SIGKILL at each step of the protocol, and one plain run after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lakemart.ledger import records
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location
from unit.ledger.toy import WRITER, ToyStage, assert_as_undisturbed, content, run

pytestmark = [pytest.mark.crash, pytest.mark.e2e]

STEPS = ("plan.write", "ingest.files", "decision.write", "lake.commit", "done.write", "ledger.project")

CHILD = """
import sys
from unit.ledger.toy import run
from lakemart.steps import arm
from lakemart.storage.store import Location
arm(sys.argv[2])
run(Location(uri=sys.argv[1]))
"""


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


def killed(lake: Location, fault: str) -> int:
    """How a child ended that ran under the fault."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    arguments = [sys.executable, "-c", CHILD, lake.uri, fault]
    return subprocess.run(arguments, env=environment, check=False, capture_output=True, timeout=120).returncode


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
def test_one_plain_run_heals_a_kill_at_any_step(lake: Location, step: str, when: str) -> None:
    assert killed(lake, f"{step}:{when}:kill") == -signal.SIGKILL

    run(lake)

    assert_as_undisturbed(lake)


def test_a_kill_between_the_commits_of_two_tables_shows_the_readers_of_the_ledger_nothing(lake: Location) -> None:
    run(lake, ToyStage(lake=lake, until=1))

    assert killed(lake, "lake.commit:after:kill") == -signal.SIGKILL

    assert content(lake) == {"toy": [1, 2], "toy_quarantine": [1]}
    assert records.last_versions(open_store(lake), WRITER) == {"toy": 0, "toy_quarantine": 0}
    run(lake)
    assert_as_undisturbed(lake)
