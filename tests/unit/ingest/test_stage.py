"""A batch from plan to done, without Spark: what reaches which table, what is kept aside, and that the books hold."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from lakemart.config.source import ObjectRules, RejectLimit
from lakemart.contract.table import Feed
from lakemart.errors import DataError, TransientError
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance
from lakemart.lake.read import snapshot
from lakemart.ledger import records
from lakemart.ledger.known import known_objects
from lakemart.ledger.projection import project
from lakemart.ledger.protocol import advance
from lakemart.storage.local import LocalStore
from lakemart.storage.opening import open_store
from lakemart.storage.store import ForbiddenObjectError
from unit.ingest.place import BIG, LINES, ORDERS, Place, books, column


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_every_record_is_good_quarantined_duplicate_or_filtered(place: Place) -> None:
    place.source = replace(place.source, feed=Feed(tables=(ORDERS,), skip=(((("n",)), (0,)),)))
    place.land("a", {"id": "1"}, {"id": "1", "n": 2}, {"id": "2", "n": "x"}, "{cut", {"id": "3", "n": 0}, "")

    counted = books(place.ingest())

    assert counted == {
        "objects": 1, "damaged": 0, "records": 5, "good": 1, "quarantined": 2, "duplicate": 1, "filtered": 1,
    }  # fmt: skip
    assert place.rows("orders", "id", "_object", "_offset", "_batch") == [("1", "a", 0, 1)]
    assert place.rows("orders_quarantine", "offset", "reason", "raw") == [
        (32, "wrong_type", b'{"id": "2", "n": "x"}'),
        (54, "invalid_json", b"{cut"),
    ]
    assert place.rows("orders_duplicates", "object", "offset", "table") == [("a", 12, "orders")]


def test_what_was_read_is_not_read_again(place: Place) -> None:
    place.land("a", {"id": "1"})
    place.ingest()

    assert place.ingest() is None
    project(place.lake, ["source/shop"])
    assert place.ingest() is None


def test_a_key_of_an_earlier_batch_wins_over_later_ones(place: Place) -> None:
    place.land("b", {"id": "1", "n": 1})
    place.ingest()
    place.land("a", {"id": "1", "n": 2}, {"id": "2", "n": 2})

    assert books(place.ingest())["duplicate"] == 1
    assert place.rows("orders", "id", "n") == [("1", 1), ("2", 2)]


def test_child_rows_stay_or_go_with_their_record(place: Place) -> None:
    place.source = replace(place.source, feed=Feed(tables=(ORDERS, LINES)))
    place.land("a", {"id": "1", "lines": [{"sku": "x"}, {"sku": "y"}]}, {"id": "1", "lines": [{"sku": "z"}]})
    place.land("b", {"id": "2", "lines": [{"sku": "x"}, {}]})

    counted = books(place.ingest())

    assert (counted["good"], counted["duplicate"], counted["quarantined"]) == (1, 1, 1)
    assert place.rows("lines", "id", "sku") == [("1", "x"), ("1", "y")]


def test_a_routed_feed_fills_its_tables_and_counts_the_rest(place: Place) -> None:
    kinds = (replace(ORDERS, route="order"), replace(ORDERS, table="visits", route="visit"))
    place.source = replace(place.source, feed=Feed(tables=kinds, route=("kind",), other="quarantine"))
    place.land("a", *({"id": "1", "kind": kind} for kind in ("order", "visit", "visit", "else")))

    counted = books(place.ingest())

    assert (counted["records"], counted["good"], counted["duplicate"], counted["quarantined"]) == (4, 2, 1, 1)
    assert place.rows("visits", "id", "_offset") == [("1", 29)]


def test_no_record_of_a_damaged_object_is_taken_and_the_others_go_on(place: Place) -> None:
    whole = gzip.compress(b'{"id":"1"}\n' * 1000 + bytes(range(256)) * 50, mtime=0)
    open_store(place.raw).write("a.gz", whole[:-20])
    place.land("b", {"id": "2"})

    record = place.ingest()

    assert books(record)["damaged"] == 1
    assert place.rows("orders", "id") == [("2",)]
    assert place.rows("orders_quarantine", "raw") == []
    known = known_objects(place.lake, "source/shop")
    assert (known["a.gz"].is_damaged, known["b"].is_damaged) == (True, False)
    assert place.ingest() is None


def test_an_object_that_changed_under_its_plan_is_unread_and_comes_again(place: Place) -> None:
    """Rule 5 of the protocol: bytes that are not those of the planned etag say nothing about the object."""
    place.land("a", {"id": "1"})
    place.land("b", {"id": "2"})
    stage = place.stage()
    plan = stage.plan(1, None)
    assert plan is not None
    records.write_part(place.store, stage.writer, 1, "plan", {**plan, "run": "r", "at": "now", "execution": "x"})
    place.land("a", {"id": "3"})
    open_store(place.raw).delete("b")

    first = advance(place.store, stage, run="r", at="now")
    second = advance(place.store, stage, run="r", at="now")

    assert first is not None
    assert first.decision is not None
    assert {(book["key"], book["status"]) for book in first.decision["objects"]} == {("a", "unread"), ("b", "unread")}
    assert books(first)["records"] == 0
    assert books(second)["good"] == 1
    assert place.rows("orders", "id") == [("3",)]


def test_a_batch_over_its_limit_is_refused_and_its_objects_come_again(place: Place) -> None:
    strict = replace(place.source, reject_limit=RejectLimit(fraction=Decimal(0), at_least=0))
    place.source = strict
    place.land("a", {"id": "1"}, {"id": 2})

    refused = place.ingest()
    assert refused is not None
    assert refused.refused
    assert snapshot(place.lake, "orders") is None
    lenient = replace(ORDERS, columns=(column("id", "string", required=True, lenient=True), column("n", "int")))
    place.source = replace(strict, feed=Feed(tables=(lenient,)))

    assert books(place.ingest())["good"] == 2
    assert place.rows("orders", "id", "_batch") == [("1", 2), ("2", 2)]


def test_what_a_person_accepts_is_taken_past_the_limit(place: Place) -> None:
    place.source = replace(place.source, reject_limit=RejectLimit(fraction=Decimal(0), at_least=0))
    place.land("a", {"id": "1"}, {"id": 2})
    place.ingest()
    found = next(iter(open_store(place.raw).list()))
    held_back = RawObject(key=found.key, etag=found.etag, size=found.size)

    record = place.ingest(request=Acceptance(objects=(held_back,), reason="known"))

    assert (books(record)["good"], books(record)["quarantined"]) == (1, 1)
    assert record is not None
    assert record.plan["reason"] == "known"


def test_an_overwritten_object_is_told_with_both_etags_and_stops_no_other(place: Place) -> None:
    place.land("a", {"id": "1"})
    place.ingest()
    place.land("a", {"id": "1", "n": 5})
    place.land("b", {"id": "2"})

    assert books(place.ingest())["good"] == 1
    assert [type(error) for error in place.told] == [DataError]
    before = known_objects(place.lake, "source/shop")["a"].etag
    now = next(iter(open_store(place.raw).list("a"))).etag
    assert before in place.told[0].what
    assert now in place.told[0].what
    assert place.rows("orders", "id", "n") == [("1", None), ("2", None)]


def test_a_column_that_the_contract_adds_is_null_in_older_rows(place: Place) -> None:
    place.land("a", {"id": "1", "extra": "x"})
    place.ingest()
    wider = replace(ORDERS, columns=(*ORDERS.columns, column("extra", "string")))
    place.source = replace(place.source, feed=Feed(tables=(wider,)))
    place.land("b", {"id": "2", "extra": "y"})

    place.ingest()

    assert place.rows("orders", "id", "extra") == [("1", None), ("2", "y")]


@pytest.mark.parametrize("pack", [1, 60, BIG])
def test_the_result_does_not_depend_on_how_objects_are_packed_into_tasks(place: Place, pack: int) -> None:
    for name in "cab":
        place.land(name, {"id": "1", "n": ord(name)}, {"id": name, "n": 1}, {"id": name, "n": 2})

    place.ingest(task_size=pack)

    assert place.rows("orders", "id", "n", "_object", "_offset") == [
        ("1", 97, "a", 0),
        ("a", 1, "a", 21),
        ("b", 1, "b", 21),
        ("c", 1, "c", 21),
    ]


def test_an_object_that_may_not_be_read_is_told_left_alone_and_tried_by_the_next_run(place: Place) -> None:
    place.land("a", {"id": "1"})
    place.land("b", {"id": "2"})
    stage = place.stage()
    with pytest.MonkeyPatch.context() as patch:
        whole = LocalStore.blocks

        def forbidden(self: LocalStore, key: str, *, etag: str | None = None) -> Iterator[bytes]:
            if key == "a":
                raise ForbiddenObjectError("object 'a' may not be read")
            yield from whole(self, key, etag=etag)

        patch.setattr(LocalStore, "blocks", forbidden)
        first = advance(place.store, stage, run="r", at="now")
        second = advance(place.store, stage, run="r", at="now")

    assert first is not None
    assert first.decision is not None
    assert [(one["key"], one["status"]) for one in first.decision["objects"]] == [("a", "unread"), ("b", "read")]
    assert second is None
    assert [type(error) for error in place.told] == [TransientError]
    assert place.rows("orders", "id") == [("2",)]
    assert books(place.ingest())["good"] == 1


def test_a_run_takes_no_more_objects_than_it_may_and_the_next_goes_on(place: Place) -> None:
    place.source = replace(place.source, objects=ObjectRules(max_objects=2))
    for name in "abc":
        place.land(name, {"id": name})
    stage = place.stage()

    assert books(advance(place.store, stage, run="r", at="now"))["objects"] == 2
    assert advance(place.store, stage, run="r", at="now") is None
    assert books(place.ingest())["objects"] == 1


def test_a_run_that_reached_its_bounds_says_what_waits_and_what_it_could_not_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.source = replace(place.source, objects=ObjectRules(max_objects=2))
    for name in "abc":
        place.land(name, {"id": name})
    whole = LocalStore.blocks

    def failing(self: LocalStore, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        if key == "a":
            raise ForbiddenObjectError("no")
        return whole(self, key, etag=etag)

    monkeypatch.setattr(LocalStore, "blocks", failing)
    stage = place.stage()
    advance(place.store, stage, run="r", at="now")
    assert advance(place.store, stage, run="r", at="now") is None

    assert ["'a'" in error.what for error in place.told] == [True]
    assert "more waits for the next run" in capsys.readouterr().out


def test_an_empty_object_is_read_and_accounted_for(place: Place) -> None:
    place.land("a")

    assert books(place.ingest())["objects"] == 1
    assert place.ingest() is None


def test_a_batch_is_planned_anew_when_an_object_changes_between_its_two_passes(place: Place) -> None:
    """The losers of the first pass would lose against keys that the second does not bring."""
    place.land("a", {"id": "1", "n": 1})
    place.land("b", {"id": "1", "n": 2})
    reads: list[str] = []
    whole = LocalStore.blocks

    def changing(self: LocalStore, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        reads.append(key)
        if reads.count("a") == 2:
            place.land("a", {"id": "9"})
        yield from whole(self, key, etag=etag)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalStore, "blocks", changing)
        first = place.ingest()
    second = place.ingest()

    assert first is not None
    assert first.refused
    assert first.decision is not None
    assert not first.decision["stops"]
    assert books(second)["good"] == 2
    assert place.rows("orders", "id", "n") == [("1", 2), ("9", None)]
