"""Small objects read ahead by threads: S3 answers each request late, and many at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from lakemart.storage.opening import open_store
from lakemart.storage.store import BLOCK, READERS, Location, Store

_WINDOW = 2 * READERS
"""How many objects are held or on their way, each of at most a block: memory for as many blocks."""

Blocks = Callable[[str, str], Iterator[bytes]]
"""Gives an object's bytes by its key and etag, as `Store.blocks` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An object that will be read, in exactly this version."""

    key: str
    etag: str
    size: int


@contextmanager
def reading_ahead(location: Location, wanted: Sequence[Wanted]) -> Iterator[Blocks]:
    """Gives objects as the store does, the wanted ones best in their order; small ones may be there before they are asked for.

    What reading one of them raises is raised where it is asked for. On a local folder nothing is read ahead.
    """
    store = open_store(location)
    if not location.is_s3 or len(wanted) < 2:
        yield lambda key, etag: store.blocks(key, etag=etag)
        return
    pool = ThreadPoolExecutor(READERS, thread_name_prefix="ahead")
    try:
        yield _Window(store, pool, wanted).blocks
    finally:
        pool.shutdown(cancel_futures=True)


class _Window:
    """The objects that are read ahead now: the next small ones."""

    def __init__(self, store: Store, pool: ThreadPoolExecutor, wanted: Sequence[Wanted]) -> None:
        self._store = store
        self._pool = pool
        self._next = deque(one for one in wanted if one.size <= BLOCK)
        self._ahead: dict[tuple[str, str], Future[list[bytes]]] = {}

    def blocks(self, key: str, etag: str) -> Iterator[bytes]:
        self._fill()
        found = self._ahead.pop((key, etag), None)
        self._fill()
        if found is None:
            yield from self._store.blocks(key, etag=etag)
        else:
            yield from found.result()

    def _fill(self) -> None:
        while self._next and len(self._ahead) < _WINDOW:
            one = self._next.popleft()
            self._ahead[one.key, one.etag] = self._pool.submit(self._read, one)

    def _read(self, one: Wanted) -> list[bytes]:
        return list(self._store.blocks(one.key, etag=one.etag))
