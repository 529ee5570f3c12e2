"""Files under a table's root that nobody needs: orphans of failed attempts, files taken out long ago, old log entries.

Everything here is told apart by the numbers in file names and by the log; no clock says what an orphan is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import pyarrow.compute as pc

from lakemart.errors import DataError
from lakemart.lake.actions import AddedFile
from lakemart.lake.log import FOLDER, log_paths
from lakemart.lake.logclean import old_entries
from lakemart.lake.read import read_files, snapshot
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

SIDE_FOLDER = "_raw/"
"""Where raw bytes too long for a table's row lie beside it."""

_STEM = re.compile(r"(?:[^/]+/)?(\d{10})-[0-9a-f]{16}-\d+-\d+\.parquet")
_SIDE = re.compile(r"_raw/(\d{10})-[0-9a-f]{16}/.+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """Keys under the table's root, with their sizes: `orphans` no version names, `expired` were taken out long ago, `log` are old entries."""

    orphans: tuple[tuple[str, int], ...] = ()
    expired: tuple[tuple[str, int], ...] = ()
    log: tuple[tuple[str, int], ...] = ()

    @property
    def all(self) -> tuple[tuple[str, int], ...]:
        """Everything, in the order in which it may be deleted: what names files goes after them."""
        return (*self.orphans, *self.expired, *self.log)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is garbage in a table.

    `closed` is the closed head of its writer, read before anything is listed: a file of a number up to it that the log
    does not name will never be committed, for all commits up to there are in the log. `before`: files taken out earlier
    than that are expired, but for those that the versions in `keep` still read. Log entries go that are older than
    `log_before` and that no version of that time or in `keep` needs; None: none. `side_column` is the column that names
    side objects, where the table has one.
    """

    closed: int
    before: datetime
    log_before: datetime | None = None
    keep: frozenset[int] = frozenset()
    side_column: str | None = None


def garbage(lake: Location, table: str, limits: Limits) -> Garbage:
    """What may be deleted under a table's root. Deletes nothing."""
    paths = log_paths(lake, table)
    kept = _kept(lake, table, limits.keep)
    limit = int(limits.before.timestamp() * 1000)
    orphans: list[tuple[str, int]] = []
    expired: list[tuple[str, int]] = []
    sides: list[tuple[str, int]] = []
    present: set[str] = set()
    for key, size in open_store(lake.child(table)).sizes():
        if key.startswith(FOLDER):
            continue
        if key in paths.named:
            present.add(key)
            if paths.removed.get(key, limit) < limit and key not in kept:
                expired.append((key, size))
        elif _number(_STEM, key) <= limits.closed:
            orphans.append((key, size))
        elif _number(_SIDE, key) <= limits.closed:
            sides.append((key, size))
    if sides and limits.side_column is not None:
        named = _side_objects(lake, table, present, limits.side_column)
        orphans += [(key, size) for key, size in sides if key.rpartition("/")[0] not in named]
    old = () if limits.log_before is None else old_entries(lake, table, before=limits.log_before, keep=limits.keep)
    return Garbage(orphans=tuple(orphans), expired=tuple(expired), log=old)


def delete(lake: Location, table: str, keys: Iterable[str]) -> int:
    """Deletes keys under the table's root; how many. A re-run finds them gone."""
    store = open_store(lake.child(table))
    count = 0
    for key in keys:
        store.delete(key)
        count += 1
    return count


def _number(pattern: re.Pattern[str], key: str) -> float:
    """The number in a file's name; of a name that no task of ours gives, none is below."""
    found = pattern.fullmatch(key)
    return int(found.group(1)) if found else float("inf")


def _kept(lake: Location, table: str, versions: Collection[int]) -> set[str]:
    """The files of the newest version and of these. One that cannot be read any more keeps nothing."""
    newest = snapshot(lake, table)
    kept = {file.path for file in newest.files} if newest is not None else set()
    for version in versions:
        with suppress(DataError):
            found = snapshot(lake, table, version)
            kept |= {file.path for file in found.files} if found is not None else set()
    return kept


def _side_objects(lake: Location, table: str, present: Collection[str], column: str) -> set[str]:
    """The side objects that rows of any file still there name, also of files that are taken out."""
    found = snapshot(lake, table)
    if found is None or column not in found.schema.names:
        return set()
    files = [AddedFile(path=path, size=0, rows=0) for path in sorted(present)]
    named: set[str] = set()
    for rows in read_files(lake.child(table), files, found.schema, columns=[column]):
        named |= set(pc.unique(rows.column(column)).drop_null().to_pylist())
    return named
