"""A Delta table's log as it lies in the store: every data file its kept entries name, and when each was taken out.

Reads what clean-up has to know and a snapshot does not tell. Nothing here changes a log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import unquote

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lakemart.errors import DataError
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, MissingObjectError, Store

FOLDER = "_delta_log/"
_READERS = 16
"""How many log entries are asked for at a time: each is small, and a store answers many at once."""

_AHEAD = 512

Item = TypeVar("Item")


@dataclass(slots=True, kw_only=True)
class LogPaths:
    """The data files that the kept log of a table names.

    `named`: every one of them. `removed`: of those taken out and not brought back, when, in milliseconds since 1970.
    """

    named: set[str] = field(default_factory=set)
    removed: dict[str, int] = field(default_factory=dict)


def log_paths(lake: Location, table: str) -> LogPaths:
    """What the kept log of a table names; nothing when there is no table. Raises DataError when an entry is torn.

    Memory: the names of all files that the log ever named.
    """
    store = open_store(lake.child(table))
    keys = [key for key, _ in store.sizes(FOLDER)]
    found = LogPaths()
    checkpoint = _newest_checkpoint(keys)
    version = _version(checkpoint[0]) if checkpoint else -1
    entries = [key for key in keys if is_commit(key)]
    _take_entries(store, [key for key in entries if _version(key) <= version], found)
    for key in checkpoint:
        _take_checkpoint(store, key, found)
    _take_entries(store, [key for key in entries if _version(key) > version], found)
    return found


def is_data_change(lake: Location, table: str, first: int, last: int) -> bool:
    """Whether any of the versions from `first` to `last` changed rows by its own word; True where one is not kept."""
    store = open_store(lake.child(table))
    for version in range(first, last + 1):
        try:
            actions = _actions(store, f"{FOLDER}{version:020d}.json")
        except MissingObjectError:
            return True
        for action in actions:
            change = action.get("add") or action.get("remove")
            if change is not None and change.get("dataChange", True):
                return True
    return False


def is_commit(key: str) -> bool:
    """Whether a key under the table's root is the log entry of one version."""
    name = key.removeprefix(FOLDER)
    return key.startswith(FOLDER) and name.endswith(".json") and name.removesuffix(".json").isdigit()


def _version(key: str) -> int:
    return int(key.removeprefix(FOLDER).partition(".")[0])


def _take_entries(store: Store, keys: Sequence[str], found: LogPaths) -> None:
    for at in range(0, len(keys), _AHEAD):
        for actions in _ahead(partial(_actions, store), keys[at : at + _AHEAD]):
            for action in actions:
                _take(action, found)


def _ahead(read: Callable[[str], Item], keys: Sequence[str]) -> Iterator[Item]:
    with ThreadPoolExecutor(_READERS) as pool:
        yield from pool.map(read, keys)


def _actions(store: Store, key: str) -> list[dict[str, Any]]:
    """The actions on files of one log entry."""
    data = store.read(key)[0]
    lines = [line for line in data.split(b"\n") if line.startswith((b'{"add"', b'{"remove"'))]
    try:
        return [orjson.loads(line) for line in lines]
    except orjson.JSONDecodeError as error:
        raise DataError(
            f"log entry {key!r} is torn", where=store.location.uri, next_step="Restore it from the store's versions."
        ) from error


def _take(action: dict[str, Any], found: LogPaths) -> None:
    if "add" in action:
        path = unquote(action["add"]["path"])
        found.named.add(path)
        found.removed.pop(path, None)
    elif "remove" in action:
        path = unquote(action["remove"]["path"])
        found.named.add(path)
        found.removed[path] = int(action["remove"].get("deletionTimestamp") or 0)


def _newest_checkpoint(keys: Sequence[str]) -> list[str]:
    """The keys of the newest checkpoint, in however many parts; none without one."""
    parts: dict[str, list[str]] = {}
    for key in keys:
        name = key.removeprefix(FOLDER)
        if name.endswith(".parquet") and ".checkpoint" in name:
            parts.setdefault(name.partition(".")[0], []).append(key)
    return parts[max(parts)] if parts else []


def _take_checkpoint(store: Store, key: str, found: LogPaths) -> None:
    """A checkpoint names files whose own entries may be gone, and knows better than those of them that are not."""
    parquet = pq.ParquetFile(pa.BufferReader(store.read(key)[0]))
    for batch in parquet.iter_batches(columns=["add", "remove"]):
        for row in batch.to_pylist():
            for name in ("remove", "add"):
                if row.get(name) is not None and row[name].get("path") is not None:
                    _take({name: row[name]}, found)
