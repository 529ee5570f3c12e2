"""What is known of raw objects: by each key's last etag, well read or damaged; rules 4 and 5 of the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lakemart.ledger import records
from lakemart.ledger.known import KnownObject, known_objects
from lakemart.ledger.projection import project
from lakemart.storage.store import Location, open_store

if TYPE_CHECKING:
    from pathlib import Path

W = "source/s"
Reading = tuple[str, str, str]
"""Key, etag, status."""


@pytest.fixture(params=["from the records", "from the projection", "half and half"])
def lake(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """A lake whose readings are found in each of these places."""
    tmp_path.joinpath("how").write_text(request.param)
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
        if how == "half and half" and number == 1:
            project(lake, [W])
    if how == "from the projection":
        project(lake, [W])
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
