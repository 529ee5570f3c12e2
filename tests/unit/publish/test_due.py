"""What is due of a mart: the union of slices its model committed since, all at first, settings alone when only they changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Never

import pyarrow as pa
import pytest

from lakemart.config.model import Model, ModelColumn, NotNullCheck, Publish
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.lake.actions import AddedFile, TableChange
from lakemart.lake.read import Snapshot
from lakemart.ledger.records import Record
from lakemart.names import TableName
from lakemart.publish.due import due
from lakemart.publish.mart import Mart
from lakemart.publish.slices import lake_rows, slices_of
from unit.publish.examples import COLUMNS, TABLE, column

MART = Mart(model="hourly", table=TABLE, columns=COLUMNS, slice="event_date", readers=("analyst",))
FILES = tuple(
    AddedFile(path=f"{i}", size=1, rows=i, partition={"event_date": day})
    for i, day in enumerate(["d2", "d1", None, "d1"])
)
FOUND = Snapshot(table="hourly", version=9, schema=pa.schema([]), partition_by="event_date", files=FILES)


def build(number: Any, *days: Any, table: Any = "hourly") -> Record:
    adds = tuple(AddedFile(path=str(day), size=1, rows=1, partition={"event_date": day}) for day in days)
    change = TableChange(table=table, base_version=0, schema=[], partition_by="event_date", adds=adds)
    return Record(
        writer="model/hourly",
        number=number,
        plan={},
        decision={"kind": "intent", "tables": [change.as_json()]},
        done={"versions": {"hourly": number}},
    )


def compaction(number: int, *days: str) -> Record:
    record = build(number, *days)
    changes = [{**change, "data_change": False} for change in (record.decision or {})["tables"]]
    return replace(record, plan={"kind": "compact"}, decision={"kind": "intent", "tables": changes})


def published(mart: Mart = MART, through: Any = 3) -> Record:
    return Record(
        writer="mart/hourly",
        number=1,
        plan={},
        decision={"kind": "intent"},
        done={"mart": mart.as_json(), "through": through, "version": 3},
    )


def never() -> Never:
    raise AssertionError("the lake is not to be opened")


def test_nothing_is_due_before_the_model_committed_anything() -> None:
    assert due(MART, [], None, never) is None


def test_nothing_is_due_when_all_is_published_and_the_lake_is_not_even_opened() -> None:
    assert due(MART, [], published(), never) is None


def test_a_first_publish_takes_all_slices_null_first() -> None:
    found = due(MART, [build(1, "d1")], None, lambda: FOUND)

    assert (found.slices, found.version, found.through, found.settings_changed) == ((None, "d1", "d2"), 9, 1, True)


def test_only_slices_touched_since_are_due_each_once() -> None:
    found = due(MART, [build(4, "d1"), build(5, "d1", None), build(6, "x", table="other")], published(), lambda: FOUND)

    assert (found.slices, found.through, found.settings_changed) == ((None, "d1"), 6, False)


def test_a_compaction_makes_nothing_due_and_hides_nothing_that_is() -> None:
    assert due(MART, [compaction(4, "d1")], published(), never) is None
    found = due(MART, [build(4, "d2"), compaction(5, "d1")], published(), lambda: FOUND)
    assert found is not None
    assert (found.slices, found.through) == (("d2",), 5)


def test_another_table_takes_all_slices_again() -> None:
    found = due(replace(MART, table=TableName("marts", "other")), [], published(), lambda: FOUND)

    assert (found.slices, found.through) == ((None, "d1", "d2"), 3)


@pytest.mark.parametrize("change", [{"readers": ("analyst", "auditor")}, {"description": "new"}])
def test_changed_settings_alone_are_due_without_a_slice(change: Any) -> None:
    found = due(replace(MART, **change), [], published(), lambda: FOUND)

    assert (found.slices, found.settings_changed, found.through) == ((), True, 3)


@pytest.mark.parametrize("committed", [[build(1)], []])
def test_a_mart_without_slices_is_due_as_a_whole_or_not_at_all(committed: Any) -> None:
    mart = replace(MART, slice=None)
    last = published(mart) if not committed else None

    found = due(mart, committed, last, lambda: replace(FOUND, partition_by=None))

    assert (found is None) == (not committed)
    if found is not None:
        assert found.slices is None


def test_changed_settings_of_a_mart_without_slices_touch_no_row() -> None:
    """`None` is the whole table and the empty list is no slice: to mix them up would empty the mart."""
    mart = replace(MART, slice=None)

    found = due(replace(mart, description="new"), [], published(mart), lambda: replace(FOUND, partition_by=None))

    assert found.slices == ()
    assert list(slices_of(mart, found.slices).chunks()) == []


def test_the_lake_promises_rows_for_every_slice_named_the_emptied_too() -> None:
    assert lake_rows(FOUND, ["d1", "gone", None]) == {"d1": 4, "gone": 0, None: 2}
    assert lake_rows(FOUND, None) == {None: 6}
    assert lake_rows(replace(FOUND, partition_by=None), []) == {}


def test_a_mart_survives_json_and_takes_not_null_only_from_checks() -> None:
    model = Model(
        name="hourly", kind="sql", inputs={}, slice="day", key=("day",),
        columns=(ModelColumn(name="day", type=ColumnType.parse("date")), ModelColumn(name="n", type=ColumnType.parse("decimal(9,2)"))),
        checks=(NotNullCheck(("n",)),), publish=Publish(table=TABLE, grant_select_to=("analyst",)),
    )  # fmt: skip

    mart = Mart.of(model)

    assert [(c.name, c.not_null) for c in mart.columns] == [("day", False), ("n", True)]
    assert Mart.from_json(mart.as_json()) == mart


@pytest.mark.parametrize("kind", ["string", "json"])
def test_a_text_without_a_length_has_no_place_in_redshift(kind: Any) -> None:
    model = Model(
        name="m",
        kind="sql",
        inputs={},
        publish=Publish(table=TABLE),
        columns=(ModelColumn(name="c", type=ColumnType.parse(kind)),),
    )

    with pytest.raises(ConfigError, match="'c'"):
        Mart.of(model)
    with pytest.raises(ConfigError, match="merge"):
        Mart.of(replace(model, publish=Publish(table=TABLE, mode="merge")))
    with pytest.raises(ConfigError, match="publish section"):
        Mart.of(replace(model, publish=None))


def test_a_column_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        MART.column("nothing")
    assert column("a", "int").name == "a"
