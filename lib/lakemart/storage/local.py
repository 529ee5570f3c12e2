"""A local folder as an object store, with the same promises as S3: atomic puts, conditional puts, etags."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from lakemart.errors import TransientError
from lakemart.storage.store import (
    BLOCK,
    ChangedObjectError,
    ForbiddenObjectError,
    Location,
    MissingObjectError,
    ObjectInfo,
)

HASHED_BELOW = 4 * 1024 * 1024
"""Files up to this size have the MD5 of their content as etag, as in S3; larger ones their size and time of change."""

_TEMPORARY = ".lakemart-put-"

_LOCK_SECONDS = 5.0
_LOCK_PAUSE = 0.005


class LocalStore:
    """See `Store`. Writes go to a temporary name, are synced, and appear whole under their key or not at all."""

    def __init__(self, location: Location) -> None:
        self.location = location
        self._root = Path(location.uri)

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        """Streams in key order: a folder sorts as its name with `/`, which is where its keys stand."""
        for name in self._walk(prefix.rpartition("/")[0], prefix, start_after):
            info = self._info(name)
            if info is not None:
                yield info

    def sizes(self, prefix: str = "", *, start_after: str = "") -> Iterator[tuple[str, int]]:
        for name in self._walk(prefix.rpartition("/")[0], prefix, start_after):
            try:
                yield name, (self._root / name).stat().st_size
            except FileNotFoundError:
                continue  # deleted since the folder was read
            except OSError as error:
                raise self._failed("list", name, error) from error

    def _walk(self, folder: str, prefix: str, start_after: str) -> Iterator[str]:
        base = f"{folder}/" if folder else ""
        try:
            with os.scandir(self._root / folder) as entries:
                names = sorted(
                    (base + entry.name + ("/" if entry.is_dir() else "") for entry in entries),
                    key=lambda name: name.encode(),
                )
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise self._failed("list", folder, error) from error
        for name in names:
            if name.endswith("/"):
                past = start_after >= name and not start_after.startswith(name)
                if not past and (name.startswith(prefix) or prefix.startswith(name)):
                    yield from self._walk(name[:-1], prefix, start_after)
            elif name.startswith(prefix) and name > start_after and _TEMPORARY not in name:
                yield name

    def _info(self, key: str) -> ObjectInfo | None:
        path = self._root / key
        try:
            stat = path.stat()
            data = _content(path) if stat.st_size <= HASHED_BELOW else b""
        except FileNotFoundError:
            return None  # deleted since the folder was read: as in S3, it is not there
        except OSError as error:
            raise self._failed("list", key, error) from error
        # Listed and not readable: the read will say so; the listing must not end for it.
        etag = _by_time(stat) if data is None else _etag(stat, data)
        return ObjectInfo(key=key, size=stat.st_size, etag=etag, modified=datetime.fromtimestamp(stat.st_mtime, UTC))

    def _open(self, key: str) -> BinaryIO:
        try:
            return (self._root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise MissingObjectError(f"there is no object {key!r}", where=self.location.uri) from error
        except PermissionError as error:
            raise ForbiddenObjectError(f"object {key!r} may not be read", where=self.location.uri) from error
        except OSError as error:
            raise self._failed("read", key, error) from error

    def blocks(self, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        with self._open(key) as stream:
            before = os.fstat(stream.fileno())
            # What is hashed is what is given: a small file is held whole, so that no change can slip in between.
            small = stream.read() if before.st_size <= HASHED_BELOW else None
            if etag is not None and _etag(before, small or b"") != etag:
                raise ChangedObjectError(f"object {key!r} is no longer version {etag}", where=self.location.uri)
            source = stream if small is None else io.BytesIO(small)
            while block := source.read(BLOCK):
                yield block
            if small is None and _by_time(os.fstat(stream.fileno())) != _by_time(before):
                raise ChangedObjectError(f"object {key!r} changed while it was read", where=self.location.uri)

    def read(self, key: str) -> tuple[bytes, str]:
        with self._open(key) as stream:
            data = stream.read()
            return data, _etag(os.fstat(stream.fileno()), data)

    def write(self, key: str, data: bytes) -> None:
        with self._written(key, data) as temporary:
            temporary.replace(self._root / key)

    def put_if_absent(self, key: str, data: bytes) -> bool:
        with self._written(key, data) as temporary:
            try:
                os.link(temporary, self._root / key)  # atomic, and fails where a rename would overwrite
            except FileExistsError:
                return False
            return True

    def put_if_match(self, key: str, data: bytes, etag: str) -> bool:
        path = self._root / key
        with self._written(key, data) as temporary, self._locked(path.parent):
            try:
                current = self.read(key)[1]
            except MissingObjectError:
                return False
            if current != etag:
                return False
            temporary.replace(path)
            return True

    def delete(self, key: str) -> None:
        try:
            (self._root / key).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failed("delete", key, error) from error

    @contextmanager
    def _written(self, key: str, data: bytes) -> Iterator[Path]:
        """A synced temporary file with `data` beside the key; afterwards it is gone and the folder is synced."""
        folder = (self._root / key).parent
        temporary = folder / f"{_TEMPORARY}{uuid.uuid4().hex}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            yield temporary
            _sync_folder(folder)
        except OSError as error:
            raise self._failed("write", key, error) from error
        finally:
            with suppress(OSError):  # what the write itself met with is the error to tell
                temporary.unlink()

    @contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """The folder's lock. Of a process that was paused while it held it no more than a few seconds are waited for.

        It is passed by then, and should it wake at that very place, one put may undo another. What is put so are leases,
        a courtesy that nothing is built on; a lock that is never given back would stop every later run.
        """
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        break
                    time.sleep(_LOCK_PAUSE)
            yield
        finally:
            os.close(descriptor)

    def _failed(self, act: str, key: str, error: OSError) -> TransientError:
        return TransientError(f"cannot {act} {key!r}: {error.strerror or error}", where=self.location.uri)


def abandoned_puts(location: Location, before: datetime) -> list[Path]:
    """Temporary files of writes that were begun before then and never ended, for their process was killed.

    To delete one under a writer that still lives is safe: its put fails. Raises TransientError for a folder not readable.
    """
    found: list[Path] = []
    try:
        for folder, _, names in os.walk(location.uri, onerror=_raise):
            paths = [Path(folder) / name for name in names if name.startswith(_TEMPORARY)]
            found += [path for path in paths if _is_older(path, before)]
    except OSError as error:
        raise TransientError(f"cannot list the lake: {error.strerror or error}", where=location.uri) from error
    return sorted(found)


def _is_older(path: Path, before: datetime) -> bool:
    try:
        return path.stat().st_mtime < before.timestamp()
    except FileNotFoundError:
        return False  # its writer lives, and is done with it


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _etag(stat: os.stat_result, data: bytes) -> str:
    """The etag of a file; `data` is its whole content, looked at only when the file is small."""
    return _by_time(stat) if stat.st_size > HASHED_BELOW else hashlib.md5(data, usedforsecurity=False).hexdigest()


def _by_time(stat: os.stat_result) -> str:
    return f"{stat.st_size:x}-{stat.st_mtime_ns:x}"


def _content(path: Path) -> bytes | None:
    """The file's bytes, None when they may not be read."""
    try:
        return path.read_bytes()
    except PermissionError:
        return None


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
