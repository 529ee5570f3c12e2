"""Duplicates kept by their place alone: when what they lost against goes, they are read again from the raw zone."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lakemart.contract.table import Column, Feed
from lakemart.contract.types import ColumnType
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance
from lakemart.ledger.records import Record
from lakemart.storage.opening import open_store
from unit.ingest.place import ORDERS, Place, column
from unit.ingest.test_kinds import assert_books_are_the_tables


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A source under the policy that keeps no bytes of duplicates: `overwritten: error`."""
    return Place(tmp_path)


def accept(place: Place, *keys: str, leaves_lost: bool = False) -> Record:
    found = tuple(RawObject(key=i.key, etag=i.etag, size=i.size) for i in open_store(place.raw).list() if i.key in keys)
    record = place.ingest(request=Acceptance(objects=found, reason="corrected", leaves_lost=leaves_lost))
    assert record is not None
    return record


def test_a_loser_is_read_again_from_its_own_object(place: Place) -> None:
    place.land("a", {"id": "1", "n": 1}, {"id": "2", "n": 1})
    place.land("b", {"id": "0", "n": 2}, {"id": "1", "n": 2}, {"id": "2", "n": 2}, {"id": "1", "n": 3})
    place.ingest()
    place.land("a", {"id": "2", "n": 9})

    accept(place, "a")

    assert place.rows("orders", "id", "n", "_object", "_offset") == [
        ("0", 2, "b", 0),
        ("1", 2, "b", 20),
        ("2", 2, "b", 40),
    ]
    assert place.rows("orders_duplicates", "object", "offset") == [("a", 0), ("b", 60)]
    assert_books_are_the_tables(place)


def test_a_loser_in_a_compressed_object_comes_back_too(place: Place) -> None:
    place.land("a", {"id": "1", "n": 1})
    place.ingest()
    open_store(place.raw).write("b", gzip.compress(b'{"id": "7"}\n{"id": "1", "n": 2}\n'))
    place.ingest()
    place.land("a", {"id": "9", "n": 9})

    accept(place, "a")

    assert place.rows("orders", "id", "n", "_object") == [("1", 2, "b"), ("7", None, "b"), ("9", 9, "a")]
    assert_books_are_the_tables(place)


def test_a_loser_of_a_document_comes_back_with_what_its_document_says(place: Place) -> None:
    source = Column(name="source", type=ColumnType.parse("string"), path=("$", "source"))
    contract = replace(ORDERS, columns=(*ORDERS.columns, source))
    place.source = replace(place.source, feed=Feed(format="records", records_path=("rows",), tables=(contract,)))
    place.land("a", json.dumps({"source": "x", "rows": [{"id": "1", "n": 1}]}))
    place.land("b", json.dumps({"source": "y", "rows": [{"id": "1", "n": 2}, {"id": "2", "n": 2}]}))
    place.ingest()
    place.land("a", json.dumps({"source": "z", "rows": []}))

    accept(place, "a")

    assert place.rows("orders", "id", "n", "source") == [("1", 2, "y"), ("2", 2, "y")]
    assert_books_are_the_tables(place)


def test_a_loser_that_todays_contract_rejects_goes_into_the_quarantine(place: Place) -> None:
    place.land("a", {"id": "1", "n": 1})
    place.land("b", {"id": "1", "n": 2})
    place.ingest()
    place.source = replace(
        place.source,
        feed=Feed(tables=(replace(ORDERS, columns=(*ORDERS.columns[:1], column("n", "int", minimum="5"))),)),
    )
    place.land("a", {"id": "9", "n": 9})

    accept(place, "a")

    assert place.rows("orders", "id", "n") == [("9", 9)]
    assert place.rows("orders_quarantine", "object", "raw") == [("b", b'{"id": "1", "n": 2}')]
    assert_books_are_the_tables(place)


@pytest.mark.parametrize("fate", ["gone", "changed"])
def test_a_batch_whose_losers_are_beyond_reach_is_refused_and_can_be_accepted_without_them(
    place: Place, fate: str
) -> None:
    place.land("a", {"id": "1", "n": 1})
    place.land("b", {"id": "1", "n": 2})
    place.ingest()
    open_store(place.raw).delete("b")
    if fate == "changed":
        place.land("b", {"id": "3", "n": 3})
    place.land("a", {"id": "9", "n": 9})

    refused = accept(place, "a")

    assert refused.decision is not None
    assert "1 object(s), the first is 'b'" in refused.decision["reasons"][0]
    assert "lakemart accept shop/2" in refused.decision["reasons"][1]
    assert place.rows("orders", "id", "n") == [("1", 1)]

    accept(place, "a", leaves_lost=True)

    assert place.rows("orders", "id", "n") == [("9", 9)]
    assert place.rows("orders_duplicates", "object", "offset") == [("b", 0)]
    assert_books_are_the_tables(place)
