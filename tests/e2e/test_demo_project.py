"""The demo project on real data: what readers of warehouse and lake see, a second run, and one more object."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e import oracle, reading
from e2e.driving import DEMO, Project
from e2e.reading import Rows, Table, as_text, plain

pytestmark = [pytest.mark.e2e, pytest.mark.spark, pytest.mark.timeout(600)]

COLUMNS = {
    "hourly_activity": ("event_date", "event_hour", "event_type", "events", "actors", "repos"),
    "repository_days": ("event_date", "repo_name", "pushes", "commits", "watchers_gained", "pushers"),
    "push_share": ("event_date", "repo_name", "pushes", "day_pushes", "share"),
}
MARTS = sorted(COLUMNS)
OLD_SLICES, NEW_SLICE = ["2012-02-15", "2015-01-01"], "2015-01-02"
LOADS = "SELECT model, number, slices, rows FROM marts.lakemart_loads ORDER BY model, number"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a run said and what was to be seen after it."""

    run: dict[str, Any]
    expected: dict[str, Rows]
    warehouse: dict[str, Rows]
    lake: dict[str, dict[str, Rows]]
    files: dict[str, dict[str, list[str]]]
    loads: Rows


def expected(raw: Path) -> dict[str, Rows]:
    found = oracle.events(sorted(raw.glob("*/*.json.gz")))
    return {name: plain(mart(found)) for name, mart in oracle.MARTS.items()}


def copied(folder: Path) -> Project:
    made = Project(folder=folder / "gh archive", state=folder / "state")
    shutil.copytree(DEMO, made.folder)
    return made


def warehouse(up: dict[str, Any]) -> dict[str, Rows]:
    return {
        name: reading.by_redshift(up, f"SELECT {', '.join(columns)} FROM marts.{name}")
        for name, columns in COLUMNS.items()
    }


def slices(table: Table) -> dict[str, list[str]]:
    """The live data files of each slice."""
    found: dict[str, list[str]] = {}
    for uri in sorted(table.opened().file_uris()):
        name = uri.split("event_date=")[1].partition("/")[0]
        found.setdefault(name, []).append(uri)
    return found


def look(project: Project, up: dict[str, Any], run: dict[str, Any]) -> Seen:
    tables = {name: Table(uri=str(project.lake / name), columns=columns) for name, columns in COLUMNS.items()}
    lake = {
        "delta-rs": {name: reading.by_delta_rs(table) for name, table in tables.items()},
        "Polars": {name: reading.by_polars(table) for name, table in tables.items()},
        "DuckDB": {name: reading.by_duckdb(table, table.opened().file_uris()) for name, table in tables.items()},
    }
    return Seen(
        run=run,
        expected=expected(project.raw),
        warehouse=warehouse(up),
        lake=lake,
        files={name: slices(table) for name, table in tables.items()},
        loads=reading.by_redshift(up, LOADS),
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, dict[str, Any]]]:
    """A copy of the demo project whose servers stay up, and how to reach them."""
    project = copied(tmp_path_factory.mktemp("demo"))
    yield project, project.ok("up")
    project.down()


@pytest.fixture(scope="module")
def first(demo: tuple[Project, dict[str, Any]]) -> Seen:
    """The first run."""
    project, up = demo
    return look(project, up, project.ok("run"))


@pytest.fixture(scope="module")
def by_spark(demo: tuple[Project, dict[str, Any]], first: Seen) -> dict[str, Rows]:
    """The lake after the first run as Spark reads it."""
    assert first.run["outcome"] == "ok"
    return reading.by_spark(demo[0], COLUMNS)


@dataclass(frozen=True, kw_only=True)
class Second:
    """A run in a row after the first, where every start of Java is written down; and a query that needs Java."""

    run: dict[str, Any]
    started: list[str]
    control: list[str]


@pytest.fixture(scope="module")
def second(
    demo: tuple[Project, dict[str, Any]], by_spark: dict[str, Rows], tmp_path_factory: pytest.TempPathFactory
) -> Second:
    assert by_spark
    home = tmp_path_factory.mktemp("no java")
    calls = home / "calls"
    calls.write_text("")
    (home / "bin").mkdir()
    (home / "bin" / "java").write_text(f'#!/bin/sh\necho "java $*" >> "{calls}"\nexit 1\n')
    (home / "bin" / "java").chmod(0o755)
    trapped = Project(folder=demo[0].folder, state=demo[0].state)
    trapped.environ = {"JAVA_HOME": str(home), "PATH": f"{home / 'bin'}:{trapped.environment()['PATH']}"}
    run = trapped.ok("run")
    started = calls.read_text().splitlines()
    trapped.lakemart("query", "--lake", "SELECT 1")
    return Second(run=run, started=started, control=calls.read_text().splitlines())


@pytest.fixture(scope="module")
def third(demo: tuple[Project, dict[str, Any]], first: Seen, second: Second) -> Seen:
    """A run after one more object, of another day, was landed."""
    assert first.loads
    assert second.run
    project, up = demo
    land_another_day(project)
    return look(project, up, project.ok("run"))


def land_another_day(project: Project) -> None:
    """Some hundred events of the 2015 hour under new ids, a day later."""
    known = gzip.decompress((project.raw / "2015" / "2015-01-01-0.json.gz").read_bytes()).splitlines()
    moved = [
        line.replace(b'{"id":"', b'{"id":"9').replace(b'"created_at":"2015-01-01T', b'"created_at":"2015-01-02T')
        for line in known[:400]
    ]
    project.land("2015/2015-01-02-0.json.gz", gzip.compress(b"\n".join(moved) + b"\n"))


@pytest.mark.parametrize("mart", MARTS)
def test_every_cell_of_a_mart_read_by_redshift_connector_equals_plain_python_over_the_raw_files(
    first: Seen, mart: str
) -> None:
    """Acceptance: marts computed without lakemart and without Spark are what the warehouse holds."""
    assert first.warehouse[mart] == first.expected[mart]
    assert len(first.expected[mart]) > 20


@pytest.mark.parametrize("mart", MARTS)
@pytest.mark.parametrize("reader", ["delta-rs", "Polars", "DuckDB"])
def test_readers_without_spark_see_the_same_cells_in_the_lake(first: Seen, reader: str, mart: str) -> None:
    """Acceptance: the tables of the lake are open to anyone; DuckDB reads their bare files."""
    assert first.lake[reader][mart] == first.expected[mart]


@pytest.mark.parametrize("mart", MARTS)
def test_spark_sees_the_same_cells_in_the_lake(first: Seen, by_spark: dict[str, Rows], mart: str) -> None:
    """Acceptance: so does Spark, by `query --lake`."""
    assert by_spark[mart] == as_text(first.expected[mart])


def test_the_books_of_the_first_run_say_what_was_in_the_raw_files(first: Seen) -> None:
    """Every record of both hours is good; the marts hold as many rows as the oracle's."""
    assert first.run["outcome"] == "ok"
    assert first.run["balanced"] is True
    assert {name: line["good"] for name, line in first.run["sources"].items()} == {
        "events_2012": 4074,
        "events_2015": 7702,
    }
    for name, line in first.run["marts"].items():
        assert line["slices"] == OLD_SLICES
        rows = len(first.expected[name])
        assert [line["lake"], line["staged"], line["copied"], line["warehouse"]] == [rows] * 4


def test_a_second_run_has_nothing_to_do_and_is_over_in_seconds(second: Second) -> None:
    """Acceptance: a run in a row changes nothing."""
    assert second.run["outcome"] == "nothing_to_do"
    assert second.run["seconds"] < 15
    assert all(not line["batches"] for line in second.run["sources"].values())
    assert all(not line["slices"] for line in {**second.run["models"], **second.run["marts"]}.values())


def test_a_second_run_starts_no_jvm(second: Second) -> None:
    """Acceptance: with nothing new no Java is started. The trap works: a query on the lake steps into it."""
    assert second.started == []
    assert second.control != []


def test_one_more_object_is_the_only_one_ingested(third: Seen) -> None:
    """Acceptance: known objects are not read again."""
    assert third.run["sources"]["events_2012"]["objects"] == 0
    assert third.run["sources"]["events_2015"]["objects"] == 1
    assert third.run["sources"]["events_2015"]["good"] == 400


def test_one_more_object_rebuilds_and_republishes_its_slices_only(third: Seen) -> None:
    """Acceptance: models and marts touch the slices the new rows lie in, and no other."""
    assert {name: line["slices"] for name, line in third.run["models"].items()} == {
        name: [NEW_SLICE] for name in ("github_events", *sorted(COLUMNS))
    }
    assert {name: line["slices"] for name, line in third.run["marts"].items()} == {name: [NEW_SLICE] for name in MARTS}


def test_untouched_slices_keep_their_files(first: Seen, third: Seen) -> None:
    """Acceptance: their data files are the very same ones, beside those of the new slice."""
    for name, before in first.files.items():
        after = dict(third.files[name])
        assert after.pop(NEW_SLICE)
        assert after == before


def test_the_loads_table_holds_one_more_load_of_each_mart(first: Seen, third: Seen) -> None:
    """The warehouse itself records each publish, under the mart's number."""
    before = [tuple(row[:2]) for row in first.loads]
    after = [tuple(row[:2]) for row in third.loads]
    assert sorted(before) == [(name, 1) for name in MARTS]
    assert sorted(after) == [(name, number) for name in MARTS for number in (1, 2)]
    assert all(NEW_SLICE in row[2] and OLD_SLICES[0] not in row[2] for row in third.loads if row[1] == 2)


@pytest.mark.parametrize("mart", MARTS)
def test_after_one_more_object_every_cell_is_right_again(third: Seen, mart: str) -> None:
    """The marts of all three objects, in warehouse and lake."""
    assert third.warehouse[mart] == third.expected[mart]
    assert third.lake["delta-rs"][mart] == third.expected[mart]
