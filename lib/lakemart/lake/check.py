"""Whether a table is what the ledger says it is: its version, its log, its files, its rows. Finds, mends nothing."""

from __future__ import annotations

from collections.abc import Iterator

from lakemart.errors import DataError
from lakemart.lake.actions import NEW_TABLE
from lakemart.lake.read import Snapshot, snapshot
from lakemart.storage.store import Location, open_store

_LOG = "_delta_log/"


def check_table(lake: Location, table: str, *, version: int, rows: int) -> list[str]:
    """What is wrong with a table that the ledger left at `version` with `rows` rows; empty when nothing is.

    It finds a foreign commit, a restore, a torn, empty or missing log file, a data file that is missing or of another
    size, and rows that came or went. Reads the log and listings, not the data.
    """
    store = open_store(lake.child(table))
    sizes = dict(store.sizes())
    found = [f"commit file {key!r} is empty" for key, size in sizes.items() if _is_commit(key) and size == 0]
    try:
        now = snapshot(lake, table)
    except DataError as error:
        return [*found, error.what]
    if now is None:
        return (
            [*found, f"the ledger left the table at version {version}, there is none"]
            if version != NEW_TABLE
            else found
        )
    if now.version != version:
        found.append(
            f"the ledger left the table at version {version}, it is at {now.version}: somebody else changed it"
        )
    if now.rows != rows:
        found.append(f"the ledger counts {rows} rows, the table's log {now.rows}")
    return [*found, *_missing_commits(sizes, now.version), *_wrong_files(now, sizes)]


def _is_commit(key: str) -> bool:
    name = key.removeprefix(_LOG)
    return key.startswith(_LOG) and name.endswith(".json") and name.removesuffix(".json").isdigit()


def _missing_commits(sizes: dict[str, int], version: int) -> Iterator[str]:
    """Commit files that lack between the first that is kept and the newest version."""
    kept = sorted(int(key.removeprefix(_LOG).removesuffix(".json")) for key in sizes if _is_commit(key))
    if not kept:
        yield "the table's log has no commit file"
        return
    for number in sorted(set(range(kept[0], version + 1)) - set(kept)):
        yield f"commit file {_LOG}{number:020d}.json is missing"


def _wrong_files(now: Snapshot, sizes: dict[str, int]) -> Iterator[str]:
    for file in now.files:
        size = sizes.get(file.path)
        if size is None:
            yield f"data file {file.path!r} is missing"
        elif size != file.size:
            yield f"data file {file.path!r} has {size} bytes, the log says {file.size}"
