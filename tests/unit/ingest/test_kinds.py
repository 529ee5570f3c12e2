"""Batches that change what earlier ones brought: replace, replay, backfill. Content, and the books of every object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lakemart.config.source import ObjectRules
from lakemart.contract.table import Column, Contract, Feed
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.ingest.request import Backfill, Replay
from lakemart.lake.read import read_table
from lakemart.ledger import records
from lakemart.ledger.projection import project
from lakemart.ledger.records import Record
from lakemart.ledger.standing import standing
from lakemart.storage.opening import open_store
from unit.ingest.place import LINES, ORDERS, Place, books, column

DAYS = Contract(
    table="orders",
    key=("id",),
    partition_by="day",
    columns=(column("id", "string", required=True), column("day", "date", required=True), column("n", "int")),
)
LENIENT = Contract(
    table="orders",
    key=("id",),
    columns=(column("id", "string", required=True), column("n", "int", lenient=True)),
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.source = replace(made.source, objects=ObjectRules(overwritten="replace"))
    return made


def sums(place: Place) -> dict[str, int]:
    """The books of the whole ledger: all numbers together, adjusting entries included."""
    total: dict[str, int] = {}
    for record in records.numbers(place.store, "source/shop"):
        if record.committed:
            for name, count in books(record).items():
                total[name] = total.get(name, 0) + count
    return total


def in_tables(place: Place) -> dict[str, int]:
    """The same figures as the tables themselves have them."""
    quarantine = read_table(place.lake, "orders_quarantine", columns=["resolved_by"]).column("resolved_by")
    return {
        "good": read_table(place.lake, "orders").num_rows,
        "quarantined": quarantine.null_count,
        "duplicate": read_table(place.lake, "orders_duplicates").num_rows,
    }


def assert_books_are_the_tables(place: Place) -> None:
    counted = sums(place)
    assert {name: counted[name] for name in ("good", "quarantined", "duplicate")} == in_tables(place)
    assert counted["records"] == sum(counted[name] for name in ("good", "quarantined", "duplicate", "filtered"))
    project(place.lake, ["source/shop"])
    stored = read_table(place.lake, "_ledger/tables/objects").to_pylist()
    assert sum(row["good"] for row in stored) == counted["good"]


def read(record: Record | None) -> Mapping[str, int]:
    assert record is not None
    assert record.decision is not None
    return dict(record.decision["read"])


def test_a_replaced_object_takes_its_old_rows_out_and_brings_the_new_in_by_one_commit(place: Place) -> None:
    place.land("a", {"id": "1", "n": 1}, {"id": "2", "n": 1}, "{cut")
    place.land("b", {"id": "3"})
    place.ingest()
    place.land("a", {"id": "2", "n": 2}, {"id": "4", "n": 2})

    record = place.ingest()

    assert record is not None
    assert record.plan["kind"] == "replace"
    assert place.rows("orders", "id", "n", "_object") == [("2", 2, "a"), ("3", None, "b"), ("4", 2, "a")]
    assert place.rows("orders_quarantine", "raw") == []
    assert read(record)["records"] == 2
    assert sums(place)["objects"] == 2
    assert_books_are_the_tables(place)
    assert place.ingest() is None


def test_a_loser_comes_back_when_its_winner_is_replaced_even_when_its_own_object_is_gone(place: Place) -> None:
    """Rule 6 of the protocol: duplicates are kept with their bytes."""
    place.land("a", {"id": "1", "n": 1})
    place.ingest()
    place.land("b", {"id": "1", "n": 2}, {"id": "1", "n": 3})
    place.ingest()
    open_store(place.raw).delete("b")
    place.land("a", {"id": "9", "n": 9})

    place.ingest()

    assert place.rows("orders", "id", "n", "_object", "_offset") == [("1", 2, "b", 0), ("9", 9, "a", 0)]
    assert place.rows("orders_duplicates", "object", "offset") == [("b", 20)]
    assert_books_are_the_tables(place)


def test_a_loser_of_an_earlier_batch_wins_over_the_replacement(place: Place) -> None:
    place.land("a", {"id": "1", "n": 1})
    place.land("b", {"id": "1", "n": 2})
    place.ingest()
    place.land("a", {"id": "1", "n": 3})

    place.ingest()

    assert place.rows("orders", "id", "n") == [("1", 2)]
    assert place.rows("orders_duplicates", "object") == [("a",)]
    assert_books_are_the_tables(place)


def test_children_go_and_come_back_with_their_record(place: Place) -> None:
    place.source = replace(place.source, feed=Feed(tables=(ORDERS, LINES)))
    place.land("a", {"id": "1", "lines": [{"sku": "x"}, {"sku": "y"}]})
    place.land("b", {"id": "1", "lines": [{"sku": "z"}]})
    place.ingest()
    place.land("a", {"id": "2", "lines": [{"sku": "w"}]})

    place.ingest()

    assert place.rows("lines", "id", "sku") == [("1", "z"), ("2", "w")]
    assert_books_are_the_tables(place)


def test_a_damaged_replacement_leaves_the_old_rows_standing_and_the_next_one_takes_them_out(place: Place) -> None:
    """Rule 7 of the protocol."""
    place.land("a", {"id": "1"})
    place.ingest()
    open_store(place.raw).write("a", b"\x1f\x8b\x08\x00cut")
    damaged = place.ingest()
    assert books(damaged)["damaged"] == 1
    assert place.rows("orders", "id") == [("1",)]
    place.land("a", {"id": "3"})

    place.ingest()

    assert place.rows("orders", "id") == [("3",)]
    assert_books_are_the_tables(place)


def test_an_etag_that_comes_again_is_taken_again(place: Place) -> None:
    """Rule 4 of the protocol: e1, e2, e1."""
    for n in (1, 2, 1):
        place.land("a", {"id": "1", "n": n})
        assert place.ingest() is not None

    assert place.rows("orders", "id", "n", "_batch") == [("1", 1, 3)]
    assert_books_are_the_tables(place)


def test_replay_lands_each_record_once_and_marks_it_resolved(place: Place) -> None:
    place.land("a", {"id": "1"}, {"id": "2", "n": "x"}, {"id": "3", "n": "7"}, {"id": "1", "n": "8"}, "{cut")
    place.ingest()
    place.source = replace(place.source, feed=Feed(tables=(LENIENT,)))

    record = place.ingest(request=Replay())

    assert place.rows("orders", "id", "n", "_object", "_offset", "_batch")[1:] == [("3", 7, "a", 34, 2)]
    assert place.rows("orders_quarantine", "offset", "resolved_by") == [(12, None), (34, 2), (56, 2), (78, None)]
    assert place.rows("orders_resolutions", "offset", "outcome") == [(34, "good"), (56, "duplicate")]
    assert read(record) == {
        "objects": 0, "damaged": 0, "records": 4, "good": 1, "quarantined": 2, "duplicate": 1, "filtered": 0,
    }  # fmt: skip
    assert_books_are_the_tables(place)
    again = place.ingest(request=Replay())
    assert read(again)["good"] == 0
    assert len(place.rows("orders", "id")) == 2


def test_replay_counts_what_today_s_contract_leaves_out_as_filtered(place: Place) -> None:
    place.land("a", {"id": "1", "n": "x"}, {"id": "2"})
    place.ingest()
    place.source = replace(place.source, feed=Feed(tables=(ORDERS,), skip=((("n",), ("x",)),)))

    place.ingest(request=Replay())

    assert sums(place)["filtered"] == 1
    assert place.rows("orders_resolutions", "outcome") == [("filtered",)]
    assert_books_are_the_tables(place)


def test_replay_of_an_empty_quarantine_is_nothing_to_do(place: Place) -> None:
    place.land("a", {"id": "1"})
    place.ingest()

    assert place.ingest(request=Replay()) is None


def test_replay_says_when_records_mean_nothing_without_their_document(place: Place) -> None:
    source = Column(name="source", type=ColumnType.parse("string"), path=("$", "source"))
    contract = replace(ORDERS, columns=(*ORDERS.columns, source))
    place.source = replace(place.source, feed=Feed(format="records", records_path=("rows",), tables=(contract,)))

    with pytest.raises(ConfigError, match="document around"):
        place.ingest(request=Replay())


def days(place: Place, overwritten: str = "error") -> None:
    rules = ObjectRules(overwritten=overwritten)  # type: ignore[arg-type] - one of its literals
    place.source = replace(place.source, objects=rules, feed=Feed(tables=(DAYS,)))


def test_backfill_gives_the_same_content_and_touches_no_object_of_other_slices(place: Place) -> None:
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01", "n": 1}, {"id": "2", "day": "2024-01-02", "n": 1}, "{cut")
    place.land("b", {"id": "1", "day": "2024-01-01", "n": 2}, {"id": "3", "day": "2024-01-03"})
    place.land("c", {"id": "4", "day": "2024-01-04"})
    place.ingest()
    before = place.rows("orders", "id", "day", "n", "_object", "_offset")
    counted = sums(place)

    record = place.ingest(request=Backfill(first="2024-01-01", last="2024-01-01"))

    assert place.rows("orders", "id", "day", "n", "_object", "_offset") == before
    assert record is not None
    assert [raw["key"] for raw in record.plan["objects"]] == ["a", "b"]
    assert place.rows("orders", "_object", "_batch") == [("a", 2), ("a", 2), ("b", 2), ("c", 1)]
    assert sums(place) == counted
    assert read(record)["records"] == 5
    assert_books_are_the_tables(place)


def test_backfill_of_the_winner_alone_leaves_its_loser_where_it_is(place: Place) -> None:
    """The duplicates' bytes are not kept here, and need not be: the winner's key is read again."""
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01", "n": 1})
    place.ingest()
    place.land("b", {"id": "1", "day": "2024-01-02", "n": 2}, {"id": "5", "day": "2024-01-09", "n": 5})
    place.source = replace(place.source, lookback=place.source.lookback.resolution * 86_400_000_000 * 3)
    place.ingest()
    before = place.rows("orders", "id", "n")

    place.ingest(request=Backfill(first="2024-01-01", last="2024-01-01"))

    assert place.rows("orders", "id", "n") == before == [("1", 1), ("5", 5)]
    assert place.rows("orders_duplicates", "object") == [("b",)]
    assert_books_are_the_tables(place)


def test_backfill_takes_the_contract_of_today(place: Place) -> None:
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01", "n": "5"}, {"id": "2", "day": "2024-01-01", "n": 6})
    place.ingest()
    lenient = replace(DAYS, columns=(*DAYS.columns[:2], column("n", "int", lenient=True)))
    place.source = replace(place.source, feed=Feed(tables=(lenient,)))

    place.ingest(request=Backfill(first="2024-01-01", last=None))

    assert place.rows("orders", "id", "n") == [("1", 5), ("2", 6)]
    assert place.rows("orders_quarantine", "raw") == []
    assert_books_are_the_tables(place)


def test_backfill_redoes_objects_whose_records_were_all_rejected(place: Place) -> None:
    """They touched no slice, and may belong to any."""
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01", "n": "5"})
    place.ingest()
    lenient = replace(DAYS, columns=(*DAYS.columns[:2], column("n", "int", lenient=True)))
    place.source = replace(place.source, feed=Feed(tables=(lenient,)))

    place.ingest(request=Backfill(first="2024-01-01", last="2024-01-01"))

    assert place.rows("orders", "id") == [("1",)]


def test_an_object_that_is_gone_keeps_its_rows_in_a_backfill(place: Place) -> None:
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01"})
    place.land("b", {"id": "2", "day": "2024-01-01"})
    place.ingest()
    open_store(place.raw).delete("a")

    record = place.ingest(request=Backfill(first="2024-01-01", last="2024-01-01"))

    assert place.rows("orders", "id") == [("1",), ("2",)]
    assert record is not None
    assert record.decision is not None
    assert [(one["key"], one["status"]) for one in record.decision["objects"]] == [("a", "unread"), ("b", "read")]
    assert_books_are_the_tables(place)


def test_a_replayed_record_stays_when_its_object_is_backfilled(place: Place) -> None:
    days(place)
    place.land("a", {"id": "1", "day": "2024-01-01", "n": "5"}, {"id": "2", "day": "2024-01-01"})
    place.ingest()
    lenient = replace(DAYS, columns=(*DAYS.columns[:2], column("n", "int", lenient=True)))
    place.source = replace(place.source, feed=Feed(tables=(lenient,)))
    place.ingest(request=Replay())
    before = place.rows("orders", "id", "n")

    place.ingest(request=Backfill(first="2024-01-01", last="2024-01-01"))

    assert place.rows("orders", "id", "n") == before == [("1", 5), ("2", None)]
    assert place.rows("orders_quarantine", "raw") == []
    assert_books_are_the_tables(place)


def test_standing_is_the_same_from_the_projection_and_from_the_records(place: Place) -> None:
    place.land("a", {"id": "1"}, "{cut")
    place.ingest()
    place.land("a", {"id": "2"}, {"id": "2"})
    place.ingest()
    from_records = standing(place.lake, "source/shop")
    project(place.lake, ["source/shop"])

    assert standing(place.lake, "source/shop") == from_records
    assert from_records["a"].counts == {
        "records": 2, "good": 1, "quarantined": 0, "duplicate": 1, "filtered": 0, "children": 0,
    }  # fmt: skip
