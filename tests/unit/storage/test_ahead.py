"""Objects that are read ahead come as the store gives them, in bounded memory, and fail where they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from lakemart.storage import ahead
from lakemart.storage.ahead import READERS, Wanted, reading_ahead
from lakemart.storage.opening import open_store
from lakemart.storage.s3 import S3Store
from lakemart.storage.store import BLOCK, ChangedObjectError, Location


def landed(location: Location, count: int) -> list[Wanted]:
    store = open_store(location)
    for number in range(count):
        store.write(f"{number:03}", f"object {number}".encode())
    return [Wanted(key=info.key, etag=info.etag, size=info.size) for info in store.list()]


def test_every_object_is_given_as_the_store_has_it(location: Location) -> None:
    wanted = landed(location, 3 * READERS)
    with reading_ahead(location, wanted) as read:
        found = [b"".join(read(one.key, one.etag)) for one in wanted]
        again = b"".join(read(wanted[0].key, wanted[0].etag))

    assert found == [f"object {number}".encode() for number in range(3 * READERS)]
    assert again == b"object 0", "what is asked for a second time is read a second time"


def test_an_object_that_changed_fails_where_it_is_asked_for_and_no_other_does(location: Location) -> None:
    wanted = landed(location, 4)
    open_store(location).write("002", b"other")
    with reading_ahead(location, wanted) as read:
        for one in wanted:
            if one.key == "002":
                with pytest.raises(ChangedObjectError):
                    list(read(one.key, one.etag))
            else:
                assert list(read(one.key, one.etag))


def test_no_more_is_read_ahead_than_the_window_holds_and_nothing_after_the_end(
    s3_location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large objects are left to whoever asks for them, for they come in blocks."""
    asked: list[str] = []
    full = threading.Event()
    window = ahead._WINDOW

    def blocks(_: S3Store, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        assert etag == "e"
        asked.append(key)
        if len(asked) == window + 1:
            full.set()
        yield key.encode()

    monkeypatch.setattr(S3Store, "blocks", blocks)
    wanted = [Wanted(key=f"{number:03}", etag="e", size=BLOCK + (number == 1)) for number in range(4 * READERS)]
    with reading_ahead(s3_location, wanted) as read:
        assert asked == []
        assert list(read("000", "e")) == [b"000"]
        assert full.wait(30)
        assert "001" not in asked
        assert list(read("001", "e")) == [b"001"]

    assert len(asked) == len(set(asked)) == window + 2
