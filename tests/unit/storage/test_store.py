"""What every store promises, shown on a folder and on S3 by the same tests."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from lakemart.storage.opening import open_store
from lakemart.storage.store import BLOCK, ChangedObjectError, Location, MissingObjectError, Store

if TYPE_CHECKING:
    from collections.abc import Callable

ODD_KEYS = (
    "plain", "a b", "a%20b", "a+b", "100%", "a=b/c", "ü/日本.json", "😀", "a&b", "a#b", "a?b", "q'uo\"te", "(1)", "a:b", "~", "..x", "%2F", "*", "[x]",
)  # fmt: skip


@pytest.fixture
def store(location: Location) -> Store:
    return open_store(location)


def listed(store: Store, prefix: str = "", *, start_after: str = "") -> list[str]:
    return [info.key for info in store.list(prefix, start_after=start_after)]


def put_all(store: Store, keys: tuple[str, ...]) -> None:
    for key in keys:
        store.write(key, key.encode())


def etag_of(store: Store, key: str) -> str:
    return next(info.etag for info in store.list(key) if info.key == key)


def test_a_listing_is_in_the_order_of_the_keys_bytes_whatever_is_a_folder(store: Store) -> None:
    keys = (
        "a",
        "a-b",
        "a/b",
        "a/b/c",
        "a.b",
        "a0",
        "a/b-c",
        "a!/x",
        "ab",
        "a/",
        "Z/z",
        "ü",
        "é",
        "z/\U0001f600",
        "z/\uffee",
        "_x/y",
    )
    files = tuple(key for key in keys if not key.endswith("/") and key not in {"a", "a/b"})  # a folder holds no bytes
    put_all(store, files)

    assert listed(store) == sorted(files, key=lambda key: key.encode())


def test_a_prefix_may_end_inside_a_segment(store: Store) -> None:
    keys = ("raw/2015-01/a", "raw/2015-02/a", "raw/2015/a.json", "raw/2015/b.json", "raw/2016/a", "rawer/x")
    put_all(store, keys)

    for prefix in ("", "raw/2015", "raw/2015/", "raw/2015/a", "raw", "raw/2015-01", "other", "raw/2015/a.json/x"):
        assert listed(store, prefix) == sorted(key for key in keys if key.startswith(prefix)), prefix


def test_a_listing_starts_after_any_text_key_or_not(store: Store) -> None:
    keys = ("a-/x", "a/1/x", "a/1/y", "a/1/y!", "a/2/x", "a/2/z", "a0/x", "b/1", "b/2")
    put_all(store, keys)

    for after in ("", "a", "a/", "a/1", "a/1/x", "a/1/~", "a/2", "a-", "a0", "b/1", "c", "a/1/y/z"):
        for prefix in ("", "a/", "a/1"):
            wanted = sorted(key for key in keys if key.startswith(prefix) and key > after)
            assert listed(store, prefix, start_after=after) == wanted, (prefix, after)


def test_nothing_there_lists_as_nothing(store: Store) -> None:
    put_all(store, ("there",))

    assert listed(store, "not/there/") == []
    assert listed(store, "there/below/an/object/") == []


def test_any_key_is_kept_as_it_is(store: Store) -> None:
    for key in ODD_KEYS:
        store.write(f"odd/{key}", key.encode())

    assert set(listed(store, "odd/")) == {f"odd/{key}" for key in ODD_KEYS}
    for key in ODD_KEYS:
        assert store.read(f"odd/{key}")[0] == key.encode()
        assert listed(store, f"odd/{key}")[0] == f"odd/{key}"
        store.delete(f"odd/{key}")
    assert listed(store) == []


def test_a_listing_tells_size_etag_and_time(store: Store) -> None:
    store.write("a", b"12345")

    (info,) = store.list()

    assert (info.size, info.etag) == (5, store.read("a")[1])
    assert info.modified.tzinfo is not None


def test_the_etag_changes_with_the_content_and_only_with_it(store: Store) -> None:
    store.write("a", b"one")
    first = etag_of(store, "a")
    store.write("a", b"two")
    second = etag_of(store, "a")
    store.write("a", b"one")

    assert first != second
    assert etag_of(store, "a") == first


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, 2 * BLOCK + 7, 5 * BLOCK])
def test_blocks_give_all_bytes_of_the_version_asked_for(store: Store, size: int) -> None:
    data = bytes(index % 251 for index in range(997)) * (size // 997 + 1)
    store.write("a", data[:size])

    blocks = list(store.blocks("a", etag=etag_of(store, "a")))

    assert b"".join(blocks) == data[:size]
    assert max(map(len, blocks), default=0) <= BLOCK
    assert b"".join(store.blocks("a")) == data[:size]


@pytest.mark.parametrize("size", [10, 5 * BLOCK])
def test_blocks_of_a_replaced_object_are_refused(store: Store, size: int) -> None:
    store.write("a", b"x" * size)
    planned = etag_of(store, "a")
    store.write("a", b"y" * size)

    with pytest.raises(ChangedObjectError, match="'a' is no longer version"):
        list(store.blocks("a", etag=planned))


def test_what_is_missing_is_said_to_be_missing(store: Store) -> None:
    store.write("a", b"")

    for read in (lambda: list(store.blocks("b")), lambda: list(store.blocks("b", etag="x")), lambda: store.read("a/b")):
        with pytest.raises(MissingObjectError, match="there is no object"):
            read()
    store.delete("b")
    store.delete("a/b")


def test_the_first_to_put_keeps_its_place(store: Store) -> None:
    assert store.put_if_absent("k", b"first")
    assert not store.put_if_absent("k", b"second")
    assert store.read("k")[0] == b"first"


def test_a_matching_put_replaces_only_the_version_it_names(store: Store) -> None:
    assert not store.put_if_match("k", b"x", "nothing there")
    store.put_if_absent("k", b"one")
    first = store.read("k")[1]

    assert store.put_if_match("k", b"two", first)
    assert not store.put_if_match("k", b"three", first)
    assert store.read("k")[0] == b"two"


def race(put: Callable[[bytes], bool], runners: int = 16) -> list[bytes]:
    """What of `runners` puts at once was said to have been done."""
    gate = threading.Barrier(runners)

    def one(index: int) -> bytes | None:
        data = b"%d from %s" % (index, uuid4().hex.encode())  # as callers do: an etag names content, not a write
        gate.wait()
        return data if put(data) else None

    with ThreadPoolExecutor(runners) as pool:
        return [data for data in pool.map(one, range(runners)) if data is not None]


def test_of_many_puts_if_absent_at_once_one_wins_and_is_there(store: Store) -> None:
    for turn in range(5):
        key = f"race/{turn}"

        winners = race(lambda data, key=key: store.put_if_absent(key, data))  # type: ignore[misc]

        assert winners == [store.read(key)[0]]


def test_of_many_matching_puts_at_once_one_wins_and_is_there(store: Store) -> None:
    store.put_if_absent("k", b"start")
    for _ in range(5):
        etag = store.read("k")[1]

        winners = race(lambda data, etag=etag: store.put_if_match("k", data, etag))  # type: ignore[misc]

        assert winners == [store.read("k")[0]]


def test_a_place_below_a_place_holds_the_same_objects(store: Store) -> None:
    open_store(store.location.child("table")).write("part/x", b"1")

    assert listed(store) == ["table/part/x"]


def test_a_location_tells_no_secret_key(s3_location: Location) -> None:
    assert "secret_key" not in repr(s3_location)
