from __future__ import annotations

import pytest

from lakemart.config.model import ModelColumn
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.models.types import ResultColumn, conform, is_lossless


@pytest.mark.parametrize(
    ("result", "declared"),
    [
        ("int", "bigint"), ("bigint", "int"), ("decimal(10,0)", "bigint"), ("bigint", "decimal(20,2)"), ("decimal(38,2)", "decimal(10,2)"),
        ("int", "double"), ("float", "double"), ("string", "varchar(10)"), ("string", "json"), ("string", "super"), ("void", "date"),
        ("timestamp", "timestamptz"), ("array<int>", "list<bigint>"), ("date", "date"), ("boolean", "boolean"),
    ],
)  # fmt: skip
def test_a_cast_that_is_exact_or_fails_is_made(result: str, declared: str) -> None:
    assert is_lossless(result, ColumnType.parse(declared))


@pytest.mark.parametrize(
    ("result", "declared"),
    [
        ("bigint", "double"), ("decimal(10,4)", "decimal(10,2)"), ("decimal(10,2)", "bigint"), ("decimal(10,2)", "double"), ("double", "decimal(10,2)"),
        ("double", "int"), ("int", "string"), ("string", "int"), ("string", "date"), ("timestamp", "date"), ("date", "timestamp"),
        ("timestamp_ntz", "timestamp"), ("boolean", "int"), ("struct<a:int>", "json"), ("array<string>", "list<int>"), ("map<string,int>", "super"),
    ],
)  # fmt: skip
def test_a_cast_that_may_change_a_value_is_for_the_query_to_write(result: str, declared: str) -> None:
    assert not is_lossless(result, ColumnType.parse(declared))


def columns(**types: str) -> list[ModelColumn]:
    return [ModelColumn(name=name, type=ColumnType.parse(kind)) for name, kind in types.items()]


def test_columns_are_put_in_declared_order_and_found_without_case() -> None:
    found = conform([ResultColumn("N", "int"), ResultColumn("day", "date")], columns(day="date", n="bigint"), where="m")

    assert [name for name, _ in found] == ["day", "N"]


def test_every_difference_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        conform(
            [ResultColumn("n", "string"), ResultColumn("more", "int"), ResultColumn("MORE", "int")],
            columns(day="date", n="int"),
            where="m",
        )

    assert caught.value.what == (
        "the query does not give the declared columns: column 'MORE' comes twice; column 'day' (date) is declared, the query does not"
        " give it; column 'MORE' (int) is not declared; column 'n' is string, declared int"
    )
