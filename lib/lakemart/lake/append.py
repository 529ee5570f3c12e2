"""Tables that many writers append to: the ledger's projection. Rows of a number are appended once, whoever repeats it.

Unlike the tables of one writer these are rebased on what others appended meanwhile; nothing is lost by it, for they
can be built again from the ledger's objects at any time.
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import CommitProperties, Transaction

from lakemart.errors import TransientError
from lakemart.lake.options import delta_options, delta_uri
from lakemart.lake.read import current_table
from lakemart.storage.store import Location

_RETRIES = 20


def append_rows(lake: Location, table: str, rows: pa.Table, numbers: Mapping[str, int]) -> None:
    """Appends rows and records, in the same commit, up to which number each application's rows are now there."""
    properties = CommitProperties(
        app_transactions=[Transaction(app, number) for app, number in numbers.items()], max_commit_retries=_RETRIES
    )
    try:
        write_deltalake(
            delta_uri(lake, table),
            rows,
            mode="append",
            storage_options=delta_options(lake),
            commit_properties=properties,
        )
    except (DeltaError, OSError) as error:
        raise TransientError(
            f"cannot append to {table!r}: {error}",
            where=delta_uri(lake, table),
            next_step="The next run appends what lacks.",
        ) from error


def appended_number(table: DeltaTable | None, application: str) -> int:
    """Up to which number the application's rows are in the table; 0 before the first."""
    return 0 if table is None else table.transaction_version(application) or 0


def open_appended(lake: Location, table: str) -> DeltaTable | None:
    """The table, None when nothing was ever appended."""
    return current_table(lake, table)
