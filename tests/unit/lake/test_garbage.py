"""What may be deleted under a table: told by numbers and the log, on a folder and on S3, with and without a checkpoint."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.garbage import Limits, delete, garbage
from lakemart.lake.log import log_paths
from lakemart.lake.read import read_table, snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

SCHEMA = pa.schema([("p", pa.string()), ("n", pa.int64())])
VALUES = ["2015-01-01", "a/b=c %", "ä €", None, "x" * 300]
LATER = datetime.now(UTC) + timedelta(days=1)
EVER = datetime(2020, 1, 1, tzinfo=UTC)


def files(lake: Location, number: int, *values: str | None) -> list[str]:
    """Files of an attempt that nobody commits."""
    target = FileTarget(root=lake.child("t"), schema=SCHEMA, partition_by="p", number=number)
    rows = pa.record_batch([pa.array(values, pa.string()), pa.array([number] * len(values))], schema=SCHEMA)
    return [file.path for file in write_files([rows], target)]


def load(lake: Location, number: int, *, instead: bool = False) -> None:
    """A number that adds a row to each partition or, with `instead`, leaves only its own rows."""
    target = FileTarget(root=lake.child("t"), schema=SCHEMA, partition_by="p", number=number)
    rows = pa.record_batch([pa.array(VALUES, pa.string()), pa.array([number] * len(VALUES))], schema=SCHEMA)
    base = snapshot(lake, "t")
    removes = base.files if base is not None and instead else ()
    change = table_change("t", SCHEMA, base, partition_by="p", adds=write_files([rows], target), removes=removes)
    commit(lake, change, writer="source/s", number=number, run="r")


def found(lake: Location, closed: int, before: datetime = EVER, keep: tuple[int, ...] = ()) -> tuple[int, int]:
    one = garbage(lake, "t", Limits(closed=closed, before=before, keep=frozenset(keep)))
    return len(one.orphans), len(one.expired)


def test_nothing_that_a_version_names_is_an_orphan_whatever_its_partition_is_called(location: Location) -> None:
    load(location, 1)
    load(location, 2, instead=True)
    assert len(log_paths(location, "t").named) == 2 * len(VALUES)
    assert found(location, closed=9) == (0, 0)


def test_an_orphan_is_of_a_closed_number_and_in_no_version(location: Location) -> None:
    load(location, 1)
    of_two, of_three = files(location, 2, *VALUES), files(location, 3, *VALUES)
    load(location, 2)
    open_store(location).write("t/p=x/part-00000-somebody.snappy.parquet", b"")
    assert found(location, closed=1) == (0, 0)
    orphans = garbage(location, "t", Limits(closed=2, before=EVER)).orphans
    assert sorted(key for key, _ in orphans) == sorted(of_two)
    assert found(location, closed=3) == (len(of_two) + len(of_three), 0)
    assert delete(location, "t", (key for key, _ in orphans)) == len(of_two)
    assert found(location, closed=2) == (0, 0)
    assert read_table(location, "t").num_rows == 2 * len(VALUES)


def test_files_taken_out_go_after_their_time_but_for_versions_that_are_kept(location: Location) -> None:
    load(location, 1)
    load(location, 2, instead=True)
    load(location, 3, instead=True)
    assert found(location, closed=3) == (0, 0)
    assert found(location, closed=3, before=LATER) == (0, 2 * len(VALUES))
    assert found(location, closed=3, before=LATER, keep=(1,)) == (0, len(VALUES))
    assert found(location, closed=3, before=LATER, keep=(0, 1)) == (0, 0)


@pytest.mark.parametrize("kept", [0, 10])
def test_a_log_whose_first_entries_are_cleaned_away_is_read_from_its_checkpoint(tmp_path: Path, kept: int) -> None:
    lake = Location(uri=str(tmp_path))
    for number in range(1, 24):
        load(lake, number, instead=number % 3 == 0)
    before = log_paths(lake, "t")
    store = open_store(lake)
    for version in range(kept, 15):
        store.delete(f"t/_delta_log/{version:020d}.json")
    after = log_paths(lake, "t")
    assert after.named == before.named
    assert set(after.removed) == set(before.removed)
    assert found(lake, closed=23) == (0, 0)


def test_files_taken_out_so_long_ago_that_the_checkpoint_forgot_them_are_no_orphans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever keeps old files for longer than Delta's own week keeps these too."""
    lake = Location(uri=str(tmp_path))
    load(lake, 1)
    with monkeypatch.context() as patch:
        patch.setattr("lakemart.lake.commit.time.time", lambda now=time.time: now() - 30 * 86_400)
        load(lake, 2, instead=True)
    for number in range(3, 24):
        load(lake, number)
    assert found(lake, closed=23, before=datetime.now(UTC) - timedelta(days=60)) == (0, 0)
    assert found(lake, closed=23, before=datetime.now(UTC) - timedelta(days=20)) == (0, len(VALUES))
