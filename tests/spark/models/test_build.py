from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from lakemart.config.model import Input, Model, NotNullCheck, SqlCheck, UniqueCheck
from lakemart.errors import ConfigError, DataError
from lakemart.lake.read import version_of
from lakemart.ledger.records import Record
from lakemart.models.slices import Restriction
from lakemart.models.stage import failure_of

MakeModel = Callable[..., Model]
SCHEMA = pa.schema([("day", pa.date32()), ("kind", pa.string()), ("n", pa.int64())])


def events(*rows: tuple[int | None, str, int]) -> pa.Table:
    """Rows of (day of January 2015, kind, n)."""
    days = [None if row[0] is None else dt.date(2015, 1, row[0]) for row in rows]
    return pa.table({"day": days, "kind": [row[1] for row in rows], "n": [row[2] for row in rows]}, schema=SCHEMA)


def daily(day: int | None, kind: str, count: int) -> dict[str, Any]:
    return {"day": None if day is None else dt.date(2015, 1, day), "kind": kind, "events": count}


def slices_of(record: Record | None) -> list[str | None]:
    assert record is not None
    assert record.done is not None, record.decision
    slices: list[str | None] = record.done["slices"]
    return slices


def test_first_build_makes_every_slice_of_the_input(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1), (1, "a", 2), (2, "b", 3), (None, "c", 4)))

    record = lake.build(make_model())

    assert slices_of(record) == [None, "2015-01-01", "2015-01-02"]
    assert record.done["rows"] == 3
    assert lake.rows("daily") == [daily(1, "a", 2), daily(2, "b", 1), daily(None, "c", 1)]
    assert {day: len(files) for day, files in lake.files("daily").items()} == {
        None: 1,
        "2015-01-01": 1,
        "2015-01-02": 1,
    }


def test_nothing_new_is_nothing_to_do(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))
    lake.build(make_model())

    assert lake.build(make_model()) is None


def test_a_late_record_rebuilds_its_slice_alone(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1), (2, "a", 1), (3, "a", 1)))
    lake.build(make_model())
    before = lake.files("daily")
    lake.feed("events", events((2, "a", 9)))

    record = lake.build(make_model())

    assert slices_of(record) == ["2015-01-02"]
    after = lake.files("daily")
    assert after["2015-01-01"] == before["2015-01-01"]
    assert after["2015-01-03"] == before["2015-01-03"]
    assert after["2015-01-02"] != before["2015-01-02"]
    assert lake.rows("daily") == [daily(1, "a", 1), daily(2, "a", 2), daily(3, "a", 1)]


def test_a_slice_emptied_in_the_input_is_emptied_in_the_model(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1), (2, "a", 1)))
    lake.build(make_model())
    lake.feed("events", events(), emptied=["2015-01-02"])

    record = lake.build(make_model())

    assert slices_of(record) == ["2015-01-02"]
    assert lake.rows("daily") == [daily(1, "a", 1)]
    assert record.decision["tables"][0]["removes"][0]["partition"] == {"day": "2015-01-02"}


def test_a_failing_check_publishes_nothing_and_a_mended_model_goes_through(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))
    lake.build(make_model())
    lake.feed("events", events((1, "b", 1), (2, "b", 2), (2, "b", 3)))
    version = version_of(lake.place, "daily")
    checks = (
        UniqueCheck(("day",)),
        NotNullCheck(("events",)),
        SqlCheck("SELECT d.* FROM daily d JOIN events e USING (day) WHERE d.events > 1"),
    )
    record = lake.build(make_model(checks=checks))

    assert record.refused
    assert version_of(lake.place, "daily") == version
    assert lake.rows("daily") == [daily(1, "a", 1)]
    error = failure_of(record)
    assert isinstance(error, DataError)
    assert "fails 2 of its checks: unique: day (1 rows); sql: SELECT d.*" in error.what
    assert error.rows[0] == {"check": "unique: day", "day": "2015-01-01", "rows": 2}
    assert error.rows[1]["kind"] == "b"

    mended = lake.build(make_model(checks=(UniqueCheck(("day", "kind")),)))

    assert slices_of(mended) == ["2015-01-01", "2015-01-02"]
    assert lake.rows("daily") == [daily(1, "a", 1), daily(1, "b", 1), daily(2, "b", 2)]


def test_a_null_is_found_by_not_null_in_column_and_slice(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((None, "a", 1)))

    record = lake.build(
        make_model(
            sql="SELECT day, kind, CAST(NULL AS BIGINT) AS events FROM events",
            checks=(NotNullCheck(("events",)), NotNullCheck(("day",))),
        )
    )

    error = failure_of(record)
    assert isinstance(error, DataError)
    assert [row["check"] for row in error.rows] == ["not_null: events", "not_null: day"]


def test_an_unknown_column_is_the_projects_fault_and_jams_nothing(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))

    record = lake.build(make_model(sql="SELECT day, kynd AS kind, 1L AS events FROM events"))

    error = failure_of(record)
    assert isinstance(error, ConfigError)
    assert "`kynd` cannot be resolved. Did you mean" in error.what
    assert "line 1 pos 2" in error.what
    assert error.where == "model daily, daily.sql"
    assert "org.apache" not in str(error)
    assert slices_of(lake.build(make_model())) == ["2015-01-01"]


def test_only_a_query_is_run(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))

    error = failure_of(lake.build(make_model(sql="CREATE TABLE stolen AS SELECT * FROM events")))

    assert isinstance(error, ConfigError)


def test_columns_are_declared_or_refused_all_at_once(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))

    error = failure_of(lake.build(make_model(sql="SELECT day, CAST(n AS DOUBLE) AS events, n AS more FROM events")))

    assert isinstance(error, ConfigError)
    assert "'kind' (varchar(10)) is declared, the query does not give it" in error.what
    assert "'more' (bigint) is not declared" in error.what
    assert "'events' is double, declared bigint" in error.what


def test_a_value_that_does_not_fit_its_declared_type_is_a_fault_of_the_data(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 2**31)))

    error = failure_of(
        lake.build(
            make_model(
                sql="SELECT day, kind, n AS events FROM events",
                columns={"day": "date", "kind": "string", "events": "int"},
            )
        )
    )

    assert isinstance(error, DataError)
    assert "overflow" in error.what


def test_rows_of_slices_that_are_not_rebuilt_are_named(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))

    error = failure_of(lake.build(make_model(sql="SELECT date_add(day, 3) AS day, kind, n AS events FROM events")))

    assert isinstance(error, DataError)
    assert "not being rebuilt: 2015-01-04" in error.what


def test_a_slice_that_looks_back_is_rebuilt_with_the_slice_it_looks_at(lake: Any, make_model: MakeModel) -> None:
    sql = """
        SELECT day, kind, sum(n) OVER (ORDER BY day RANGE BETWEEN INTERVAL 1 DAY PRECEDING AND CURRENT ROW) AS events
        FROM (SELECT day, 'all' AS kind, sum(n) AS n FROM events GROUP BY day)
    """
    model = make_model(sql=sql, inputs={"events": Input(name="events", slice="day", lookback=1)})
    lake.feed("events", events((1, "a", 1), (2, "a", 10), (3, "a", 100), (4, "a", 1000)))
    lake.build(model)
    assert [row["events"] for row in lake.rows("daily")] == [1, 11, 110, 1100]
    lake.feed("events", events((2, "a", 5)))

    record = lake.build(model)

    assert slices_of(record) == ["2015-01-02", "2015-01-03"]
    assert [row["events"] for row in lake.rows("daily")] == [1, 16, 115, 1100]


def test_a_change_of_an_input_read_whole_touches_every_slice(lake: Any, make_model: MakeModel) -> None:
    kinds = pa.schema([("kind", pa.string()), ("label", pa.string())])
    model = make_model(
        sql="SELECT day, label AS kind, count(*) AS events FROM events JOIN kinds USING (kind) GROUP BY day, label",
        inputs={"events": Input(name="events", slice="day"), "kinds": Input(name="kinds", slice=None)},
    )
    lake.feed("events", events((1, "a", 1), (2, "b", 1)))
    lake.writers["kinds"] = "source/kinds"
    assert lake.build(model) is None
    assert lake.stage(model).waits_for() == ("kinds",)
    lake.feed("kinds", pa.table({"kind": ["a"], "label": ["A"]}, schema=kinds), partition_by=None)
    assert slices_of(lake.build(model)) == ["2015-01-01", "2015-01-02"]
    lake.feed("kinds", pa.table({"kind": ["b"], "label": ["B"]}, schema=kinds), partition_by=None)

    assert slices_of(lake.build(model)) == ["2015-01-01", "2015-01-02"]
    assert lake.rows("daily") == [daily(1, "A", 1), daily(2, "B", 1)]


def test_a_model_without_slices_is_rebuilt_whole(lake: Any, make_model: MakeModel) -> None:
    model = make_model(
        sql="SELECT kind, sum(n) AS events FROM events GROUP BY kind",
        slice=None,
        columns={"kind": "string", "events": "bigint"},
    )
    lake.feed("events", events((1, "a", 1), (2, "b", 2)))
    lake.build(model)
    lake.feed("events", events((3, "a", 5)))

    record = lake.build(model)

    assert slices_of(record) == []
    assert lake.rows("daily") == [{"kind": "a", "events": 6}, {"kind": "b", "events": 2}]
    assert len(lake.files("daily")[None]) == 1


def test_a_python_model_goes_the_same_way(lake: Any, make_model: MakeModel) -> None:
    text = """
from pyspark.sql import functions as F

@F.udf("string")
def loud(text):
    return text.upper()

def build(inputs):
    return inputs["events"].groupBy("day", loud("kind").alias("kind")).agg(F.count("*").alias("events"))
"""
    lake.feed("events", events((1, "a", 1), (2, "b", 1)))

    lake.build(make_model(kind="python", python_text=text))

    assert lake.rows("daily") == [daily(1, "A", 1), daily(2, "B", 1)]


def test_a_python_model_that_raises_is_the_projects_fault(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1)))

    raised = failure_of(
        lake.build(make_model(kind="python", python_text="def build(inputs):\n    return inputs['evnts']"))
    )
    inside = failure_of(
        lake.build(
            make_model(
                kind="python",
                python_text="""
from pyspark.sql import functions as F

def build(inputs):
    broken = F.udf(lambda text: {}[text], "string")
    return inputs["events"].select("day", broken("kind").alias("kind"), F.lit(1).alias("events"))
""",
            )
        )
    )

    assert isinstance(raised, ConfigError)
    assert "KeyError: 'evnts'" in raised.what
    assert isinstance(inside, ConfigError)
    assert "KeyError: 'a'" in inside.what


def test_a_restricted_build_leaves_the_other_slices_due(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1), (2, "a", 1), (3, "a", 1)))

    first = lake.build(make_model(), Restriction(first="2015-01-02", last="2015-01-02"))
    again = lake.build(make_model(), Restriction(first="2015-01-02", last="2015-01-02"))
    rest = lake.build(make_model())

    assert slices_of(first) == ["2015-01-02"]
    assert again is None
    assert slices_of(rest) == ["2015-01-01", "2015-01-03"]
    assert len(lake.rows("daily")) == 3


def test_a_changed_query_rebuilds_everything_and_an_added_column_is_added(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", events((1, "a", 1), (2, "b", 2)))
    lake.build(make_model())

    record = lake.build(
        make_model(
            sql="SELECT day, kind, count(*) AS events, sum(n) AS total FROM events GROUP BY day, kind",
            columns={"day": "date", "kind": "varchar(10)", "events": "bigint", "total": "bigint"},
        )
    )

    assert slices_of(record) == ["2015-01-01", "2015-01-02"]
    assert lake.rows("daily") == [{**daily(1, "a", 1), "total": 1}, {**daily(2, "b", 1), "total": 2}]


def test_models_build_upon_models(lake: Any, make_model: MakeModel) -> None:
    upper = make_model(
        name="totals", sql="SELECT day, sum(events) AS events FROM daily GROUP BY day",
        inputs={"daily": Input(name="daily", slice="day")}, columns={"day": "date", "events": "bigint"},
    )  # fmt: skip
    lake.feed("events", events((1, "a", 1), (2, "b", 1)))
    lake.build(make_model())
    lake.build(upper)
    lake.feed("events", events((2, "c", 1)))
    lake.build(make_model())

    assert slices_of(lake.build(upper)) == ["2015-01-02"]
    assert [row["events"] for row in lake.rows("totals")] == [1, 2]
