"""Whether a contract fits the tables as they are, looked at before anything of a batch is frozen.

A frozen plan keeps its contract. One that can never be carried out would come again with every run, whatever its author
mends afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from lakemart.errors import ConfigError, LakemartError
from lakemart.lake.actions import NEW_TABLE
from lakemart.lake.change import table_change
from lakemart.lake.commit import foreign_commit
from lakemart.lake.read import Snapshot
from lakemart.ledger import records
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

Shapes = Mapping[str, tuple[pa.Schema, str | None]]
"""Of each table its schema and partition column."""


def misfit(
    lake: Location, writer: str, shapes: Shapes, tables: Mapping[str, Snapshot | None], versions: Mapping[str, int]
) -> LakemartError | None:
    """The error for one of `tables` that can never take its shape, None when all can.

    A column of another type, another partition column, or a table that the writer, which left its tables at `versions`,
    never made. What else somebody did to a table is not looked at.
    """
    for table, (schema, partition_by) in shapes.items():
        found = tables[table]
        if found is None:
            continue
        if versions.get(table, NEW_TABLE) == NEW_TABLE:
            return _not_ours(lake, writer, table, found.version)
        try:
            table_change(table, schema, found, partition_by=partition_by)
        except ConfigError as error:
            return error
    return None


def _not_ours(lake: Location, writer: str, table: str, version: int) -> LakemartError:
    store = open_store(lake)
    for other in records.writers(store):
        if other != writer and not other.startswith("mart/") and table in records.last_versions(store, other):
            kind, _, name = other.partition("/")
            return ConfigError(
                f"table {table!r} was filled by {kind} {name!r}, which the project no longer has",
                where=writer.replace("/", " "),
                next_step=f"Its rows and books are known by that name: call it {name!r} again, or name another table.",
            )
    return foreign_commit(table, expected=NEW_TABLE, found=version)
