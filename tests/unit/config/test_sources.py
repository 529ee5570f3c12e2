"""What a source's file means: contracts, routing, children, limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lakemart.config.load import load_project
from lakemart.config.source import Completion, RejectLimit, Source
from lakemart.contract.table import Column, Feed
from lakemart.contract.types import ColumnType
from lakemart.decode.api import decode
from lakemart.errors import ConfigError

GOLDEN = Path(__file__).parents[2] / "golden" / "config"
VARIABLES = {"STAGE": "one", "REDSHIFT_HOST": "redshift.example.com"}


@pytest.fixture
def orders() -> Source:
    return load_project(GOLDEN / "reference", environ=VARIABLES).sources["orders"]


def columns(source: Source) -> dict[str, Column]:
    return {column.name: column for column in source.feed.tables[0].columns}


def test_every_option_of_a_column_arrives_in_the_contract(orders: Source) -> None:
    found = columns(orders)

    assert found["order_id"] == Column(
        name="order_id", type=ColumnType("string"), path=("id",), required=True, pattern="o-[0-9]+", nul="strip"
    )
    assert found["exported_at"].path == ("$", "exported_at")
    assert found["exported_at"].unit == "ms"
    assert found["ordered_at"].zone == "Europe/Berlin"
    assert found["updated_at"].path == ("meta", "last.update")
    assert found["order_date"] == Column(name="order_date", type=ColumnType("date"), date_of="ordered_at")
    assert found["customer_doc"].redact == (("email",), ("phone",))
    assert found["customer"].pii == "hash"
    assert found["gift"].path == ("gift",), "the path defaults to the column's name"


def test_limits_on_values_are_in_the_spelling_of_the_columns_type(orders: Source) -> None:
    found = columns(orders)

    assert found["state"].values == ("open", "paid", "no")
    assert found["priority"].values == (1, 2, 3)
    assert (found["total"].minimum, found["total"].maximum) == ("0", "99999.99")
    assert found["ordered_at"].minimum == "2012-01-01"


def test_the_rules_of_a_source_arrive_as_values(orders: Source) -> None:
    assert orders.objects.complete == Completion(after=timedelta(minutes=10))
    assert orders.objects.closed_after == timedelta(days=14)
    assert orders.objects.dated
    assert orders.lookback == timedelta(days=3)
    assert orders.latest_by == "updated_at"
    assert orders.feed.format == "records"
    assert orders.feed.records_path == ("batch", "orders")
    assert orders.feed.skip == ((("kind",), ("test", "demo")), (("flags", "dry.run"), (True,)))
    assert orders.feed.limits.record_bytes == 1024 * 1024
    assert orders.descriptions == {
        "orders.ordered_at": "when it was placed",
        "order_lines.sku": "what was ordered",
    }


def test_a_child_table_takes_partition_and_strictness_from_its_parent_unless_it_says_otherwise(orders: Source) -> None:
    _, lines, notes = orders.feed.tables

    assert (lines.table, lines.parent, lines.explode) == ("order_lines", "orders", ("lines",))
    assert (lines.partition_by, lines.unknown_fields) == ("order_date", "ignore")
    assert (notes.table, notes.unknown_fields) == ("notes", "extra")
    assert [(column.name, column.path) for column in lines.columns] == [
        ("order_id", ("^", "id")),
        ("ordered_at", ("^", "ordered")),
        ("order_date", ()),
        ("_index", ("#",)),
        ("sku", ("sku",)),
        ("quantity", ("qty",)),
    ]
    assert [(column.name, column.path) for column in notes.columns][3:] == [
        ("note", ()),
        ("place", ("#",)),
        ("state", ("^", "state")),
    ]


def test_routed_tables_share_what_stands_at_the_top() -> None:
    feed = load_project(GOLDEN / "reference", environ=VARIABLES).sources["clicks"].feed

    assert feed.route == ("event", "type")
    assert feed.other == "other_clicks"
    assert [(t.table, t.route, t.parent) for t in feed.tables] == [
        ("other_clicks", None, None),
        ("page_view", "PageView", None),
        ("searches", "Search", None),
        ("search_filters", None, "searches"),
    ]
    assert [column.name for column in feed.tables[1].columns] == ["id", "at", "day", "kind", "url"]
    assert {t.partition_by for t in feed.tables} == {"day"}


def test_a_feed_from_the_files_survives_its_way_through_json(orders: Source) -> None:
    assert Feed.from_json(orders.feed.as_json()) == orders.feed


def test_an_undated_prefix_is_never_closed_and_a_dated_one_after_a_week_by_default(
    project: Callable[..., Path],
) -> None:
    text = "source: events\nobjects: {{prefix: '{prefix}'}}\ncolumns: {{id: {{type: string}}}}\n"

    plain = load_project(project({"sources/events.yaml": text.format(prefix="")}), environ={}).sources["events"]
    dated = load_project(project({"sources/events.yaml": text.format(prefix="{yyyy}/")}), environ={}).sources["events"]

    assert plain.objects.closed_after is None
    assert dated.objects.closed_after == timedelta(days=7)


@pytest.mark.parametrize(
    ("text", "records", "allowed"),
    [("1%", 5_000, 50), ("1%", 10, 10), ("0%", 5_000, 0), ("0", 5_000, 0), ("25", 5_000, 25), ("0.5%", 10_000, 50)],
)
def test_a_reject_limit_is_a_share_with_at_least_ten_or_a_number(
    project: Callable[..., Path], text: str, records: int, allowed: int
) -> None:
    source = load_project(project(), settings=[f"sources.events.reject_limit={text}"], environ={}).sources["events"]

    assert source.reject_limit.allowed(records) == allowed


def test_a_share_of_records_is_exact() -> None:
    assert RejectLimit(fraction=Decimal("0.29"), at_least=0).allowed(100) == 29


def test_yaml_never_turns_text_into_something_else(project: Callable[..., Path]) -> None:
    text = "source: events\ndescription: 1.10\nowner: no\ncolumns:\n  on: {type: string, values: [yes, 010, 2024-01-01, ~x]}\n"

    source = load_project(project({"sources/events.yaml": text}), environ={}).sources["events"]

    assert (source.description, source.owner) == ("1.10", "no")
    assert source.feed.tables[0].columns[0].name == "on"
    assert source.feed.tables[0].columns[0].values == ("yes", "010", "2024-01-01", "~x")


def test_an_alias_repeats_a_value_and_a_cut_decimal_says_to_quote_it(project: Callable[..., Path]) -> None:
    text = "source: events\ncolumns:\n  a: &t {type: bigint, path: x}\n  b: *t\n  c: {type: decimal(9,2)}\n"

    with pytest.raises(ConfigError) as caught:
        load_project(project({"sources/events.yaml": text}), environ={})

    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (5, 13)
    assert problem.message == "'type' is 'decimal(9': within braces YAML cuts it at the comma"
    assert problem.suggestion == 'put it in quotes: "decimal(12,2)"'


def test_skip_values_are_the_json_values_they_spell(project: Callable[..., Path]) -> None:
    text = "source: events\nskip: {a: [null, 1, 1.5, true, '1', x], b: y}\ncolumns: {id: {type: string}}\n"

    feed = load_project(project({"sources/events.yaml": text}), environ={}).sources["events"].feed

    assert feed.skip == ((("a",), (None, 1, 1.5, True, "1", "x")), (("b",), ("y",)))


def test_the_decoder_understands_every_path_of_the_reference(orders: Source) -> None:
    document = {
        "exported_at": 1_420_070_400_000,
        "batch": {
            "orders": [
                {
                    "id": "o-1",
                    "ordered": "2015-01-01T00:30:00",
                    "meta": {"last.update": "2015-01-02T00:00:00Z"},
                    "state": "open",
                    "lines": [{"sku": "A", "qty": 2}, {"sku": "B", "qty": 1}],
                    "notes": ["hi"],
                }
            ]
        },
    }

    decoded = decode(json.dumps(document).encode(), orders.feed, pii_key=b"key")

    assert decoded.counts.good == 1
    rows = {name: table.to_pylist() for name, table in decoded.rows.items()}
    assert rows["orders"][0]["updated_at"] == datetime(2015, 1, 2, tzinfo=UTC)
    assert rows["orders"][0]["order_date"] == date(2014, 12, 31), (
        "midnight and a half in Berlin is the day before in UTC"
    )
    assert [(row["order_id"], row["_index"], row["sku"]) for row in rows["order_lines"]] == [
        ("o-1", 0, "A"),
        ("o-1", 1, "B"),
    ]
    assert [(row["place"], row["note"], row["state"]) for row in rows["notes"]] == [(0, "hi", "open")]
