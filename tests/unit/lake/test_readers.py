"""Whoever reads a lake table reads the same rows and types: this room, delta-rs, DuckDB and Polars."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from lakemart.contract.table import Column, Contract
from lakemart.contract.types import ColumnType
from lakemart.errors import DataError
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import read_table, snapshot, version_of
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

if TYPE_CHECKING:
    from pathlib import Path

TYPES = (
    "string",
    "boolean",
    "smallint",
    "int",
    "bigint",
    "double",
    "decimal(38,10)",
    "decimal(9,2)",
    "date",
    "timestamp",
    "json",
    "list<bigint>",
    "list<string>",
)
CONTRACT = Contract(
    table="t",
    columns=tuple(
        Column(name=f"c{index}", type=ColumnType.parse(text), path=("x",)) for index, text in enumerate(TYPES)
    ),
)
SCHEMA = pa.schema([("p", pa.string()), *CONTRACT.lake_schema])
NOON = dt.datetime(2015, 1, 1, 12, 0, 0, 123_456, tzinfo=dt.UTC)
LAST = dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC)
ROWS: list[tuple[Any, ...]] = [
    ("plain", "text", True, 1, 2, 3, 1.5, Decimal("1.5"), Decimal("0.10"), dt.date(2015, 1, 1), NOON, '{"a":1}', [1, 2], ["a"], "{}"),
    ("a/b c%", "", False, -(2**15), -(2**31), -(2**63), float("-inf"), Decimal("-1234567890123456789012345678.0123456789"), Decimal("-9999999.99"), dt.date(1, 1, 1), dt.datetime(1, 1, 1, tzinfo=dt.UTC), "[]", [], [], None),
    ("ü", "\n\t\u2028😀", None, 2**15 - 1, 2**31 - 1, 2**63 - 1, 5e-324, Decimal("1234567890123456789012345678.0123456789"), Decimal("9999999.99"), dt.date(9999, 12, 31), LAST, "null", [None, 2**63 - 1], [None, ""], "x"),
    (None, *([None] * 14)),
]  # fmt: skip


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    location = Location(uri=str(tmp_path))
    rows = [(*row, "object", index, 1) for index, row in enumerate(ROWS)]
    columns = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(SCHEMA)]
    files = write_files(
        [pa.record_batch(columns, schema=SCHEMA)],
        FileTarget(root=location.child("t"), schema=SCHEMA, partition_by="p", number=1),
    )
    commit(
        location, table_change("t", SCHEMA, None, partition_by="p", adds=files), writer="source/s", number=1, run="r"
    )
    return location


@pytest.fixture
def expected(lake: Location) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read_table(lake, "t").sort_by("_offset").to_pylist()
    return found


def test_this_room_gives_back_what_was_written(lake: Location, expected: list[dict[str, Any]]) -> None:
    assert [tuple(row.values())[:15] for row in expected] == ROWS
    assert read_table(lake, "t").schema == SCHEMA


def test_delta_rs_reads_the_same(lake: Location, expected: list[dict[str, Any]]) -> None:
    read = DeltaTable(f"{lake.uri}/t").to_pyarrow_table().sort_by("_offset")

    assert read.to_pylist() == expected
    assert read.schema.remove_metadata() == SCHEMA


def test_polars_reads_the_same(lake: Location, expected: list[dict[str, Any]]) -> None:
    read = pl.read_delta(f"{lake.uri}/t").sort("_offset")

    assert read.columns == SCHEMA.names
    assert read.to_dicts() == expected
    assert read.schema["c6"] == pl.Decimal(38, 10)
    assert read.schema["c9"] == pl.Datetime("us", "UTC")


def test_duckdb_reads_the_same_from_the_tables_files(lake: Location, expected: list[dict[str, Any]]) -> None:
    files = DeltaTable(f"{lake.uri}/t").file_uris()
    own = [name for name in SCHEMA.names if name != "p"]
    connection = duckdb.connect()

    with connection:
        relation = connection.read_parquet(files, hive_partitioning=False).order("_offset")
        read = relation.to_arrow_table().to_pylist()
        kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))

    assert read == [{name: row[name] for name in own} for row in expected]
    assert (kinds["c6"], kinds["c8"], kinds["c9"], kinds["c11"]) == (
        "DECIMAL(38,10)",
        "DATE",
        "TIMESTAMP WITH TIME ZONE",
        "BIGINT[]",
    )


@pytest.mark.parametrize("name", [f"c{index}" for index in range(11)])
def test_no_reader_that_skips_by_statistics_misses_a_row(
    lake: Location, expected: list[dict[str, Any]], name: str
) -> None:
    """The file of the second row has an infinity and no bounds at all; a missing bound beside others loses rows to delta-rs."""
    dataset = DeltaTable(f"{lake.uri}/t").to_pyarrow_dataset()
    scan = pl.scan_delta(f"{lake.uri}/t")
    for row in expected[:3]:
        value = pa.scalar(row[name], SCHEMA.field(name).type)

        for found in (
            dataset.to_table(filter=pc.field(name) == value).column("_offset").to_pylist(),
            scan.filter(pl.col(name) == pl.lit(row[name], dtype=pl.Schema(SCHEMA)[name]))
            .collect()["_offset"]
            .to_list(),
        ):
            assert found == [
                other["_offset"] for other in expected if other[name] == row[name] and row[name] is not None
            ]


@pytest.fixture
def grown(lake: Location) -> Store:
    """The log of a table of three versions."""
    for number in (2, 3):
        columns = [pa.array([1 if field.name == "_offset" else None], field.type) for field in SCHEMA]
        files = write_files(
            [pa.record_batch(columns, schema=SCHEMA)],
            FileTarget(root=lake.child("t"), schema=SCHEMA, partition_by="p", number=number),
        )
        commit(
            lake,
            table_change("t", SCHEMA, snapshot(lake, "t"), partition_by="p", adds=files),
            writer="source/s",
            number=number,
            run="r",
        )
    return open_store(lake.child("t/_delta_log"))


def commit_file(version: int) -> str:
    return f"{version:020d}.json"


@pytest.mark.parametrize("version", [0, 1, 2])
def test_a_torn_commit_file_is_an_error_that_names_the_table(lake: Location, grown: Store, version: int) -> None:
    data = grown.read(commit_file(version))[0]
    grown.write(commit_file(version), data[: len(data) // 2])

    with pytest.raises(DataError, match="table 't' cannot be opened"):
        snapshot(lake, "t")


@pytest.mark.parametrize("version", [0, 1])
def test_a_missing_commit_file_before_the_last_is_an_error_that_names_the_table(
    lake: Location, grown: Store, version: int
) -> None:
    grown.delete(commit_file(version))

    with pytest.raises(DataError, match="table 't' cannot be opened"):
        snapshot(lake, "t")


def test_a_missing_last_commit_file_lets_the_table_fall_behind_the_ledger(lake: Location, grown: Store) -> None:
    """Delta cannot tell; the version the ledger left it at can, and every writer compares the two."""
    grown.delete(commit_file(2))

    assert version_of(lake, "t") == 1


def test_a_version_that_is_not_there_is_an_error_that_names_it(lake: Location) -> None:
    with pytest.raises(DataError, match="table 't' cannot be opened") as caught:
        snapshot(lake, "t", 7)

    assert caught.value.where.endswith("/t version 7")


def test_a_table_that_is_not_there_is_none_and_reading_it_an_error(lake: Location) -> None:
    assert snapshot(lake, "not_there") is None
    with pytest.raises(DataError, match="there is no table 'not_there'"):
        read_table(lake, "not_there")


def test_the_logs_paths_are_those_of_the_files_by_deltas_own_rule(lake: Location) -> None:
    """A path in the log is the file's key, escaped once more: %25 in the log for every % in the key."""
    from urllib.parse import unquote  # noqa: PLC0415 - the rule is about it

    store = open_store(lake.child("t"))
    lines = [json.loads(line) for line in store.read("_delta_log/" + commit_file(0))[0].splitlines()]

    paths = sorted(unquote(line["add"]["path"]) for line in lines if "add" in line)
    assert paths == sorted(info.key for info in store.list("p="))
