"""Compaction: which files are worth merging, and that merging them changes no row, partition or bound."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakemart.lake.actions import AddedFile, TableChange, schema_to_json
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.compact import CompactTask, compact, small_files
from lakemart.lake.read import Snapshot, read_files, read_table, snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.store import Location

TARGET = 1000


def found(*files: tuple[str | None, int]) -> Snapshot:
    """A table with files of these partitions and sizes."""
    added = tuple(
        AddedFile(path=f"{index:03d}", size=size, rows=1, partition={"p": part})
        for index, (part, size) in enumerate(files)
    )
    return Snapshot(table="t", version=0, schema=pa.schema([]), partition_by="p", files=added)


def sizes(snapshot_of: Snapshot) -> list[list[int]]:
    return [[file.size for file in group] for group in small_files(snapshot_of, TARGET)]


def test_small_files_of_one_partition_are_merged_and_no_others() -> None:
    assert sizes(found(("a", 10), ("b", 10), ("a", 20), (None, 5), ("a", 10), (None, 5), ("c", 900), ("c", 900))) == [
        [10, 20, 10],
        [5, 5],
    ]


def test_a_file_as_large_as_all_smaller_ones_together_is_left_alone() -> None:
    assert sizes(found(("a", 500), ("a", 10), ("a", 10))) == [[10, 10]]
    assert sizes(found(("a", 500), ("a", 10))) == []


def test_a_group_stays_within_the_target() -> None:
    assert sizes(found(*[("a", 300)] * 7)) == [[300, 300, 300], [300, 300, 300]]


@given(st.lists(st.integers(1, 1200), max_size=60))
def test_compacting_until_nothing_is_due_ends_with_few_files_and_no_file_is_in_two_groups(
    given_sizes: list[int],
) -> None:
    """By sizes that add up; each round makes the files fewer, and few small ones are left."""
    left = list(given_sizes)
    for _ in range(len(given_sizes) + 1):
        table = found(*(("a", size) for size in left))
        groups = small_files(table, TARGET)
        paths = [file.path for group in groups for file in group]
        assert len(paths) == len(set(paths))
        if not groups:
            break
        merged = {file.path for group in groups for file in group}
        rest = [file.size for file in table.files if file.path not in merged]
        left = [*rest, *(sum(file.size for file in group) for group in groups)]
    assert sum(left) == sum(given_sizes)
    assert sum(size < TARGET * 0.375 for size in left) <= 11


@pytest.mark.parametrize("value", ["2015-01-01", None, "a/b=c %", "ä €", "x" * 300])
def test_a_merged_file_holds_the_rows_in_order_under_its_own_partition_value(tmp_path: Path, value: str | None) -> None:
    lake = Location(uri=str(tmp_path))
    schema = pa.schema([("p", pa.string()), ("n", pa.float64()), ("tags", pa.list_(pa.field("element", pa.string())))])
    young = pa.schema([*schema, ("late", pa.string())])
    for number in (1, 2, 3):
        columns = [
            pa.array([value, value]),
            pa.array([number, float("nan") if number == 2 else 0.5]),
            pa.array([["x"], None], schema.field("tags").type),
        ]
        target = FileTarget(root=lake.child("t"), schema=schema, partition_by="p", number=number)
        files = write_files([pa.record_batch(columns, schema=schema)], target)
        change = table_change("t", schema, snapshot(lake, "t"), partition_by="p", adds=files)
        commit(lake, change, writer="source/s", number=number, run="r")
    before = snapshot(lake, "t")
    assert before is not None
    task = CompactTask(root=lake.child("t"), schema=young, partition_by="p", number=4, files=before.files)

    assert pickle.loads(pickle.dumps(task)) == task  # noqa: S301 - a large one goes to Spark
    done = compact(task)

    (file,) = done.adds
    assert (file.partition, file.rows, done.removes) == ({"p": value}, 6, before.files)
    rows = pa.concat_tables(read_files(lake.child("t"), before.files, young)).to_pylist()
    (merged,) = read_files(lake.child("t"), [file], young)
    assert repr(merged.to_pylist()) == repr(rows)
    assert "minValues" not in json.loads(file.stats)  # a NaN has no bound in JSON
    change = TableChange(
        table="t", base_version=2, schema=schema_to_json(schema), partition_by="p", adds=done.adds,
        removes=done.removes, data_change=False,
    )  # fmt: skip
    commit(lake, change, writer="source/s", number=4, run="r")
    assert repr(read_table(lake, "t").to_pylist()) == repr(
        [{k: v for k, v in row.items() if k != "late"} for row in rows]
    )
