"""The types of the interface: how they are written, and what each becomes in Arrow and in Spark."""

from __future__ import annotations

import doctest
from typing import get_args

import pyarrow as pa
import pytest

from lakemart.contract import types
from lakemart.contract.types import WAREHOUSE_ONLY, ColumnType, Kind
from lakemart.errors import ConfigError
from lakemart.lake.actions import schema_from_json, schema_to_json

TYPE_MAP = {
    "string": (pa.string(), "string"),
    "boolean": (pa.bool_(), "boolean"),
    "smallint": (pa.int16(), "smallint"),
    "int": (pa.int32(), "int"),
    "bigint": (pa.int64(), "bigint"),
    "double": (pa.float64(), "double"),
    "decimal(10,2)": (pa.decimal128(10, 2), "decimal(10,2)"),
    "decimal(38,38)": (pa.decimal128(38, 38), "decimal(38,38)"),
    "decimal(5,0)": (pa.decimal128(5, 0), "decimal(5,0)"),
    "date": (pa.date32(), "date"),
    "timestamp": (pa.timestamp("us", tz="UTC"), "timestamp"),
    "json": (pa.string(), "string"),
    "list<string>": (pa.list_(pa.field("element", pa.string())), "array<string>"),
    "list<decimal(9,3)>": (pa.list_(pa.field("element", pa.decimal128(9, 3))), "array<decimal(9,3)>"),
    "list<timestamp>": (pa.list_(pa.field("element", pa.timestamp("us", tz="UTC"))), "array<timestamp>"),
    "varchar(20)": (pa.string(), "string"),
    "timestamptz": (pa.timestamp("us", tz="UTC"), "timestamp"),
    "super": (pa.string(), "string"),
}


def test_the_examples_hold() -> None:
    assert doctest.testmod(types).failed == 0


def test_the_map_below_holds_every_kind() -> None:
    assert {ColumnType.parse(text).kind for text in TYPE_MAP} == set(get_args(Kind))
    assert set(get_args(Kind)) > WAREHOUSE_ONLY


@pytest.mark.parametrize("text", TYPE_MAP)
def test_a_type_is_read_as_written_and_has_its_row_of_the_map(text: str) -> None:
    made = ColumnType.parse(text)

    assert str(made) == text
    assert (made.arrow, made.spark) == TYPE_MAP[text]
    assert ColumnType.parse(str(made)) == made


@pytest.mark.parametrize("text", TYPE_MAP)
def test_a_type_comes_back_from_the_json_of_an_intent(text: str) -> None:
    schema = pa.schema([("c", ColumnType.parse(text).arrow)])

    assert schema_from_json(schema_to_json(schema)) == schema


@pytest.mark.parametrize(
    ("text", "same"),
    [
        (" BIGINT ", "bigint"),
        ("Decimal(10, 2)", "decimal(10,2)"),
        ("decimal(5)", "decimal(5,0)"),
        ("LIST<INT>", "list<int>"),
    ],
)
def test_a_type_may_be_written_in_other_ways(text: str, same: str) -> None:
    assert str(ColumnType.parse(text)) == same


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is not a type"),
        ("text", "'text' is not a type"),
        ("integer", "'integer' is not a type"),
        ("bigint)", "'bigint)' is not a type"),
        ("string(10)", "string takes no parameters"),
        ("int<int>", "int takes no parameters"),
        ("decimal", "is not a decimal type"),
        ("decimal(0,0)", "is not a decimal type"),
        ("decimal(39,2)", "is not a decimal type"),
        ("decimal(5,6)", "is not a decimal type"),
        ("decimal(5,-1)", "is not a type"),
        ("varchar", "is not a varchar type"),
        ("varchar(0)", "is not a varchar type"),
        ("varchar(65536)", "is not a varchar type"),
        ("varchar(10,2)", "is not a varchar type"),
        ("list", "'list' is not a list type"),
        ("list<>", "is not a type"),
        ("list<list<int>>", "is not a type"),
        ("list<json>", "is not a list type"),
        ("list<list>", "is not a list type"),
        ("list<super>", "is not a list type"),
        ("list<text>", "'text' is not a type"),
        ("list(5)", "'list(5)' is not a list type"),
    ],
)
def test_what_is_no_type_is_refused_with_what_to_write(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ColumnType.parse(text)

    assert said in caught.value.what
    assert caught.value.next_step
