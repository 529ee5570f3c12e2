from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from chispa import assert_df_equality

from lakemart.config.model import Model
from lakemart.errors import ConfigError
from lakemart.lake import spark as lake_spark
from lakemart.lake.read import version_of
from lakemart.ledger.protocol import Refusal
from lakemart.models.query import query_lake
from lakemart.models.stage import failure_of

MakeModel = Callable[..., Model]

EVERY_TYPE = pa.schema(
    [
        ("place", pa.string()), ("n", pa.int32()), ("at", pa.timestamp("us", tz="UTC")), ("price", pa.decimal128(20, 3)),
        ("day", pa.date32()), ("ratio", pa.float64()), ("is_new", pa.bool_()), ("tags", pa.list_(pa.field("element", pa.int64()))),
    ]
)  # fmt: skip


def a_row(place: str | None, n: int) -> dict[str, object]:
    at = dt.datetime(1850, 1, 1, 12, 30, 0, n, tzinfo=dt.UTC)
    return {
        "place": place, "n": n, "at": at, "price": Decimal("99999999999999999.125"), "day": dt.date(1, 1, 2), "ratio": float("nan"),
        "is_new": None, "tags": [1, None],
    }  # fmt: skip


@pytest.fixture
def places(lake: Any) -> Any:
    """A table of texts that are hard on paths, in two versions; the second has a column more."""
    rows = [a_row(place, n) for n, place in enumerate(("a b", "ü/%2F", "{x}", "a=b", None))]
    lake.feed("places", pa.Table.from_pylist(rows, schema=EVERY_TYPE), partition_by="place")
    later = EVERY_TYPE.append(pa.field("more", pa.string()))
    lake.feed("places", pa.Table.from_pylist([{**a_row("a b", 9), "more": "x"}], schema=later), partition_by="place")
    return lake


@pytest.mark.parametrize(
    "slices", [None, frozenset({"a b", "ü/%2F", None}), frozenset({"{x}", "nowhere"}), frozenset()]
)
def test_files_read_by_name_and_deltas_own_reader_give_the_same_rows(
    places: Any, slices: frozenset[str | None] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark = places.engine.isolated()
    version = version_of(places.place, "places")
    by_name = lake_spark.pinned(spark, places.place, "places", version, slices)
    monkeypatch.setattr(lake_spark, "FEW_FILES", -1)

    by_delta = lake_spark.pinned(spark, places.place, "places", version, slices)

    # Nullability alone is not compared: it is a hint of the reader's to the optimiser, and files carry none.
    assert_df_equality(by_name, by_delta, ignore_nullable=True, ignore_row_order=True, allow_nan_equality=True)
    assert by_name.count() == (6 if slices is None else {3: 4, 2: 1, 0: 0}[len(slices)])


def test_an_older_version_is_read_as_it_was(places: Any) -> None:
    frame = lake_spark.pinned(places.engine.isolated(), places.place, "places", 0)

    assert frame.columns == EVERY_TYPE.names
    assert frame.count() == 5


def test_anybodys_query_sees_the_tables_under_their_names(places: Any) -> None:
    found = query_lake(
        places.engine,
        places.place,
        {"places": version_of(places.place, "places")},
        "SELECT place, price FROM places WHERE more = 'x';",
    )

    assert found.to_pylist() == [{"place": "a b", "price": Decimal("99999999999999999.125")}]


def test_a_query_of_the_lake_changes_nothing(places: Any) -> None:
    with pytest.raises(ConfigError, match="the query fails"):
        query_lake(places.engine, places.place, {"places": 0}, "DROP VIEW places")


def test_a_pinned_version_that_is_gone_is_planned_anew(lake: Any, make_model: MakeModel) -> None:
    rows = pa.table({"day": [dt.date(2015, 1, 1)], "kind": ["a"], "n": [1]})
    lake.feed("events", rows)
    stage = lake.stage(make_model())
    plan = stage.plan(1, None)
    lake.feed("events", rows, emptied=["2015-01-01"])
    for file in (lake.root / "events").rglob("0000000001-*.parquet"):
        file.unlink()

    outcome = stage.work(1, plan)

    assert isinstance(outcome, Refusal)
    assert not outcome.stops


def test_a_file_that_is_gone_from_the_last_version_stops_the_build(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", pa.table({"day": [dt.date(2015, 1, 1)], "kind": ["a"], "n": [1]}))
    for file in (lake.root / "events").rglob("*.parquet"):
        file.unlink()

    record = lake.build(make_model())

    error = failure_of(record)
    assert error is not None
    assert error.exit_code == 3
    assert "parquet" in error.what


def test_a_plan_of_another_query_is_given_up(lake: Any, make_model: MakeModel) -> None:
    lake.feed("events", pa.table({"day": [dt.date(2015, 1, 1)], "kind": ["a"], "n": [1]}))
    plan = lake.stage(make_model()).plan(1, None)

    outcome = lake.stage(make_model(sql="SELECT day, kind, 7L AS events FROM events")).work(1, plan)

    assert outcome == Refusal(reasons=("the model was changed after this was planned",), payload={}, stops=False)
