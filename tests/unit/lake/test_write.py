"""The one Parquet writer: rows kept, partitions apart, files and row groups of bounded size, a dictionary where it pays."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemart.errors import DataError
from lakemart.lake import write
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import read_files
from lakemart.lake.write import FileTarget, PartitionedFiles, partition_text, write_files
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "t"))


def batch(schema: pa.Schema, *rows: tuple[Any, ...]) -> pa.RecordBatch:
    columns = [pa.array([row[index] for row in rows], field.type) for index, field in enumerate(schema)]
    return pa.record_batch(columns, schema=schema)


def footer(root: Location, file: AddedFile) -> pq.FileMetaData:
    return pq.read_metadata(pa.BufferReader(open_store(root).read(file.path)[0]))


PARTITIONS: list[tuple[pa.DataType, list[Any], list[str | None]]] = [
    (pa.string(), ["plain", "a/b", "a b", "100%", "ü/日本", "a=b", "..", "", None, "x" * 1000, "é" * 400, "a\nb"],
     ["plain", "a/b", "a b", "100%", "ü/日本", "a=b", "..", None, None, "x" * 1000, "é" * 400, "a\nb"]),
    (pa.date32(), [dt.date(2015, 1, 1), None, dt.date(1, 1, 1)], ["2015-01-01", None, "0001-01-01"]),
    (pa.int64(), [0, -1, 2**62, None], ["0", "-1", str(2**62), None]),
    (pa.int16(), [0, -1, None], ["0", "-1", None]),
    (pa.bool_(), [True, False, None], ["true", "false", None]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "texts"), PARTITIONS, ids=lambda value: str(value)[:10])
def test_rows_are_kept_apart_by_partition_value_of_any_type(
    root: Location, kind: pa.DataType, values: list[Any], texts: list[str | None]
) -> None:
    schema = pa.schema([("p", kind), ("n", pa.int64())])
    rows = batch(schema, *((value, index) for index, value in enumerate(values * 2)))

    files = write_files([rows], FileTarget(root=root, schema=schema, partition_by="p", number=3))

    assert {file.partition["p"] for file in files} == set(texts)
    assert sum(file.rows for file in files) == len(values) * 2
    read = {row["n"]: row["p"] for part in read_files(root, files, schema) for row in part.to_pylist()}
    assert read == {index: value if value != "" else None for index, value in enumerate(values * 2)}
    assert sorted(info.key for info in open_store(root).list()) == sorted(file.path for file in files)
    assert {info.key: info.size for info in open_store(root).list()} == {file.path: file.size for file in files}
    assert [partition_text(value) for value in values] == texts


def test_no_partition_value_leads_out_of_the_tables_folder(root: Location) -> None:
    schema = pa.schema([("p", pa.string()), ("n", pa.int64())])
    values = ["../../x", "/etc", "..", ".", "a/../../b", "\x00", "C:\\x", "s3://b/k"]

    files = write_files(
        [batch(schema, *((value, 1) for value in values))],
        FileTarget(root=root, schema=schema, partition_by="p", number=1),
    )

    assert all(file.path.startswith("p=") and file.path.count("/") == 1 for file in files)


def test_rows_keep_their_order_within_a_partition_over_batches_and_files(
    root: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "ROW_GROUP_BYTES", 256)
    monkeypatch.setattr(write, "FILE_BYTES", 1500)
    schema = pa.schema([("p", pa.string()), ("n", pa.int64())])
    batches = [batch(schema, *(("ab"[n % 2], n) for n in range(start, start + 40))) for start in range(0, 2000, 40)]

    files = write_files(batches, FileTarget(root=root, schema=schema, partition_by="p", number=1))

    assert len(files) > 4
    for value, first in (("a", 0), ("b", 1)):
        mine = [file for file in files if file.partition["p"] == value]
        assert [
            n for part in read_files(root, mine, schema, columns=["n"]) for n in part.column("n").to_pylist()
        ] == list(range(first, 2000, 2))
        assert all(footer(root, file).num_row_groups > 1 for file in mine[:-1])
        assert all(file.rows == footer(root, file).num_rows for file in mine)


def test_without_a_partition_column_files_lie_at_the_root(root: Location) -> None:
    schema = pa.schema([("n", pa.int64())])

    (file,) = write_files(
        [batch(schema, (1,), (2,))], FileTarget(root=root, schema=schema, partition_by=None, number=12)
    )

    assert "/" not in file.path
    assert file.path.startswith("0000000012-"), "clean-up goes by the number"
    assert (file.rows, file.partition) == (2, {})


def test_no_rows_make_no_file(root: Location) -> None:
    schema = pa.schema([("p", pa.string()), ("n", pa.int64())])
    target = FileTarget(root=root, schema=schema, partition_by="p", number=1)

    assert write_files([], target) == write_files([batch(schema)], target) == []


def test_a_second_execution_never_writes_over_the_first(root: Location) -> None:
    schema = pa.schema([("p", pa.string()), ("n", pa.int64())])
    target = FileTarget(root=root, schema=schema, partition_by="p", number=1)

    first, second = (write_files([batch(schema, ("a", n), ("b", n))], target) for n in (1, 2))

    assert not {file.path for file in first} & {file.path for file in second}
    assert [part.column("n").to_pylist() for part in read_files(root, first, schema)] == [[1], [1]]


def test_columns_may_come_in_any_order_and_as_a_narrower_type(root: Location) -> None:
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    rows = pa.record_batch([pa.array(["x"]), pa.array([1], pa.int32())], names=["b", "a"])

    (file,) = write_files([rows], FileTarget(root=root, schema=schema, partition_by=None, number=1))

    assert footer(root, file).schema.to_arrow_schema() == schema
    assert next(read_files(root, [file], schema)).to_pylist() == [{"a": 1, "b": "x"}]


def test_a_value_that_does_not_fit_its_column_is_an_error_not_another_value(root: Location) -> None:
    schema = pa.schema([("a", pa.int16())])
    rows = pa.record_batch([pa.array([70_000], pa.int64())], names=["a"])

    with pytest.raises(pa.ArrowInvalid):
        write_files([rows], FileTarget(root=root, schema=schema, partition_by=None, number=1))


def test_a_dictionary_is_used_only_where_values_repeat(root: Location) -> None:
    schema = pa.schema(
        [("unique", pa.string()), ("few", pa.string()), ("flag", pa.bool_()), ("price", pa.decimal128(10, 2))]
    )
    rows = batch(schema, *((f"id-{n}", "xyz"[n % 3], n % 2 == 0, Decimal(n % 5)) for n in range(1000)))

    (file,) = write_files([rows], FileTarget(root=root, schema=schema, partition_by=None, number=1))

    group = footer(root, file).row_group(0)
    columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    assert {name for name, column in columns.items() if column.has_dictionary_page} == {"few", "price"}
    assert {column.compression for column in columns.values()} == {"ZSTD"}


def test_files_are_not_seen_before_they_are_whole(root: Location) -> None:
    schema = pa.schema([("n", pa.int64())])
    files = PartitionedFiles(FileTarget(root=root, schema=schema, partition_by=None, number=1))

    files.add(batch(schema, (1,)))
    assert list(open_store(root).list()) == []
    assert len(files.close()) == 1


def test_a_missing_or_torn_data_file_is_named(root: Location) -> None:
    schema = pa.schema([("n", pa.int64())])
    (file,) = write_files([batch(schema, (1,))], FileTarget(root=root, schema=schema, partition_by=None, number=1))
    whole = open_store(root).read(file.path)[0]

    for torn in (b"", whole[:50], whole[:-1], b"x" + whole[1:-8] + b"garbage!"):
        open_store(root).write(file.path, torn)
        with pytest.raises(DataError, match=f"data file '{file.path}' cannot be read"):
            list(read_files(root, [file], schema))
    open_store(root).delete(file.path)
    with pytest.raises(DataError, match=f"data file '{file.path}' is gone"):
        list(read_files(root, [file], schema))


def test_very_many_batches_of_one_row_are_joined_and_keep_their_order(
    root: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes kilobytes however few its bytes are."""
    monkeypatch.setattr(write, "_JOINED", 10)
    schema = pa.schema([("p", pa.int64()), ("n", pa.int64())])
    files = PartitionedFiles(FileTarget(root=root, schema=schema, partition_by="p", number=1))
    for number in range(1_000):
        files.add(batch(schema, (number % 2, number)))
        assert all(len(part._pending) <= 500 // 10 + 10 for part in files._parts.values())

    written = files.close()

    assert [file.rows for file in written] == [500, 500]
    read = [part.column("n").to_pylist() for part in read_files(root, written, schema)]
    assert read == [list(range(0, 1_000, 2)), list(range(1, 1_000, 2))]
