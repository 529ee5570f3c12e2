"""What a check of a table finds, each damage done to a real table on disk."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakemart.lake.actions import NEW_TABLE, TableChange, schema_to_json
from lakemart.lake.check import check_table
from lakemart.lake.commit import commit
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.store import Location

ROWS = pa.record_batch({"id": pa.array([1, 2, 3])})


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    """A lake with a table of two commits: six rows at version 1."""
    place = Location(uri=str(tmp_path / "lake"))
    for number, base in ((1, NEW_TABLE), (2, 0)):
        files = write_files(
            [ROWS], FileTarget(root=place.child("t"), schema=ROWS.schema, partition_by=None, number=number)
        )
        change = TableChange(table="t", base_version=base, schema=schema_to_json(ROWS.schema), adds=tuple(files))
        commit(place, change, writer="source/t", number=number, run="r")
    return place


def found(lake: Location) -> str:
    return "; ".join(check_table(lake, "t", version=1, rows=6))


def data_file(lake: Location) -> Path:
    return next(Path(lake.uri, "t").glob("*.parquet"))


def commit_file(lake: Location, version: int) -> Path:
    return Path(lake.uri, "t", "_delta_log", f"{version:020d}.json")


def test_a_table_as_the_ledger_left_it_is_good(lake: Location) -> None:
    assert found(lake) == ""


def test_a_table_that_never_was_is_good_only_if_the_ledger_says_so(lake: Location) -> None:
    assert check_table(lake, "other", version=NEW_TABLE, rows=0) == []
    assert "there is none" in check_table(lake, "other", version=0, rows=0)[0]


def test_a_ledger_that_claims_more_than_the_table_holds_is_found(lake: Location) -> None:
    assert check_table(lake, "t", version=1, rows=7) == ["the ledger counts 7 rows, the table's log 6"]


def test_a_missing_data_file_is_named(lake: Location) -> None:
    gone = data_file(lake)
    gone.unlink()

    assert found(lake) == f"data file {gone.name!r} is missing"


def test_a_data_file_of_another_size_is_named(lake: Location) -> None:
    torn = data_file(lake)
    torn.write_bytes(torn.read_bytes()[:-5])

    assert f"data file {torn.name!r} has" in found(lake)


def test_a_foreign_commit_is_found(lake: Location) -> None:
    write_deltalake(f"{lake.uri}/t", pa.table({"id": [9]}), mode="append")

    assert "it is at 2: somebody else changed it" in found(lake)


def test_a_table_restored_to_an_older_version_is_found(lake: Location) -> None:
    DeltaTable(f"{lake.uri}/t").restore(0)

    assert "it is at 2: somebody else changed it" in found(lake)
    assert "the ledger counts 6 rows, the table's log 3" in found(lake)


def test_an_empty_last_commit_is_found_though_readers_take_it_for_a_commit_of_nothing(lake: Location) -> None:
    commit_file(lake, 1).write_bytes(b"")

    assert f"_delta_log/{1:020d}.json' is empty" in found(lake)


def test_a_torn_commit_is_found(lake: Location) -> None:
    torn = commit_file(lake, 1)
    torn.write_bytes(torn.read_bytes()[:-40])

    assert found(lake)


def test_a_missing_commit_is_found(lake: Location) -> None:
    commit_file(lake, 1).unlink()

    assert "the ledger left the table at version 1, it is at 0" in found(lake)
