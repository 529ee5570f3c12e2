"""What COPY will read: physical types, order, counts and statistics of the staged files, and the manifest."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakemart.errors import DataError
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.publish import unload as unloading
from lakemart.publish.columns import ColumnStats, column_stats, json_text, physical
from lakemart.publish.unload import (
    UnloadTask,
    content_hash,
    inline,
    is_staged,
    pack,
    prefix,
    remove_staged,
    together,
    unload,
    write_manifest,
)
from lakemart.storage.store import Location
from unit.publish.examples import column

NOON = datetime(2015, 1, 1, 12, tzinfo=UTC)
TYPES = {
    "day": ("date", date(2015, 1, 1), ("INT32", "Date")),
    "tiny": ("smallint", -7, ("INT32", "Int")),
    "small": ("int", 70, ("INT32", "None")),
    "big": ("bigint", 700, ("INT64", "None")),
    "price": ("decimal(9,2)", Decimal("1.50"), ("INT32", "Decimal")),
    "worth": ("decimal(18,6)", Decimal("1.500000"), ("INT64", "Decimal")),
    "huge": ("decimal(19,2)", Decimal("2.50"), ("FIXED_LEN_BYTE_ARRAY", "Decimal")),
    "seen": ("timestamp", NOON, ("INT96", "None")),
    "heard": ("timestamptz", NOON, ("INT96", "None")),
    "flag": ("boolean", True, ("BOOLEAN", "None")),
    "ratio": ("double", 0.5, ("DOUBLE", "None")),
    "word": ("varchar(8)", "ä", ("BYTE_ARRAY", "String")),
    "document": ("super", '{"a": 1}', ("BYTE_ARRAY", "String")),
    "tags": ("list<bigint>", [1, None], ("BYTE_ARRAY", "String")),
}  # fmt: skip
COLUMNS = tuple(column(name, kind) for name, (kind, _, _) in TYPES.items())


def lake_table(tmp_path: Path, columns: Any, rows: Any, *, partition_by: Any = None) -> Any:
    schema = pa.schema([pa.field(c.name, c.type.arrow) for c in columns])
    root = Location(uri=str(tmp_path / "lake" / "t"))
    target = FileTarget(root=root, schema=schema, partition_by=partition_by, number=1)
    files = tuple(write_files(pa.Table.from_pylist(rows, schema=schema).to_batches(), target))
    return root, schema, files


def task(
    tmp_path: Path, columns: Any, rows: Any, *, partition_by: Any = None, order: Any = None, limits: Any = None
) -> UnloadTask:
    root, schema, files = lake_table(tmp_path, columns, rows, partition_by=partition_by)
    ordered = order or columns
    return UnloadTask(
        root=root, files=files, schema=schema, columns=ordered, limits=limits or (0,) * len(ordered), slice=partition_by,
        out=Location(uri=str(tmp_path / "staging")), index=0,
    )  # fmt: skip


@pytest.fixture
def one_row() -> list[dict[str, Any]]:
    return [{name: value for name, (_, value, _) in TYPES.items()}]


def test_every_column_has_the_physical_type_that_copy_expects(tmp_path: Path, one_row: Any) -> None:
    unload(task(tmp_path, COLUMNS, one_row))

    with pq.ParquetFile(next((tmp_path / "staging").glob("*.parquet"))) as file:
        found = {
            file.schema.column(i).path: (
                file.schema.column(i).physical_type,
                json.loads(file.schema.column(i).logical_type.to_json())["Type"],
            )
            for i in range(len(file.schema))
        }
        assert file.schema.column(6).length == 9
        assert file.metadata.row_group(0).column(0).compression == "SNAPPY"
        assert file.schema_arrow.metadata is None
    assert found == {name: form for name, (_, _, form) in TYPES.items()}


def test_values_survive_in_the_order_of_the_warehouse_table(tmp_path: Path, one_row: Any) -> None:
    order = tuple(reversed(COLUMNS))

    unload(task(tmp_path, COLUMNS, one_row, order=order))

    with pq.ParquetFile(next((tmp_path / "staging").glob("*.parquet")), coerce_int96_timestamp_unit="us") as file:
        table = file.read()
    assert table.column_names == [c.name for c in order]
    (row,) = table.to_pylist()
    assert row["tags"] == "[1,null]"
    assert row["huge"] == Decimal("2.50")
    assert row["seen"].replace(tzinfo=UTC) == NOON


def test_rows_are_counted_by_slice_the_null_slice_among_them(tmp_path: Path) -> None:
    columns = (column("day", "date"), column("n", "int"))
    days = [date(2015, 1, 1), None, date(2015, 1, 1), date(2015, 1, 2)]

    done = unload(task(tmp_path, columns, [{"day": day, "n": 1} for day in days], partition_by="day"))

    assert dict(done.rows) == {"2015-01-01": 2, None: 1, "2015-01-02": 1}
    assert done.total == 4


def test_a_mart_without_slices_counts_under_none(tmp_path: Path) -> None:
    done = unload(task(tmp_path, (column("n", "int"),), [{"n": 1}, {"n": 2}]))

    assert done.rows == ((None, 2),)


def test_no_rows_are_no_files(tmp_path: Path) -> None:
    assert unload(task(tmp_path, (column("n", "int"),), [])).files == ()
    assert together([]).files == ()


def test_a_full_file_is_closed_and_the_next_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unloading, "FILE_BYTES", 1)
    monkeypatch.setattr(unloading, "ROW_GROUP_BYTES", 400)

    done = unload(task(tmp_path, (column("n", "bigint"),), [{"n": i} for i in range(120)]))

    assert len(done.files) > 1
    assert done.total == 120
    assert len({file.key for file in done.files}) == len(done.files)


def test_a_lake_file_that_is_gone_is_told_by_its_name(tmp_path: Path) -> None:
    work = task(tmp_path, (column("n", "int"),), [{"n": 1}])
    Path(work.root.uri, work.files[0].path).unlink()

    with pytest.raises(DataError, match="is gone"):
        unload(work)


def test_the_manifest_names_every_file_mandatory_with_its_exact_length(tmp_path: Path) -> None:
    done = unload(task(tmp_path, (column("n", "int"),), [{"n": 1}]))
    out = Location(uri=str(tmp_path / "staging"))

    uri = write_manifest(out, done.files)

    (entry,) = json.loads(Path(uri).read_text())["entries"]
    assert entry["mandatory"] is True
    assert entry["url"] == f"{out.uri}/{done.files[0].key}"
    assert entry["meta"] == {"content_length": Path(entry["url"]).stat().st_size}
    assert is_staged(out, done.files)


def test_staged_files_that_lack_or_shrank_are_seen_and_removed_ones_are_gone(tmp_path: Path) -> None:
    done = unload(task(tmp_path, (column("n", "int"),), [{"n": 1}]))
    out = Location(uri=str(tmp_path / "staging"))
    assert not is_staged(out, done.files), "the manifest is not there yet"
    write_manifest(out, done.files)
    Path(out.uri, done.files[0].key).write_bytes(b"short")
    assert not is_staged(out, done.files)

    remove_staged(out)

    assert list(Path(out.uri).iterdir()) == []


def test_no_two_executions_share_a_prefix_and_it_begins_with_the_number() -> None:
    assert prefix(7) != prefix(7)
    assert prefix(7).startswith("0000000007-")


def test_equal_content_has_an_equal_hash_whatever_the_names(tmp_path: Path) -> None:
    first = unload(task(tmp_path / "a", (column("n", "int"),), [{"n": 1}]))
    second = unload(task(tmp_path / "b", (column("n", "int"),), [{"n": 1}]))
    other = unload(task(tmp_path / "c", (column("n", "int"),), [{"n": 2}]))

    assert content_hash(first.files) == content_hash(second.files)
    assert content_hash(first.files) != content_hash(other.files)


def test_files_are_packed_into_tasks_by_size_and_only_those_of_the_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unloading, "TASK_BYTES", 10)
    files = tuple(
        AddedFile(path=f"{i}", size=size, rows=1, partition={"day": f"d{i % 2}"})
        for i, size in enumerate([4, 4, 4, 20, 1])
    )
    found = Snapshot(table="t", version=0, schema=pa.schema([]), partition_by="day", files=files)

    assert [[file.path for file in part] for part in pack(found, None)] == [["0", "1"], ["2"], ["3"], ["4"]]
    assert [[file.path for file in part] for part in pack(found, ["d1"])] == [["1"], ["3"]]
    assert pack(found, []) == []
    assert pack(replace(found, partition_by=None), []) == [], "settings alone stage nothing of a mart without slices"


def test_the_results_of_tasks_add_up(tmp_path: Path) -> None:
    columns = (column("word", "varchar(4)"),)
    parts = inline(
        unload,
        [
            task(tmp_path / "a", columns, [{"word": "abcde"}], limits=(4,)),
            task(tmp_path / "b", columns, [{"word": None}], limits=(4,)),
        ],
    )

    whole = together(parts)

    (stats,) = whole.columns
    assert (stats.rows, stats.nulls, stats.over, stats.max_bytes, stats.longest) == (2, 1, 1, 5, "abcde")
    assert dict(whole.rows) == {None: 2}


def stats_of(kind: Any, values: Any, *, limit: Any = 0, is_slice: Any = False) -> ColumnStats:
    one = column("c", kind)
    table = physical(pa.table({"c": pa.array(values, one.type.arrow)}), (one,))
    return column_stats(table.column(0), one, limit=limit, is_slice=is_slice)


def test_text_is_measured_in_bytes_not_characters() -> None:
    stats = stats_of("varchar(4)", ["ä", "\U0001f600é", None, ""], limit=4)

    assert (stats.max_bytes, stats.over, stats.nulls, stats.longest) == (6, 1, 1, "\U0001f600é")


def test_nul_characters_and_texts_that_are_no_json_are_counted() -> None:
    assert stats_of("varchar(9)", ["a\x00b", "c"]).nul == 1
    bad = stats_of("super", ['{"a":1}', "{a:1}", "", None])
    assert (bad.bad_json, bad.bad_example) == (2, "{a:1}")


def test_bounds_and_dates_beyond_the_calendar_are_found() -> None:
    assert (stats_of("bigint", [3, None, -2]).low, stats_of("bigint", [3, None, -2]).high) == (-2, 3)
    far = pa.array([2**55, 0, None], pa.int64()).cast(pa.timestamp("us", tz="UTC")).to_numpy(zero_copy_only=False)
    assert stats_of("timestamp", pa.array(far, pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))).out_of_range == 0
    beyond = pa.array([2**61, 0, -(2**61)], pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    assert stats_of("timestamp", beyond).out_of_range == 2


def test_a_slice_that_ends_with_a_blank_is_found() -> None:
    assert stats_of("varchar(4)", ["a ", "b"], is_slice=True).blank_slices == ("a ",)
    assert stats_of("varchar(4)", ["a ", "b"]).blank_slices == ()


def test_a_column_of_nulls_alone_has_no_bounds() -> None:
    stats = stats_of("decimal(4,2)", [None, None])

    assert (stats.nulls, stats.low, stats.max_bytes) == (2, None, 0)


def test_lists_become_exact_json() -> None:
    value = [1, None, 'a"ä', Decimal("1.50"), date(2015, 1, 1), NOON, True, 0.1]

    assert json_text(value) == '[1,null,"a\\"ä",1.50,"2015-01-01","2015-01-01T12:00:00Z",true,0.1]'
    assert json.loads(json_text(value))[0] == 1
