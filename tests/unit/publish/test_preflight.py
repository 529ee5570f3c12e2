"""Each fault names the column, the value or count, and what mends it; what fits has no fault."""

from __future__ import annotations

from typing import Any

import pytest

from lakemart.publish.columns import ColumnStats
from lakemart.publish.mart import Mart
from lakemart.publish.preflight import LiveColumn, data_faults, in_live_order, planned, structure_faults
from unit.publish.examples import COLUMNS, TABLE, column

MART = Mart(model="hourly_activity", table=TABLE, columns=COLUMNS)
LIVE = planned(MART)


def live(name: Any, kind: Any, *, not_null: Any = False) -> LiveColumn:
    return LiveColumn(name=name, type=kind, not_null=not_null)


def test_the_table_made_from_the_mart_fits_it() -> None:
    assert structure_faults(TABLE, COLUMNS, LIVE) == []


def test_columns_follow_the_live_table_when_only_the_order_differs() -> None:
    turned = tuple(reversed(LIVE))

    columns = in_live_order(MART, turned)

    assert [c.name for c in columns] == [c.name for c in turned]
    assert structure_faults(TABLE, columns, turned) == []
    assert in_live_order(MART, LIVE[1:]) == COLUMNS


def test_a_column_the_table_lacks_is_named_with_the_ddl_that_adds_it() -> None:
    (fault,) = structure_faults(TABLE, COLUMNS, LIVE[:-1])

    assert str(fault) == (
        'column \'small\' is not in marts.hourly_activity: ALTER TABLE "marts"."hourly_activity" ADD COLUMN "small" smallint;'
    )


@pytest.mark.parametrize("name", ["extra", "Some Column"])
def test_a_column_the_model_lacks_is_named(name: Any) -> None:
    (fault,) = structure_faults(TABLE, COLUMNS, (*LIVE, live(name, "integer")))

    assert (fault.column, fault.what) == (name, "is in marts.hourly_activity and not in the model")
    assert "DROP COLUMN" in fault.mend


@pytest.mark.parametrize(
    ("kind", "other"),
    [
        ("int", "bigint"),
        ("bigint", "integer"),
        ("decimal(9,2)", "numeric(9,3)"),
        ("decimal(9,2)", "numeric(10,2)"),
        ("timestamp", "timestamp with time zone"),
        ("varchar(8)", "character(8)"),
        ("super", "character varying(65535)"),
    ],
)
def test_another_type_is_a_fault_that_names_both(kind: Any, other: Any) -> None:
    (fault,) = structure_faults(TABLE, (column("c", kind),), (live("c", other),))

    assert other in fault.what
    assert kind in fault.what


@pytest.mark.parametrize(
    ("kind", "other"), [("super", "super"), ("list<int>", "super"), ("varchar(8)", "character varying(4)")]
)
def test_a_type_that_can_take_the_rows_is_no_fault(kind: Any, other: Any) -> None:
    assert structure_faults(TABLE, (column("c", kind),), (live("c", other),)) == []


def test_columns_out_of_order_are_a_fault() -> None:
    (fault,) = structure_faults(TABLE, COLUMNS, (LIVE[1], LIVE[0], *LIVE[2:]))

    assert fault.column == "event_date"


def faults(kind: Any, *, not_null: Any = False, **stats: Any) -> list[str]:
    return [
        str(fault)
        for fault in data_faults(TABLE, [ColumnStats(name="c", **stats)], [live("c", kind, not_null=not_null)])
    ]


def test_text_longer_than_the_live_column_is_named_with_count_bytes_value_and_ddl() -> None:
    (fault,) = faults("character varying(4)", limit=4, over=3, max_bytes=9, longest="Zürich-W")

    assert "3 values of more than 4 bytes, the longest of 9 bytes, 'Zürich-W'" in fault
    assert 'ALTER COLUMN "c" TYPE varchar(9)' in fault


def test_text_that_fits_exactly_is_no_fault() -> None:
    assert faults("character varying(4)", limit=4, max_bytes=4) == []


@pytest.mark.parametrize("kind", ["character varying(65535)", "super"])
def test_text_longer_than_any_varchar_is_to_be_cut(kind: Any) -> None:
    (fault,) = faults(kind, limit=65535, over=1, max_bytes=70000)

    assert "no varchar holds more than 65535 bytes" in fault


def test_nulls_in_a_not_null_column_are_counted() -> None:
    (fault,) = faults("integer", not_null=True, nulls=2)

    assert "(NOT NULL) has 2 nulls" in fault
    assert faults("integer", nulls=2) == []


@pytest.mark.parametrize(
    ("stats", "says"),
    [
        ({"nul": 2}, "2 values with a NUL character"),
        ({"bad_json": 1, "bad_example": "{a"}, "1 values that are no JSON, such as '{a'"),
        ({"out_of_range": 4}, "4 values outside the years 1 to 9999"),
        ({"blank_slices": ("a ",)}, "end with a blank, such as 'a '"),
    ],
)
def test_other_faults_in_the_rows_are_named(stats: Any, says: Any) -> None:
    (fault,) = faults("character varying(9)", **stats)

    assert says in fault
