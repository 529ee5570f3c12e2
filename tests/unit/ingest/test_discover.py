"""Discovery goes by etags: new keys, known ones, overwritten ones, and keys that are never data."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakemart.config.source import Completion, ObjectRules
from lakemart.ingest.discover import discover, key_pattern
from lakemart.ledger.known import KnownObject
from lakemart.storage.store import Location, Store, open_store

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def raw(tmp_path: Path) -> Store:
    return open_store(Location(uri=str(tmp_path)))


def keys(raw: Store, rules: ObjectRules, known: dict[str, KnownObject] | None = None, now: datetime = NOW) -> list[str]:
    return [found.key for found in discover(raw, rules, known or {}, now).new]


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
    first = discover(raw, ObjectRules(), {}, NOW).new[0].etag
    raw.write("a.json", b"two")
    second = discover(raw, ObjectRules(), {}, NOW).new[0].etag
    known = {"a.json": KnownObject(etag=second, number=2, good_etag=second)}

    assert keys(raw, ObjectRules(), known) == []
    raw.write("a.json", b"one")
    found = discover(raw, ObjectRules(), known, NOW)

    assert found.new == ()
    assert [(one.known_etag, one.now.etag) for one in found.overwritten] == [(second, first)]


def test_a_key_that_was_never_read_well_is_new_when_it_is_replaced(raw: Store) -> None:
    """Rule 5: a damaged upload that is repaired is taken like a new one, whatever the policy on overwrites."""
    raw.write("a.json", b"repaired")
    damaged = {"a.json": KnownObject(etag="damaged", number=1, good_etag=None)}

    assert keys(raw, ObjectRules(), damaged) == ["a.json"]


def test_a_damaged_object_is_not_taken_again_as_it_is(raw: Store) -> None:
    raw.write("a.json", b"broken")
    etag = discover(raw, ObjectRules(), {}, NOW).new[0].etag

    assert keys(raw, ObjectRules(), {"a.json": KnownObject(etag=etag, number=1, good_etag=None)}) == []


def test_a_folder_waits_for_its_marker(raw: Store) -> None:
    for key in ("day1/a.json", "day1/COMPLETE", "day2/a.json"):
        raw.write(key, b"{}")
    rules = ObjectRules(pattern="*.json", complete=Completion(marker="COMPLETE"))

    found = discover(raw, rules, {}, NOW)

    assert [one.key for one in found.new] == ["day1/a.json"]
    assert found.waiting == 1


def test_an_object_waits_until_it_is_old_enough(raw: Store) -> None:
    raw.write("a.json", b"{}")
    modified = next(iter(raw.list())).modified
    rules = ObjectRules(complete=Completion(after=timedelta(minutes=10)))

    assert keys(raw, rules, now=modified + timedelta(minutes=9)) == []
    assert keys(raw, rules, now=modified + timedelta(minutes=10)) == ["a.json"]
