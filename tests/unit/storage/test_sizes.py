"""Keys and sizes alone: the same keys as a listing, and a folder's files are not opened for them."""

from __future__ import annotations

from pathlib import Path

from lakemart.storage.opening import open_store
from lakemart.storage.store import Location


def test_sizes_are_the_keys_and_sizes_of_a_listing(location: Location) -> None:
    store = open_store(location)
    for key in ("b", "a/x", "a-b", "a/b/c", "z"):
        store.write(key, key.encode() * 3)

    assert list(store.sizes()) == [(info.key, info.size) for info in store.list()]
    assert list(store.sizes("a/", start_after="a/b/c")) == [("a/x", 9)]


def test_a_file_that_may_not_be_read_has_a_size_all_the_same(tmp_path: Path) -> None:
    """Nothing of a file is read for it: a link that leads nowhere to read still counts when it can be looked at."""
    store = open_store(Location(uri=str(tmp_path)))
    store.write("a", b"1234")
    (tmp_path / "a").chmod(0)

    assert list(store.sizes()) == [("a", 4)]
