"""Which data files of a table may hold certain values, told from the statistics in its log, without reading them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from urllib.parse import unquote

import pyarrow as pa

from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot, current_table
from lakemart.storage.store import Location


def files_holding(lake: Location, found: Snapshot, column: str, values: Collection[str]) -> tuple[AddedFile, ...]:
    """The live files of a snapshot that may hold one of `values` in a text column; a file without bounds may.

    A superset of those that do, in the snapshot's order. Reads the table's log, none of its data.
    """
    if not values:
        return ()
    opened = current_table(lake, found.table, found.version)
    if opened is None:
        return found.files
    actions = pa.table(opened.get_add_actions(flatten=True)).to_pylist()
    low, high = f"min.{column}", f"max.{column}"
    bounds = {unquote(action["path"]): (action.get(low), action.get(high)) for action in actions}
    wanted = sorted(values)
    return tuple(file for file in found.files if _may_hold(bounds.get(file.path, (None, None)), wanted))


def _may_hold(bounds: tuple[str | None, str | None], wanted: Sequence[str]) -> bool:
    low, high = bounds
    if low is None or high is None:
        return True
    at = bisect_left(wanted, low)
    return at < len(wanted) and wanted[at] <= high
