"""Keys that the tables hold already: those that stay and win against newcomers, and those that go with their object."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.contract.table import Contract
from lakemart.ingest.hashes import key_hashes, no_hashes
from lakemart.lake.holding import files_holding
from lakemart.lake.read import Snapshot, read_files
from lakemart.storage.store import Location


def stored_hashes(  # noqa: PLR0913 - the table's state and the question, by name
    lake: Location,
    contract: Contract,
    table: Snapshot | None,
    touched: set[str | None],
    lookback: timedelta,
    *,
    without: Collection[str] = (),
) -> np.ndarray:
    """The hashes of the keys that the table holds in the partitions a batch touches, plus and minus the look-back.

    Rows of the objects `without`, which the batch takes out, count for nothing.
    """
    if table is None:
        return no_hashes()
    slices = None if contract.partition_by is None else _widened(contract, touched, lookback)
    parts = []
    columns = [*contract.key, "_object"] if without else contract.key
    gone = pa.array(sorted(without), pa.string())
    for rows in read_files(lake.child(table.table), table.in_slices(slices), table.schema, columns=columns):
        staying = rows.filter(pc.invert(pc.is_in(rows.column("_object"), gone))) if without else rows
        parts.append(key_hashes(staying, contract.key)[0])
    return np.concatenate(parts) if parts else no_hashes()


def outgoing_hashes(lake: Location, contract: Contract, table: Snapshot | None, objects: Collection[str]) -> np.ndarray:
    """The hashes of the keys of all rows that the table holds of these objects."""
    if table is None or not objects:
        return no_hashes()
    files = files_holding(lake, table, "_object", objects)
    gone = pa.array(sorted(objects), pa.string())
    parts = [
        key_hashes(rows.filter(pc.is_in(rows.column("_object"), gone)), contract.key)[0]
        for rows in read_files(lake.child(table.table), files, table.schema, columns=[*contract.key, "_object"])
    ]
    return np.concatenate(parts) if parts else no_hashes()


def _widened(contract: Contract, touched: set[str | None], lookback: timedelta) -> set[str | None]:
    """Partition values by days around those touched; values that are no dates have no neighbours."""
    kinds = {column.name: column.type.kind for column in contract.columns}
    if kinds[contract.partition_by or ""] != "date":
        return touched
    reach = range(-lookback.days, lookback.days + 1)
    near = {_shifted(value, days) for value in touched if value is not None for days in reach}
    return near | touched


def _shifted(value: str, days: int) -> str | None:
    try:
        return (date.fromisoformat(value) + timedelta(days=days)).isoformat()
    except OverflowError:
        return value  # beyond the calendar there is nothing to look at
