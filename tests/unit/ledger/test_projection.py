"""The projection costs what there is to append: no table is opened twice for nothing, no number read once for each table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakemart.lake.append import append_lacking, appended_number, open_appended
from lakemart.lake.read import read_table
from lakemart.ledger import projection, records
from lakemart.ledger.projection import SCHEMAS, project, table_name
from lakemart.ledger.protocol import advance
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location
from unit.ledger.toy import WRITER, ToyStage

BY = {"run": "r", "at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path))


def do(lake: Location, until: int) -> None:
    """Numbers up to this one, without their projection."""
    while advance(open_store(lake), ToyStage(lake=lake, until=until), **BY) is not None:
        pass


def projected(lake: Location) -> dict[str, list[int]]:
    return {
        name: sorted(row["number"] for row in read_table(lake, table_name(name)).to_pylist())
        for name in ("objects", "batches", "books")
    }


def test_no_table_is_opened_again_when_nothing_was_closed_since(
    lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []

    def watched(place: Location, table: str, lacking: Any) -> None:
        opened.append(table)
        append_lacking(place, table, lacking)

    monkeypatch.setattr(projection, "append_lacking", watched)
    do(lake, until=1)
    done = project(lake, [WRITER])
    assert done == {WRITER: 1}
    opened.clear()

    assert project(lake, [WRITER], done) == done
    assert opened == []

    do(lake, until=2)
    assert project(lake, [WRITER], done) == {WRITER: 2}
    assert opened == [table_name(name) for name in SCHEMAS]
    assert projected(lake) == {"objects": [1, 2], "batches": [1, 2], "books": [1, 2]}


def test_a_number_is_read_once_whatever_the_count_of_tables(lake: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    do(lake, until=2)
    numbers, asked = records.numbers, []

    def counted(*given: Any, **named: Any) -> Iterator[records.Record]:
        asked.append(named["after"])
        return numbers(*given, **named)

    monkeypatch.setattr(records, "numbers", counted)
    project(lake, [WRITER])
    assert asked == [0]


def test_what_was_appended_long_ago_is_in_a_checkpoint(lake: Location) -> None:
    for number in range(1, 23):
        rows = pa.table({"n": [number]})
        append_lacking(lake, "t", lambda _, rows=rows, number=number: (rows, {"a": number}))  # type: ignore[misc]

    checkpoints = Path(lake.uri, "t", "_delta_log").glob("*.checkpoint.parquet")
    assert [file.name for file in checkpoints] == [f"{19:020d}.checkpoint.parquet"]
    assert appended_number(open_appended(lake, "t"), "a") == 22
    assert sorted(read_table(lake, "t").column("n").to_pylist()) == list(range(1, 23))
