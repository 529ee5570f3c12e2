"""Duplicates by key: who wins, whatever the packing, and what the look-back sees."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from lakemart.contract.table import Column, Contract
from lakemart.contract.types import ColumnType
from lakemart.ingest.hashes import key_hashes
from lakemart.ingest.keys import ObjectKeys, find_losers
from lakemart.ingest.stored import stored_hashes
from lakemart.lake.actions import NEW_TABLE, TableChange, schema_to_json
from lakemart.lake.commit import commit
from lakemart.lake.read import snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.storage.store import Location

CONTRACT = Contract(
    table="t",
    key=("id",),
    partition_by="day",
    columns=(
        Column(name="id", type=ColumnType.parse("string"), path=("id",)),
        Column(name="day", type=ColumnType.parse("date"), path=("day",)),
    ),
)


def of(key: str, ids: list[str | None], latest: list[int | None] | None = None) -> ObjectKeys:
    hashes, valid = key_hashes(pa.table({"id": pa.array(ids, pa.string())}), ["id"])
    offsets = (np.arange(len(ids)) * 10)[valid]
    ranks = pa.array(latest, pa.int64()).filter(pa.array(valid)) if latest else None
    return ObjectKeys(table="t", order=1, key=key, hashes=hashes, offsets=offsets, latest=ranks, partitions=frozenset())


def lost(losers: dict[tuple[str, str], np.ndarray]) -> dict[str, list[int]]:
    return {key: offsets.tolist() for (_, key), offsets in losers.items()}


def test_the_first_by_object_and_offset_wins() -> None:
    found = [of("b", ["x", "y", "y"]), of("a", ["x", "x"])]

    assert lost(find_losers(found, {})) == {"a": [10], "b": [0, 20]}


def test_the_greatest_of_latest_by_wins_and_a_null_loses() -> None:
    found = [of("a", ["x", "x", "x"], [1, 3, None]), of("b", ["x"], [2])]

    assert lost(find_losers(found, {})) == {"a": [0, 20], "b": [0]}


def test_a_key_that_is_stored_already_wins_over_the_whole_batch() -> None:
    stored, _ = key_hashes(pa.table({"id": ["x"]}), ["id"])

    assert lost(find_losers([of("a", ["x", "y"]), of("b", ["x"])], {"t": stored})) == {"a": [0], "b": [0]}


def test_a_null_in_the_key_is_no_duplicate_of_anything() -> None:
    assert lost(find_losers([of("a", [None, None, "x"])], {})) == {}


def test_keys_of_several_columns_do_not_run_into_each_other() -> None:
    rows = pa.table({"a": ["1", "11"], "b": ["12", "2"]})

    hashes, _ = key_hashes(rows, ["a", "b"])

    assert hashes[0] != hashes[1]


def test_the_losers_do_not_depend_on_the_order_objects_come_in() -> None:
    rng = random.Random(7)  # noqa: S311 - a seeded shuffle
    found = [of(f"o{n}", [rng.choice("abcdefgh") for _ in range(20)]) for n in range(5)]
    expected = lost(find_losers(found, {}))
    rng.shuffle(found)

    assert lost(find_losers(found, {})) == expected


def test_the_look_back_sees_neighbouring_days_and_no_further(tmp_path: Path) -> None:
    lake = Location(uri=str(tmp_path))
    days = [datetime(2024, 1, day, tzinfo=UTC).date() for day in (1, 5, 9)]
    rows = pa.record_batch({"id": pa.array(["one", "five", "nine"]), "day": pa.array(days, pa.date32())})
    files = write_files([rows], FileTarget(root=lake.child("t"), schema=rows.schema, partition_by="day", number=1))
    change = TableChange(
        table="t", base_version=NEW_TABLE, schema=schema_to_json(rows.schema), partition_by="day", adds=tuple(files)
    )
    commit(lake, change, writer="source/t", number=1, run="r")
    table = snapshot(lake, "t")

    near = stored_hashes(lake, CONTRACT, table, {"2024-01-05"}, timedelta(days=1))
    wide = stored_hashes(lake, CONTRACT, table, {"2024-01-05"}, timedelta(days=4))

    assert len(near) == 1
    assert len(wide) == 3
    assert len(stored_hashes(lake, CONTRACT, None, {"2024-01-05"}, timedelta(days=1))) == 0
