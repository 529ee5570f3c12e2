"""The jobs under spark-submit do what the commands do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from e2e import oracle, reading
from e2e.driving import DEMO, PROGRAMS, ROOT, Ended, Project, ended
from e2e.reading import plain
from e2e.shop import MART, MART_SQL

pytestmark = [pytest.mark.e2e, pytest.mark.spark, pytest.mark.timeout(600)]


def submitted(project: Project, job: str, *words: str) -> Ended:
    places = ["--project", str(project.folder), "--env", "local", "--state", str(project.state)]
    command = [str(PROGRAMS / "spark-submit"), str(ROOT / "jobs" / f"{job}.py"), *places, *words]
    return ended(command, project.environment())


def test_spark_submit_of_the_run_job_gives_the_same_marts(tmp_path: Path) -> None:
    """Acceptance: `spark-submit jobs/run.py --project … --env local` ends with the oracle's cells in the warehouse."""
    project = Project(folder=tmp_path / "gharchive", state=tmp_path / "state")
    shutil.copytree(DEMO, project.folder)
    end = submitted(project, "run", "--json")
    assert end.code == 0, (end.stdout, end.stderr)
    assert end.document["outcome"] == "ok"
    assert end.document["balanced"] is True
    up = project.ok("up")
    found = oracle.events(sorted(project.raw.glob("*/*.json.gz")))
    rows = {name: reading.by_redshift(up, f"SELECT * FROM marts.{name}") for name in oracle.MARTS}
    project.down()
    assert rows == {name: plain(mart(found)) for name, mart in oracle.MARTS.items()}


def test_the_jobs_of_single_stages_do_what_their_commands_do(shop: Project) -> None:
    """ingest, build and publish, one after another, and the exit code of a gate comes through spark-submit."""
    for job in ("ingest", "build", "publish"):
        end = submitted(shop, job, "--json")
        assert end.code == 0, (job, end.stdout, end.stderr)
        assert end.document["outcome"] == "ok"
    assert shop.query(MART_SQL) == MART
    shop.land("orders/2024-05-20.ndjson.gz", b"\x1f\x8b\x08 cut off")
    assert submitted(shop, "ingest", "--json").code == 3
