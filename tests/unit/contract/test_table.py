"""Contracts and feeds: their schemas, and that a plan's JSON gives back exactly what was frozen."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lakemart.contract.table import Column, Contract, Feed, Limits
from lakemart.contract.types import ColumnType

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
PATHS = st.lists(TEXTS, max_size=3).map(tuple)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | st.booleans() | NUMBERS
TYPES = st.sampled_from(
    [
        "string",
        "boolean",
        "bigint",
        "double",
        "decimal(10,2)",
        "timestamp",
        "json",
        "list<decimal(5,1)>",
        "list<string>",
    ]
).map(ColumnType.parse)
COLUMNS = st.builds(
    Column,
    name=TEXTS, type=TYPES, path=PATHS, date_of=st.none() | TEXTS, required=st.booleans(), lenient=st.booleans(),
    unit=st.sampled_from([None, "s", "ms", "us", "ns"]), zone=st.none() | TEXTS, round=st.booleans(), nul=st.sampled_from([None, "strip"]),
    values=st.none() | st.lists(SCALARS, max_size=3).map(tuple), minimum=st.none() | TEXTS | NUMBERS, maximum=st.none() | TEXTS | NUMBERS,
    pattern=st.none() | TEXTS, pii=st.sampled_from([None, "hash", "mask", "drop"]), redact=st.lists(PATHS, max_size=2).map(tuple),
)  # fmt: skip
CONTRACTS = st.builds(
    Contract,
    table=TEXTS, columns=st.lists(COLUMNS, max_size=3).map(tuple), key=PATHS, partition_by=st.none() | TEXTS,
    unknown_fields=st.sampled_from(["extra", "ignore", "reject"]), explode=PATHS, parent=st.none() | TEXTS, route=st.none() | TEXTS,
)  # fmt: skip
FEEDS = st.builds(
    Feed,
    format=st.sampled_from(["ndjson", "concatenated", "array", "records"]), records_path=PATHS,
    tables=st.lists(CONTRACTS, min_size=1, max_size=2).map(tuple), duplicate_keys=st.sampled_from(["reject", "last"]),
    skip=st.lists(st.tuples(PATHS, st.lists(SCALARS | st.none(), max_size=2).map(tuple)), max_size=2).map(tuple),
    route=PATHS, other=st.sampled_from(["quarantine", "ignore", "a_table"]),
    limits=st.builds(Limits, depth=st.integers(1, 9999), record_bytes=st.integers(1, 2**40), digits=st.integers(1, 9999)),
)  # fmt: skip


def exactly(value: object) -> str:
    """The value with the type of everything in it: 1, 1.0 and True are equal in Python and not in a contract."""
    return repr(value)


@settings(max_examples=60, deadline=None)
@given(FEEDS)
def test_a_feed_comes_back_exactly_from_the_json_of_a_plan(feed: Feed) -> None:
    back = Feed.from_json(json.loads(json.dumps(feed.as_json(), ensure_ascii=False)))

    assert exactly(back) == exactly(feed)
    assert back.version == feed.version


CONTRACT = Contract(
    table="events",
    columns=(
        Column(name="id", type=ColumnType.parse("bigint"), path=("id",)),
        Column(name="day", type=ColumnType.parse("date"), date_of="at"),
        Column(name="email", type=ColumnType.parse("string"), path=("email",), pii="drop"),
    ),
    key=("id",),
)


def test_decoded_rows_have_the_columns_then_what_was_unknown_then_the_offset() -> None:
    assert CONTRACT.schema == pa.schema(
        [("id", pa.int64()), ("day", pa.date32()), ("_extra", pa.string()), ("_offset", pa.int64())]
    )


def test_a_lake_table_ends_with_where_its_rows_come_from_and_lacks_what_is_dropped() -> None:
    assert CONTRACT.lake_schema.names == ["id", "day", "_extra", "_object", "_offset", "_batch"]
    assert replace(CONTRACT, unknown_fields="reject").lake_schema.names == ["id", "day", "_object", "_offset", "_batch"]


def test_the_version_changes_with_any_rule_and_with_nothing_else() -> None:
    feed = Feed(tables=(CONTRACT,))
    others = [
        replace(feed, duplicate_keys="last"),
        replace(feed, tables=(replace(CONTRACT, key=()),)),
        replace(feed, tables=(replace(CONTRACT, columns=CONTRACT.columns[::-1]),)),
        replace(feed, limits=Limits(depth=3)),
    ]

    assert Feed(tables=(replace(CONTRACT),)).version == feed.version
    assert len({feed.version, *(other.version for other in others)}) == 5
    assert len(feed.version) == 12


@pytest.mark.parametrize(
    "change", [{"format": "csv"}, {"tables": None}, {"tables": [{"table": "t"}]}, {"limits": {"depth": "deep"}}]
)
def test_what_is_no_feed_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Feed.from_json({**Feed(tables=(CONTRACT,)).as_json(), **change})


def test_a_contract_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        CONTRACT.table = "other"  # type: ignore[misc]
