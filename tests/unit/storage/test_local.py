"""What is a folder's own: changes in place, kills in the middle of a write, files that may not be read."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from lakemart.errors import TransientError
from lakemart.storage import local
from lakemart.storage.local import HASHED_BELOW, LocalStore
from lakemart.storage.store import BLOCK, ChangedObjectError, ForbiddenObjectError, Location, MissingObjectError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(Location(uri=str(tmp_path / "lake")))


def test_a_large_file_that_changes_while_it_is_read_is_noticed(store: LocalStore, tmp_path: Path) -> None:
    store.write("a", b"x" * (HASHED_BELOW + BLOCK))
    (info,) = store.list()
    blocks = store.blocks("a", etag=info.etag)
    next(blocks)

    with (tmp_path / "lake/a").open("ab") as other:
        other.write(b"more")

    with pytest.raises(ChangedObjectError, match="changed while it was read"):
        list(blocks)


def test_a_small_file_that_changes_while_it_is_read_is_given_as_it_was_planned(
    store: LocalStore, tmp_path: Path
) -> None:
    store.write("a", b"x" * (2 * BLOCK))
    (info,) = store.list()
    blocks = store.blocks("a", etag=info.etag)
    first = next(blocks)

    (tmp_path / "lake/a").write_bytes(b"y" * (2 * BLOCK))

    assert first + b"".join(blocks) == b"x" * (2 * BLOCK)


def test_a_file_replaced_between_opening_and_hashing_is_never_taken_for_the_planned_one(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", b"planned")
    (planned,) = store.list()
    store.write("a", b"earlier")
    opened = LocalStore._open

    def replaced(self: LocalStore, key: str) -> object:
        stream = opened(self, key)
        replacement = tmp_path / "replacement"
        replacement.write_bytes(b"planned")
        replacement.replace(tmp_path / "lake" / key)
        return stream

    monkeypatch.setattr(LocalStore, "_open", replaced)

    with pytest.raises(ChangedObjectError):
        list(store.blocks("a", etag=planned.etag))


@pytest.mark.parametrize("size", [10, HASHED_BELOW + 1])
def test_the_read_and_the_listing_agree_on_the_etag(store: LocalStore, size: int) -> None:
    store.write("a", b"x" * size)

    assert [info.etag for info in store.list()] == [store.read("a")[1]]


def test_what_a_killed_writer_leaves_is_no_object(store: LocalStore, tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "lake")], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout:
        child.stdout.readline()
        time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)

    assert {store.read(info.key)[0] for info in store.list()} <= {bytes([byte]) * 300_000 for byte in b"ab"}


WRITER = """
import sys
from lakemart.storage.local import LocalStore
from lakemart.storage.store import Location
store = LocalStore(Location(uri=sys.argv[1]))
store.write("always", b"a" * 300_000)
print("begun", flush=True)
number = 0
while True:
    store.write("always", b"b" * 300_000)
    store.put_if_absent(f"new/{number % 7}", b"a" * 300_000)
    etag = store.read("always")[1]
    store.put_if_match("always", b"a" * 300_000, etag)
    number += 1
"""


def test_a_killed_writers_temporary_file_is_not_listed_and_stops_nobody(
    store: LocalStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("folder/a", b"old")
    monkeypatch.setattr(local, "_sync_folder", lambda folder: None)
    temporary = tmp_path / "lake/folder" / f"{local._TEMPORARY}0123"
    temporary.write_bytes(b"half of wh")

    assert [info.key for info in store.list()] == ["folder/a"]
    assert not store.put_if_absent("folder/a", b"new")
    assert store.put_if_match("folder/a", b"new", store.read("folder/a")[1])


def test_a_full_disk_is_a_transient_error_and_leaves_the_old_object(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(TransientError, match="cannot write 'a': No space left on device"):
        store.write("a", b"new")
    assert store.read("a")[0] == b"old"
    assert [path.name for path in (store._root).iterdir()] == ["a"]


def test_a_key_below_an_object_cannot_be_written_and_the_error_says_so(store: LocalStore) -> None:
    store.write("a", b"")

    with pytest.raises(TransientError, match="cannot write 'a/b'"):
        store.write("a/b", b"")


def test_a_folder_is_no_object(store: LocalStore) -> None:
    store.write("a/b", b"")

    with pytest.raises(MissingObjectError):
        store.read("a")


def test_a_file_that_may_not_be_read_is_listed_and_forbidden(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("closed", b"x")
    store.write("open", b"x")
    _close(monkeypatch, store._root / "closed")

    assert [info.key for info in store.list()] == ["closed", "open"]
    with pytest.raises(ForbiddenObjectError, match="'closed' may not be read"):
        list(store.blocks("closed"))


def _close(monkeypatch: pytest.MonkeyPatch, closed: Path) -> None:
    """Tests may run as root, whom no mode keeps out: the refusal is made at the opening."""
    opened = type(closed).open

    def refuse(self: Path, *rest: object, **more: object) -> object:
        if self == closed:
            raise PermissionError(13, "Permission denied")
        return opened(self, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(type(closed), "open", refuse)


def test_a_file_deleted_while_the_folder_is_listed_is_left_out(store: LocalStore) -> None:
    for key in ("a", "b", "c"):
        store.write(key, b"")
    listing = store.list()
    next(listing)
    store.delete("b")

    assert [info.key for info in listing] == ["c"]


def test_a_lock_that_is_never_given_back_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a process that was paused at that very place: leases must still be taken over."""
    monkeypatch.setattr("lakemart.storage.local._LOCK_SECONDS", 0.05)
    store = LocalStore(Location(uri=str(tmp_path)))
    store.write("lease", b"one")
    etag = store.read("lease")[1]
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        assert store.put_if_match("lease", b"two", etag)
    finally:
        os.close(descriptor)
