"""What is known of raw objects: by each key's last etag, well read or damaged; rules 4 and 5 of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakemart.ledger import index, records
from lakemart.ledger.known import KnownObject, known_objects, known_stream, refresh_index
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from pathlib import Path

W = "source/s"
Reading = tuple[str, str, str]
"""Key, etag, status."""


@pytest.fixture(params=["from the records", "from the index", "half and half"])
def lake(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Location:
    """A lake whose readings are found in each of these places."""
    tmp_path.joinpath("how").write_text(request.param)
    monkeypatch.setattr("lakemart.ledger.known._TAIL_NUMBERS", 0)  # every refresh writes
    return Location(uri=str(tmp_path))


def read(lake: Location, *numbers: list[Reading] | None) -> dict[str, KnownObject]:
    """What is known after these numbers; None is a refused one."""
    store = open_store(lake)
    how = store.read("how")[0].decode()
    by = {"run": "r", "at": "2026-01-01T00:00:00Z"}
    for number, readings in enumerate(numbers, start=1):
        books = dict.fromkeys(("objects", "damaged", "records", "good", "quarantined", "duplicate", "filtered"), 0)
        items = [
            {"key": key, "etag": etag, "status": status, "size": 1}
            for key, etag, status in readings or [("refused", "x", "read")]
        ]
        kind = (
            {"kind": "refusal", "reasons": [], "stops": True}
            if readings is None
            else {"kind": "intent", "books": books, "tables": []}
        )
        records.write_part(store, W, number, "plan", by)
        records.write_part(store, W, number, "decision", {**by, **kind, "objects": items})
        if readings is not None:
            records.write_part(store, W, number, "done", {**by, "versions": {}})
        if how == "from the index" or (how == "half and half" and number == 1):
            refresh_index(lake, W)
    return known_objects(lake, W)


def test_nothing_read_is_nothing_known(tmp_path: Path) -> None:
    assert known_objects(Location(uri=str(tmp_path)), W) == {}


def test_an_object_is_known_by_its_keys_last_etag(lake: Location) -> None:
    known = read(lake, [("k", "e1", "read"), ("other", "o1", "read")], [("k", "e2", "read")])

    assert known == {
        "k": KnownObject(etag="e2", number=2, good_etag="e2"),
        "other": KnownObject(etag="o1", number=1, good_etag="o1"),
    }


def test_an_etag_that_comes_back_is_known_only_while_it_is_the_last(lake: Location) -> None:
    """Rule 4: overwritten e1, e2, e1. After e2 was read e1 is not known, and after it was read again e2 is not."""
    known = read(lake, [("k", "e1", "read")], [("k", "e2", "read")], [("k", "e1", "read")])

    assert known["k"] == KnownObject(etag="e1", number=3, good_etag="e1")


def test_an_object_that_changed_under_its_plan_is_not_known(lake: Location) -> None:
    """Rule 5: unread leaves no trace, whether or not the key was read before."""
    known = read(lake, [("k", "e1", "unread"), ("l", "e1", "read")], [("l", "e4", "unread")])

    assert known == {"l": KnownObject(etag="e1", number=1, good_etag="e1")}


def test_a_key_never_read_well_is_new_under_another_etag(lake: Location) -> None:
    """Rule 5: damaged e1 is known as such, and whatever comes after it is new, not overwritten."""
    known = read(lake, [("k", "e1", "damaged")])

    assert known["k"] == KnownObject(etag="e1", number=1, good_etag=None)
    assert not known["k"].read_well


def test_a_damaged_replacement_leaves_the_key_read_well_by_its_earlier_etag(lake: Location) -> None:
    known = read(lake, [("k", "e1", "read")], [("k", "e2", "damaged")])

    assert known["k"] == KnownObject(etag="e2", number=2, good_etag="e1")
    assert known["k"].read_well
    assert known["k"].is_damaged


def test_a_repaired_object_is_read_well(lake: Location) -> None:
    known = read(lake, [("k", "e1", "damaged")], [("k", "e2", "read")])

    assert known["k"] == KnownObject(etag="e2", number=2, good_etag="e2")


def test_what_a_refused_number_read_is_not_known(lake: Location) -> None:
    known = read(lake, [("k", "e1", "read")], None, [("l", "e1", "read")])

    assert set(known) == {"k", "l"}


def test_another_sources_objects_are_not_known(lake: Location) -> None:
    read(lake, [("k", "e1", "read")])

    assert known_objects(lake, "source/other") == {}


def test_an_open_numbers_objects_are_not_known_until_it_is_done(lake: Location) -> None:
    read(lake, [("k", "e1", "read")])
    store = open_store(lake)
    by = {"run": "r", "at": ""}
    records.write_part(store, W, 2, "plan", by)
    records.write_part(
        store, W, 2, "decision", {**by, "kind": "intent", "objects": [{"key": "n", "etag": "e", "status": "read"}]}
    )

    assert set(known_objects(lake, W)) == {"k"}


def test_the_index_stays_behind_until_it_pays_to_write_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Location(uri=str(tmp_path))
    tmp_path.joinpath("how").write_text("from the records")
    read(lake, *([(f"k{number}", "e", "read")] for number in range(5)))
    refresh_index(lake, W)
    assert index.newest(open_store(lake), W) is None

    monkeypatch.setattr("lakemart.ledger.known._TAIL", 2)
    refresh_index(lake, W)

    found = index.newest(open_store(lake), W)
    assert found is not None
    assert found.number == 3  # in pieces, so that what is held stays bounded
    assert [key for key, _ in known_stream(lake, W)] == ["k0", "k1", "k2", "k3", "k4"]
    assert dict(refresh_index(lake, W)) == known_objects(lake, W)
    assert [key for key, _ in known_stream(lake, W, start_after="k2")] == ["k3", "k4"]


@pytest.mark.parametrize("content", [b"", b"PAR1torn"])
def test_an_index_that_cannot_be_read_counts_for_nothing(lake: Location, content: bytes) -> None:
    known = read(lake, [("k", "e1", "read")], [("k", "e2", "damaged")])
    open_store(lake).write(f"_ledger/{W}/index/0000000009.parquet", content)

    assert known_objects(lake, W) == known


def test_only_the_newest_indexes_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lakemart.ledger.known._TAIL_NUMBERS", 0)
    tmp_path.joinpath("how").write_text("from the index")
    lake = Location(uri=str(tmp_path))
    read(lake, *([(f"k{number}", "e", "read")] for number in range(5)))

    assert len(list(open_store(lake).list(f"_ledger/{W}/index/"))) == 2
