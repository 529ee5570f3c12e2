"""The table of runs: each document once, and none of its files read when there is no new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lakemart.errors import DataError
from lakemart.lake.read import read_table
from lakemart.ledger import runs
from lakemart.ledger.projection import table_name
from lakemart.ledger.runs import last_run, project_runs, rebuild_runs, record_run
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path))


def ran(lake: Location, run: str) -> None:
    document = {"run": run, "outcome": "ok", "seconds": 1.0, "balanced": True}
    record_run(open_store(lake), document, at="2026-01-01T00:00:00Z", by="u on h", exit_code=0)


def told(lake: Location) -> list[str]:
    return sorted(read_table(lake, table_name("runs"), columns=["run"]).column("run").to_pylist())


@pytest.mark.parametrize("anew", [False, True])
def test_every_run_is_told_once_and_nothing_is_read_for_nothing(
    lake: Location, monkeypatch: pytest.MonkeyPatch, *, anew: bool
) -> None:
    for run in ("b", "a"):
        ran(lake, run)
        project_runs(lake)
        ran(lake, run)
        project_runs(lake)
    if anew:
        assert rebuild_runs(lake) == 2
    assert told(lake) == ["a", "b"]

    def unwanted(*given: Any, **named: Any) -> Any:
        raise AssertionError(given)

    with monkeypatch.context() as patch:
        patch.setattr(runs, "read_table", unwanted)
        project_runs(lake)
    ran(lake, "0 sorts before them")
    project_runs(lake)
    assert told(lake) == ["0 sorts before them", "a", "b"]


def test_a_table_of_an_earlier_lakemart_goes_on_without_a_run_twice(
    lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran(lake, "a")
    with monkeypatch.context() as patch:
        patch.setattr(runs, "_COUNT", "nobody's")
        project_runs(lake)
    project_runs(lake)
    ran(lake, "b")
    project_runs(lake)
    assert told(lake) == ["a", "b"]


def test_a_torn_document_is_named_with_what_to_do(lake: Location) -> None:
    ran(lake, "a")
    (Path(lake.uri) / "_ledger" / "runs" / "a.json").write_bytes(b"")

    for look in (lambda: last_run(open_store(lake)), lambda: project_runs(lake), lambda: rebuild_runs(lake)):
        with pytest.raises(DataError, match=r"'_ledger/runs/a\.json' is torn or empty"):
            look()
