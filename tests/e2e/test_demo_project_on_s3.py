"""The demo project once with everything on S3: raw objects, lake and staging."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
PLACES = {
    "raw": "s3://demo-raw/gharchive",
    "lake": "s3://demo-lake/gharchive",
    "staging": "s3://demo-staging/gharchive",
}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What every reader saw after the run, and a second run's outcome."""

    outcomes: tuple[str, str]
    expected: dict[str, Rows]
    readers: dict[str, dict[str, Rows]]
    on_disk: list[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("on s3")
    settings = [word for part, place in PLACES.items() for word in ("--set", f"{part}={place}")]
    project = Project(folder=folder / "gharchive", state=folder / "state", words=tuple(settings))
    shutil.copytree(DEMO, project.folder)
    up = project.ok("up")
    client = reading.s3(up)
    for path in sorted((DEMO / "raw").glob("*/*.json.gz")):
        client.upload_file(str(path), "demo-raw", f"gharchive/{path.parent.name}/{path.name}")
    client.close()
    shutil.rmtree(project.raw)
    first = project.ok("run")
    tables = {
        name: Table(uri=f"{PLACES['lake']}/{name}", columns=columns, storage=reading.storage(up))
        for name, columns in COLUMNS.items()
    }
    readers = {
        "redshift_connector": {
            name: reading.by_redshift(up, f"SELECT {', '.join(columns)} FROM marts.{name}")
            for name, columns in COLUMNS.items()
        },
        "delta-rs": {name: reading.by_delta_rs(table) for name, table in tables.items()},
        "Polars": {name: reading.by_polars(table) for name, table in tables.items()},
        "DuckDB": {
            name: reading.by_duckdb(table, reading.fetched(up, table, folder / "files" / name))
            for name, table in tables.items()
        },
        "Spark": reading.by_spark(project, COLUMNS),
    }
    found = oracle.events(sorted((DEMO / "raw").glob("*/*.json.gz")))
    yield Seen(
        outcomes=(first["outcome"], project.ok("run")["outcome"]),
        expected={name: plain(mart(found)) for name, mart in oracle.MARTS.items()},
        readers=readers,
        on_disk=tables_in(project.state),
    )
    project.down()


def tables_in(state: Path) -> list[str]:
    """Lake tables that lie in the state after all."""
    return [str(path) for path in state.glob("lake/**/_delta_log")]


@pytest.mark.parametrize("mart", sorted(COLUMNS))
@pytest.mark.parametrize("reader", ["redshift_connector", "delta-rs", "Polars", "DuckDB", "Spark"])
def test_with_everything_on_s3_every_reader_sees_the_cells_of_plain_python(seen: Seen, reader: str, mart: str) -> None:
    """Acceptance: the same cells as on a local lake, in warehouse and lake."""
    expected = seen.expected[mart]
    assert seen.readers[reader][mart] == (as_text(expected) if reader == "Spark" else expected)


def test_with_everything_on_s3_a_second_run_has_nothing_to_do(seen: Seen) -> None:
    """The ledger is found again on S3, and the state holds no lake."""
    assert seen.outcomes == ("ok", "nothing_to_do")
    assert seen.on_disk == []
