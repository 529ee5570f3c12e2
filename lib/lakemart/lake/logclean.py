"""Which entries of a table's log nobody needs any more: by Delta's own rule, and none that lakemart still reads.

A log without it grows for ever, and each listing of it with it. What goes is older than the retention and lies before a
whole checkpoint that stands at or before every version that is kept, so that each of those can still be opened.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from lakemart.lake.log import FOLDER
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, MissingObjectError, Store

_ENTRY = re.compile(r"(\d{20})\.(json|checkpoint\.parquet)")
"""What delta-rs writes. A log with a checkpoint of another kind keeps all from there on."""


def old_entries(lake: Location, table: str, *, before: datetime, keep: Collection[int]) -> tuple[tuple[str, int], ...]:
    """Keys and sizes of log entries that may go, the oldest first: a deletion broken off leaves a log without a gap.

    `before`: versions of that time and later can still be opened; `keep` are older ones that must be, too. Deletes nothing.
    """
    store = open_store(lake.child(table))
    found = [(match, info) for info in store.list(FOLDER) if (match := _ENTRY.fullmatch(info.key.removeprefix(FOLDER)))]
    commits = {int(match[1]): info.modified for match, info in found if match[2] == "json"}
    pointed = _last_checkpoint(store)
    if not commits or pointed is None:
        return ()
    first_young = min((version for version, at in commits.items() if at >= before), default=max(commits) + 1)
    limit = min([pointed, first_young - 1, *keep])
    bases = [int(match[1]) for match, _ in found if match[2] != "json" and int(match[1]) <= limit]
    if not bases or not _is_whole(store, f"{FOLDER}{max(bases):020d}.checkpoint.parquet"):
        return ()
    return tuple((info.key, info.size) for match, info in found if int(match[1]) < max(bases))


def _last_checkpoint(store: Store) -> int | None:
    """The version that readers begin at; None when it cannot be told, and then nothing goes."""
    try:
        return int(orjson.loads(store.read(f"{FOLDER}_last_checkpoint")[0])["version"])
    except (MissingObjectError, ValueError, KeyError, TypeError):
        return None


def _is_whole(store: Store, key: str) -> bool:
    try:
        return bool(pq.read_metadata(pa.BufferReader(store.read(key)[0])).num_rows)
    except (MissingObjectError, pa.ArrowInvalid):
        return False
