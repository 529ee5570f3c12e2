"""Whether a table is what the ledger says it is: its version, its log, its files, its rows. Finds, mends nothing."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

import pyarrow as pa

from lakemart.errors import DataError
from lakemart.lake.actions import NEW_TABLE
from lakemart.lake.commit import application
from lakemart.lake.log import FOLDER, is_commit
from lakemart.lake.read import Snapshot, current_table, read_files, snapshot
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location


def check_table(lake: Location, table: str, *, version: int, rows: int) -> list[str]:
    """What is wrong with a table that the ledger left at `version` with `rows` rows; empty when nothing is.

    It finds a foreign commit, a restore, a torn, empty or missing log file, a data file that is missing or of another
    size, and rows that came or went. Reads the log and listings, not the data.
    """
    store = open_store(lake.child(table))
    sizes = dict(store.sizes())
    found = [f"commit file {key!r} is empty" for key, size in sizes.items() if is_commit(key) and size == 0]
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


def last_number(lake: Location, table: str, writer: str) -> int:
    """The last number of the writer that the table holds; 0 when it holds none, or there is no table."""
    opened = current_table(lake, table)
    return 0 if opened is None else opened.transaction_version(application(writer)) or 0


def null_count(lake: Location, table: str, version: int, column: str) -> int:
    """How many rows are null in a column, by the log's statistics; a file without them is read, for that column."""
    opened, found = current_table(lake, table, version), snapshot(lake, table, version)
    if opened is None or found is None:
        return 0
    if column not in found.schema.names:
        return found.rows
    actions = pa.table(opened.get_add_actions(flatten=True)).to_pylist()
    counts = {unquote(action["path"]): action.get(f"null_count.{column}") for action in actions}
    unknown = [file for file in found.files if counts.get(file.path) is None]
    read = read_files(lake.child(table), unknown, found.schema, columns=[column])
    known = sum(count for count in counts.values() if count is not None)
    return int(known + sum(rows.column(column).null_count for rows in read))


def _missing_commits(sizes: dict[str, int], version: int) -> Iterator[str]:
    """Commit files that lack between the first that is kept and the newest version."""
    kept = sorted(int(key.removeprefix(FOLDER).removesuffix(".json")) for key in sizes if is_commit(key))
    if not kept:
        yield "the table's log has no commit file"
        return
    for number in sorted(set(range(kept[0], version + 1)) - set(kept)):
        yield f"commit file {FOLDER}{number:020d}.json is missing"


def _wrong_files(now: Snapshot, sizes: dict[str, int]) -> Iterator[str]:
    for file in now.files:
        size = sizes.get(file.path)
        if size is None:
            yield f"data file {file.path!r} is missing"
        elif size != file.size:
            yield f"data file {file.path!r} has {size} bytes, the log says {file.size}"
