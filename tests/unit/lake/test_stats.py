"""Statistics of data files: bounds may be wider than the data, never narrower, or readers would skip rows that are there."""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakemart.lake.stats import file_stats

UTC = dt.UTC
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)

VALUES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "smallint": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "int": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "bigint": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "double": (pa.float64(), st.floats()),
    "boolean": (pa.bool_(), st.booleans()),
    "decimal": (pa.decimal128(38, 10), st.decimals(-(10**28) + 1, 10**28 - 1, places=10)),
    "small decimal": (pa.decimal128(5, 2), st.decimals(-999, 999, places=2)),
    "date": (pa.date32(), st.dates()),
    "timestamp": (pa.timestamp("us", tz="UTC"), st.datetimes(timezones=st.just(UTC))),
    "string": (pa.string(), st.text(max_size=80)),
    "long string": (pa.string(), st.text(alphabet="a\u00e9\ud7ff\ue000\U0010ffff", min_size=30, max_size=40)),
    "binary": (pa.binary(), st.binary(max_size=80)),
    "list": (pa.list_(pa.field("element", pa.int64())), st.lists(st.integers(0, 9), max_size=3)),
}


def stats_of(kind: pa.DataType, values: list[Any], row_group_size: int = 3) -> dict[str, Any]:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"c": pa.array(values, kind)}), sink, row_group_size=row_group_size)
    doubles = pa.types.is_floating(kind) and not all(value is None or math.isfinite(value) for value in values)
    text = file_stats(pq.read_metadata(pa.BufferReader(sink.getvalue())), not_finite={"c"} if doubles else ())
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def as_value(kind: pa.DataType, bound: Any) -> Any:
    """A bound of the log as the value a reader compares with."""
    if pa.types.is_timestamp(kind):
        return dt.datetime.fromisoformat(bound)
    if pa.types.is_date(kind):
        return dt.date.fromisoformat(bound)
    if pa.types.is_floating(kind):
        return float(bound)
    return Decimal(bound) if pa.types.is_decimal(kind) else bound


@pytest.mark.parametrize("name", VALUES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_bounds_hold_every_value_and_counts_are_exact(name: str, data: st.DataObject) -> None:
    kind, strategy = VALUES[name]
    values = data.draw(st.lists(st.none() | strategy, min_size=1, max_size=10))

    stats = stats_of(kind, values)

    present = [value for value in values if value is not None]
    assert stats["numRecords"] == len(values)
    if len(stats) == 1:
        assert name == "double"
        assert not all(math.isfinite(value) for value in present)
        return
    assert stats["nullCount"] == ({} if name == "list" else {"c": values.count(None)})
    assert (
        ("c" in stats["minValues"]) == ("c" in stats["maxValues"]) == bool(present and name not in {"list", "binary"})
    )
    if "c" in stats["minValues"]:
        assert as_value(kind, stats["minValues"]["c"]) <= min(present)
        assert as_value(kind, stats["maxValues"]["c"]) >= max(present)


@pytest.mark.parametrize(
    ("kind", "values", "low", "high"),
    [
        (pa.int64(), [3, None, -1, 2**62], -1, 2**62),
        (
            pa.decimal128(38, 10),
            [Decimal("12345678901234567890.0123456789"), Decimal(0)],
            Decimal(0),
            Decimal("12345678901234567890.0123456789"),
        ),
        (pa.date32(), [dt.date(1, 2, 3), dt.date(9999, 12, 31)], "0001-02-03", "9999-12-31"),
        (pa.string(), ["b", "a", "ü"], "a", "ü"),
        (pa.string(), ["x" * 40], "x" * 32, "x" * 31 + "y"),
        (pa.string(), ["\ud7ff" * 40], "\ud7ff" * 32, "\ud7ff" * 31 + "\ue000"),
        (
            pa.timestamp("us", tz="UTC"),
            [EPOCH + dt.timedelta(microseconds=1)],
            "1970-01-01T00:00:00.000Z",
            "1970-01-01T00:00:00.001Z",
        ),
        (
            pa.timestamp("us", tz="UTC"),
            [EPOCH - dt.timedelta(microseconds=1)],
            "1969-12-31T23:59:59.999Z",
            "1970-01-01T00:00:00.000Z",
        ),
        (
            pa.timestamp("us", tz="UTC"),
            [dt.datetime(1, 1, 1, tzinfo=UTC)],
            "0001-01-01T00:00:00.000Z",
            "0001-01-01T00:00:00.000Z",
        ),
    ],
)
def test_bounds_are_as_near_as_the_log_can_say(kind: pa.DataType, values: list[Any], low: Any, high: Any) -> None:
    stats = stats_of(kind, values)

    assert (stats["minValues"]["c"], stats["maxValues"]["c"]) == (low, high)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.float64(), [1.0, float("nan")]),
        (pa.float64(), [1.0, float("-inf")]),
        (pa.timestamp("us", tz="UTC"), [2**60]),
        (pa.date32(), [2**30]),
    ],
    ids=str,
)
def test_a_file_with_a_value_that_has_no_bound_has_no_bounds_at_all(kind: pa.DataType, values: list[Any]) -> None:
    assert stats_of(kind, values) == {"numRecords": len(values)}


@pytest.mark.parametrize(
    ("kind", "value"), [(pa.binary(), b"x"), (pa.list_(pa.int64()), [1]), (pa.string(), None), (pa.float64(), None)]
)
def test_what_nobody_compares_has_no_bounds_and_takes_none_from_others(kind: pa.DataType, value: Any) -> None:
    assert stats_of(kind, [value])["minValues"] == {}


def test_texts_too_long_for_the_footer_are_bounded_by_what_bounds_any_text() -> None:
    stats = stats_of(pa.string(), ["a", "b", "\U0010fffe" * 10_000], row_group_size=1)

    assert stats["minValues"]["c"] == ""
    assert stats["maxValues"]["c"] > "\U0010fffe" * 10_000


def test_the_last_microsecond_has_its_bound() -> None:
    stats = stats_of(pa.timestamp("us", tz="UTC"), [dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)])

    assert stats["maxValues"]["c"] == "9999-12-31T23:59:59.999999Z"


def test_a_row_group_of_nulls_takes_nothing_from_the_others() -> None:
    stats = stats_of(pa.int64(), [None, None, 5, 7], row_group_size=2)

    assert (stats["minValues"]["c"], stats["maxValues"]["c"], stats["nullCount"]["c"]) == (5, 7, 2)
