"""Retention: slices older than a mart retains go out of the warehouse as a number of the mart, and the lake keeps them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakemart.config.model import Model, ModelColumn, Publish
from lakemart.contract.types import ColumnType
from lakemart.errors import LockedError
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.write import FileTarget, write_files
from lakemart.ledger import records
from lakemart.ledger.protocol import advance
from lakemart.ledger.records import Record
from lakemart.names import TableName
from lakemart.publish import statements as st
from lakemart.publish.due import standing_version
from lakemart.publish.mart import Mart, catalog_type
from lakemart.publish.retain import RetentionStage
from lakemart.publish.stage import MartStage
from lakemart.steps import LostAnswerError
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

TABLE = TableName("marts", "daily")
MODEL = Model(
    name="daily",
    kind="sql",
    inputs={},
    slice="day",
    columns=(
        ModelColumn(name="day", type=ColumnType.parse("date")),
        ModelColumn(name="n", type=ColumnType.parse("bigint")),
    ),
    publish=Publish(table=TABLE, retain=timedelta(days=30)),
)
DAYS = (date(2024, 5, 1), date(2024, 5, 2), date(2024, 7, 1), None)
TODAY = date(2024, 7, 2)


@dataclass
class Slices:
    """A warehouse that knows how many rows each slice has, and the numbers recorded."""

    rows: dict[str | None, int]
    numbers: list[int] = field(default_factory=lambda: [1])
    lose: bool = False
    pending: list[st.Statement] = field(default_factory=list)

    def open(self) -> Slices:
        self.pending = []
        return self

    def close(self) -> None:
        """The session's open transaction is gone with it."""

    def execute(self, statement: st.Statement) -> list[tuple[Any, ...]]:
        match statement:
            case st.DescribeTable(table=table):
                known = table == TABLE
                mart = Mart.of(MODEL)
                described = [(c.name, catalog_type(c.type), c.not_null) for c in mart.columns]
                return described if known else [("project", "x", True)]
            case st.CountSchemas():
                return [(1,)]
            case st.LastLoad():
                return [(max(self.numbers), 0)]
            case st.CountSlices(slices=slices):
                gone = {
                    value
                    for one in self.pending
                    if isinstance(one, st.DeleteSlices)
                    for value in one.slices.values or ()
                }
                return [(sum(self.rows.get(value, 0) for value in slices.values or () if value not in gone),)]
            case st.DeleteSlices() | st.InsertLoad():
                self.pending.append(statement)
            case st.Commit():
                self._commit()
        return []

    def _commit(self) -> None:
        for one in self.pending:
            if isinstance(one, st.DeleteSlices):
                for value in one.slices.values or ():
                    self.rows.pop(value, None)
            elif isinstance(one, st.InsertLoad):
                self.numbers.append(one.number)
        if self.lose:
            self.lose = False
            raise LostAnswerError("the answer to COMMIT was lost")


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    """The model's table with a file a day, and a mart that is published from it as number 1."""
    place = Location(uri=str(tmp_path / "lake"))
    schema = pa.schema([("day", pa.date32()), ("n", pa.int64())])
    rows = pa.record_batch([pa.array(DAYS, pa.date32()), pa.array(range(len(DAYS)), pa.int64())], schema=schema)
    files = write_files([rows], FileTarget(root=place.child("daily"), schema=schema, partition_by="day", number=1))
    change = table_change("daily", schema, None, partition_by="day", adds=files)
    commit(place, change, writer="model/daily", number=1, run="r")
    store = open_store(place)
    mart = Mart.of(MODEL)
    by = {"run": "r", "at": "t"}
    closed(store, "model/daily", {"tables": [change.as_json()]}, {"versions": {"daily": 0}, **by})
    done = {"mart": mart.as_json(), "table": str(TABLE), "version": 0, "through": 1, "slices": [], **by}
    closed(store, "mart/daily", {}, done)
    return place


def closed(store: Store, writer: str, decision: dict[str, Any], done: dict[str, Any]) -> None:
    records.write_part(store, writer, 1, "plan", {"run": "r", "at": "t"})
    records.write_part(store, writer, 1, "decision", {"kind": "intent", "run": "r", "at": "t", **decision})
    records.write_part(store, writer, 1, "done", done)


def retention(lake: Location, warehouse: Slices, today: date = TODAY) -> RetentionStage:
    class Settings:
        iam_role = "default"

    stage = MartStage(
        model=MODEL, project="p", lake=lake, staging=lambda: lake, warehouse=Settings, run="r", user="u",  # type: ignore[arg-type]
        opener=warehouse.open,  # type: ignore[arg-type]
    )  # fmt: skip
    return RetentionStage(stage=stage, today=lambda: today)


def done_of(lake: Location, warehouse: Slices) -> Record | None:
    return advance(open_store(lake), retention(lake, warehouse), run="r", at="t")


def full() -> Slices:
    return Slices(rows={"2024-05-01": 2, "2024-05-02": 1, "2024-07-01": 1, None: 1})


def test_slices_older_than_the_mart_retains_go_and_the_others_and_the_null_slice_stay(lake: Location) -> None:
    warehouse = full()
    record = done_of(lake, warehouse)
    assert record is not None
    assert record.done is not None
    assert (record.plan["kind"], record.done["slices"]) == ("retain", ["2024-05-01", "2024-05-02"])
    assert set(warehouse.rows) == {"2024-07-01", None}
    assert warehouse.numbers == [1, 2]
    assert done_of(lake, warehouse) is None


def test_what_was_published_stands_and_says_from_which_slice_on_it_is_retained(lake: Location) -> None:
    done_of(lake, full())
    last = records.last_committed(open_store(lake), "mart/daily")
    assert last is not None
    assert last.done is not None
    assert (last.done["version"], last.done["through"], last.done["retained_before"]) == (0, 1, "2024-06-02")
    assert standing_version(open_store(lake), last.done) == 0


def test_a_lost_answer_to_commit_is_read_back_by_the_number(lake: Location, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakemart.publish.load.FIRST_WAIT", 0.0)
    warehouse = full()
    warehouse.lose = True
    record = done_of(lake, warehouse)
    assert record is not None
    assert record.committed
    assert warehouse.numbers == [1, 2]


def test_an_owner_that_slept_through_a_later_publish_takes_nothing_out(lake: Location) -> None:
    warehouse = full()
    warehouse.numbers.append(3)
    with pytest.raises(LockedError):
        done_of(lake, warehouse)
    assert warehouse.rows == full().rows


def test_nothing_old_asks_nothing_of_the_warehouse_and_plans_nothing(lake: Location) -> None:
    stage = retention(lake, Slices(rows={}), today=date(2024, 5, 20))
    assert stage.plan(2, None) is None
