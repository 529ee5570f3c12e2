"""Discovery goes by etags: new keys, known ones, overwritten ones, and keys that are never data."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakemart.config.source import Completion, ObjectRules
from lakemart.errors import TransientError
from lakemart.ingest.discover import Discovery, Search, discover, late_objects
from lakemart.ingest.listing import key_pattern
from lakemart.ledger.known import KnownObject
from lakemart.storage.local import LocalStore
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, ObjectInfo, Store

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def raw(tmp_path: Path) -> Store:
    return open_store(Location(uri=str(tmp_path)))


def found_in(
    raw: Store, rules: ObjectRules, known: dict[str, KnownObject] | None = None, now: datetime = NOW, **given: Any
) -> Discovery:
    return discover(raw, rules, sorted((known or {}).items()), now, Search(**{"objects": 1000, **given}))


def keys(raw: Store, rules: ObjectRules, known: dict[str, KnownObject] | None = None, now: datetime = NOW) -> list[str]:
    return [found.key for found in found_in(raw, rules, known, now).new]


def test_hidden_segments_and_other_patterns_are_never_data(raw: Store) -> None:
    for key in ("a.json", "_tmp/a.json", "b/.part/a.json", "b/_SUCCESS", "b/c.json", "b/c.csv"):
        raw.write(key, b"{}")

    assert keys(raw, ObjectRules(pattern="*.json")) == ["a.json", "b/c.json"]


def test_a_hidden_segment_that_the_prefix_names_is_data(raw: Store) -> None:
    raw.write("_exports/a.json", b"{}")
    raw.write("_exports/_b.json", b"{}")

    assert keys(raw, ObjectRules(prefix="_exports/", pattern="*.json")) == ["_exports/a.json"]


def test_a_dated_prefix_takes_only_keys_with_a_date(raw: Store) -> None:
    for key in ("2024/01/a.json", "2024/x/a.json", "other/01/a.json"):
        raw.write(key, b"{}")

    assert keys(raw, ObjectRules(prefix="{yyyy}/{MM}/", pattern="*.json")) == ["2024/01/a.json"]


def test_a_date_part_that_comes_twice_has_one_value() -> None:
    pattern = key_pattern(ObjectRules(prefix="{yyyy}/{yyyy}-{MM}/", pattern="*"))

    assert pattern.fullmatch("2024/2024-01/a")
    assert not pattern.fullmatch("2024/2023-01/a")


def test_an_object_is_known_by_the_last_etag_of_its_key(raw: Store) -> None:
    """Rule 4 of the protocol: an earlier etag that comes back is an overwrite, not a known object."""
    raw.write("a.json", b"one")
    first = found_in(raw, ObjectRules()).new[0].etag
    raw.write("a.json", b"two")
    second = found_in(raw, ObjectRules()).new[0].etag
    known = {"a.json": KnownObject(etag=second, number=2, good_etag=second)}

    assert keys(raw, ObjectRules(), known) == []
    raw.write("a.json", b"one")
    found = found_in(raw, ObjectRules(), known)

    assert found.new == ()
    assert found.overwritten == 1
    assert found.first_overwritten is not None
    assert (found.first_overwritten.known_etag, found.first_overwritten.now.etag) == (second, first)


def test_a_key_that_was_never_read_well_is_new_when_it_is_replaced(raw: Store) -> None:
    """Rule 5: a damaged upload that is repaired is taken like a new one, whatever the policy on overwrites."""
    raw.write("a.json", b"repaired")
    damaged = {"a.json": KnownObject(etag="damaged", number=1, good_etag=None)}

    assert keys(raw, ObjectRules(), damaged) == ["a.json"]


def test_a_damaged_object_is_not_taken_again_as_it_is(raw: Store) -> None:
    raw.write("a.json", b"broken")
    etag = found_in(raw, ObjectRules()).new[0].etag

    assert keys(raw, ObjectRules(), {"a.json": KnownObject(etag=etag, number=1, good_etag=None)}) == []


def test_a_folder_waits_for_its_marker(raw: Store) -> None:
    for key in ("day1/a.json", "day1/COMPLETE", "day2/a.json"):
        raw.write(key, b"{}")
    rules = ObjectRules(pattern="*.json", complete=Completion(marker="COMPLETE"))

    found = found_in(raw, rules)

    assert [one.key for one in found.new] == ["day1/a.json"]
    assert found.waiting == 1


def test_an_object_waits_until_it_is_old_enough(raw: Store) -> None:
    raw.write("a.json", b"{}")
    modified = next(iter(raw.list())).modified
    rules = ObjectRules(complete=Completion(after=timedelta(minutes=10)))

    assert keys(raw, rules, now=modified + timedelta(minutes=9)) == []
    assert keys(raw, rules, now=modified + timedelta(minutes=10)) == ["a.json"]


def test_the_oldest_are_taken_first_when_there_are_too_many(raw: Store, tmp_path: Path) -> None:
    for age, key in enumerate(("d", "a", "c", "b")):
        raw.write(key, b"{}")
        os.utime(tmp_path / key, (1_000_000 - age, 1_000_000 - age))

    found = found_in(raw, ObjectRules(), objects=2)

    assert [one.key for one in found.new] == ["b", "c"]
    assert found.left == 2
    assert [one.key for one in found_in(raw, ObjectRules(), bytes=7).new] == ["a", "b", "c"]
    assert [one.key for one in found_in(raw, ObjectRules(), bytes=1).new] == [
        "b"
    ]  # one at least, or nothing ever would


DAYS = ObjectRules(prefix="in/{yyyy}/{MM}/{dd}/", closed_after=timedelta(days=7))


def day(number: int) -> str:
    return f"in/2029/12/{number:02d}/a"


def test_closed_dates_are_not_listed_once_all_of_them_was_taken(raw: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 20, 24, 25, 31):
        raw.write(day(number), b"{}")
    first = found_in(raw, DAYS)
    assert len(first.new) == 5
    assert first.open_since == datetime(2029, 12, 25, tzinfo=UTC)
    listed: list[str] = []
    whole = type(raw).list

    def watched(self: Store, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        for info in whole(self, prefix, start_after=start_after):
            listed.append(info.key)
            yield info

    monkeypatch.setattr(type(raw), "list", watched)

    found_in(raw, DAYS, since=first.open_since)

    assert listed == [day(25), day(31)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"objects": 1}, "it was left for a later run"),
        ({"not_now": {(day(3), "x")}}, "it could not be read"),
    ],
)
def test_a_date_stays_open_while_something_of_it_is_not_taken(raw: Store, given: dict[str, Any], why: str) -> None:
    raw.write(day(2), b"{}")
    raw.write(day(3), b"{}")
    if "not_now" in given:
        given = {"not_now": {(info.key, info.etag) for info in raw.list() if info.key == day(3)}}

    found = found_in(raw, DAYS, **given)

    assert found.open_since == datetime(2029, 12, 3, tzinfo=UTC), why


def test_a_date_stays_open_while_something_of_it_waits_to_be_complete(raw: Store) -> None:
    raw.write(day(2), b"{}")
    rules = replace(DAYS, complete=Completion(marker="DONE"))

    assert found_in(raw, rules).open_since == datetime(2029, 12, 2, tzinfo=UTC)


def test_what_lands_in_a_closed_date_is_found_when_asked_for(raw: Store) -> None:
    raw.write(day(1), b"{}")
    raw.write(day(2), b"{}")
    known = {
        key: KnownObject(etag=etag, number=1, good_etag=etag) for key, etag in [(i.key, i.etag) for i in raw.list()]
    }
    raw.write(day(2), b"{}\n{}")
    raw.write(day(4), b"{}")
    raw.write(day(30), b"{}")

    late = late_objects(raw, DAYS, sorted(known.items()), NOW, datetime(2029, 12, 25, tzinfo=UTC))

    assert [info.key for info in late] == [day(2), day(4)]


def test_nested_folders_wait_for_their_own_markers(raw: Store) -> None:
    for key in ("a/1.json", "a/b/2.json", "a/b/COMPLETE", "a/c.json", "ab/3.json", "ab/COMPLETE", "COMPLETE", "z.json"):
        raw.write(key, b"{}")
    rules = ObjectRules(pattern="*.json", complete=Completion(marker="COMPLETE"))

    assert keys(raw, rules) == ["a/b/2.json", "ab/3.json", "z.json"]


def test_overwritten_objects_are_candidates_like_new_ones_where_they_are_replaced(raw: Store) -> None:
    raw.write("a", b"{}")
    known = {"a": KnownObject(etag="before", number=1, good_etag="before")}

    found = found_in(raw, ObjectRules(overwritten="replace"), known, replacing=True)

    assert [one.key for one in found.replaced] == ["a"]
    assert found.overwritten == 0


class Listed(LocalStore):
    """A raw zone whose listing says what it is told to."""

    keys: tuple[str, ...] = ()

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        assert (prefix, start_after) == ("", "")
        yield from (ObjectInfo(key=key, size=1, etag="e", modified=NOW) for key in self.keys)


def test_a_key_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    raw = Listed(Location(uri=str(tmp_path)))
    raw.keys = ("a", "b", "b", "c")

    assert keys(raw, ObjectRules()) == ["a", "b", "c"]


def test_a_listing_that_is_not_in_order_is_refused(tmp_path: Path) -> None:
    raw = Listed(Location(uri=str(tmp_path)))
    raw.keys = ("b", "a")

    with pytest.raises(TransientError, match="not in key order"):
        keys(raw, ObjectRules())


def test_a_damaged_object_that_is_repaired_is_taken_though_its_date_is_closed(raw: Store) -> None:
    """Every run that met it said: replace the object and run again."""
    for number in (1, 2, 30):
        raw.write(day(number), b"{}")
    broken = KnownObject(etag="broken", number=1, good_etag=None)
    same = KnownObject(etag=next(info.etag for info in raw.list() if info.key == day(2)), number=1, good_etag=None)
    gone = KnownObject(etag="gone", number=1, good_etag=None)
    known = {day(1): broken, day(2): same, day(3): gone}

    found = found_in(raw, DAYS, known, since=datetime(2029, 12, 25, tzinfo=UTC))

    assert [one.key for one in found.new] == [day(1), day(30)]


def test_a_date_stays_open_while_an_overwritten_object_in_it_is_not_settled(raw: Store) -> None:
    raw.write(day(2), b"{}")
    known = {day(2): KnownObject(etag="before", number=1, good_etag="before")}

    assert found_in(raw, DAYS, known).open_since == datetime(2029, 12, 2, tzinfo=UTC)
    ignoring = replace(DAYS, overwritten="ignore")
    assert found_in(raw, ignoring, known).open_since == datetime(2029, 12, 25, tzinfo=UTC)
    assert list(late_objects(raw, ignoring, sorted(known.items()), NOW, NOW)) == []
