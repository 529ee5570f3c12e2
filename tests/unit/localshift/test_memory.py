"""A Parquet file is read in pieces, however it was written: Arrow's own count of memory is the witness."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from localshift.loading.columns import Column, parse_column
from localshift.loading.parquet import DataFile, csv_chunks, open_file
from localshift.loading.reading import Reading

MB = 1024 * 1024


def peak(path: Path, columns: list[Column]) -> tuple[int, float]:
    """Return the rows of the file and the most memory, in MB, that Arrow held while they were read."""
    file = DataFile(url="s3://b/k", path=path, source="s3://b/")
    before = pa.total_allocated_bytes()
    rows, most = 0, 0
    parquet = open_file(file, columns, Reading())
    for count, _ in csv_chunks(parquet, columns, file):
        rows += count
        most = max(most, pa.total_allocated_bytes() - before)
    parquet.close()
    return rows, most / MB


def test_a_row_group_as_large_as_its_file_needs_no_more_memory_than_a_small_one(tmp_path: Path) -> None:
    count = 1_200_000
    table = pa.table({"a": pa.array(range(count), pa.int64()), "b": pa.array(range(count), pa.int64())})
    pq.write_table(table, tmp_path / "one", row_group_size=count, compression="none", use_dictionary=False)
    del table
    columns = [parse_column("a", "bigint"), parse_column("b", "bigint")]

    rows, most = peak(tmp_path / "one", columns)

    assert (tmp_path / "one").stat().st_size > 18 * MB
    assert rows == count
    assert most < 10


def test_long_texts_that_a_dictionary_keeps_short_are_not_laid_out_all_at_once(tmp_path: Path) -> None:
    texts = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 2_000, pa.int32()), pa.array(["x" * 60_000, "y" * 60_000]))
    pq.write_table(pa.table({"a": texts}), tmp_path / "few")

    rows, most = peak(tmp_path / "few", [parse_column("a", "character varying(65535)")])

    assert (tmp_path / "few").stat().st_size < MB
    assert rows == 4_000
    assert most < 150
