"""Tables of the ledger's projection: rows that lack are appended, once, whoever repeats it or does it at the same time.

Each append goes on exactly the version by which it was found out what lacks; when somebody else appended meanwhile, that
is found out again. Nothing is lost by it: the tables can be built again from the ledger's objects at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import CommitProperties, Transaction

from lakemart.errors import TransientError
from lakemart.lake.actions import NEW_TABLE
from lakemart.lake.options import delta_options, delta_uri
from lakemart.lake.read import current_table, version_of
from lakemart.steps import step
from lakemart.storage.store import Location

_ATTEMPTS = 20

AppendedTable = DeltaTable
"""What rooms above hold of such a table, without knowing delta-rs."""

Lacking = tuple[pa.Table, Mapping[str, int]]
"""Rows, and up to which number each application's rows are there with them."""


def append_lacking(lake: Location, table: str, lacking: Callable[[DeltaTable | None], Lacking | None]) -> None:
    """Appends what `lacking` says the table lacks as it is given to it; None is nothing.

    Rows and numbers are one commit. Raises TransientError when the store fails, or others append without end.
    """
    error: Exception | None = None
    for _ in range(_ATTEMPTS):
        base = current_table(lake, table)
        found = lacking(base)
        if found is None:
            return
        try:
            with step("ledger.project"):
                _append(lake, table, base, *found)
        except (DeltaError, OSError) as failure:
            error = failure
            if version_of(lake, table) == (NEW_TABLE if base is None else base.version()):
                break
        else:
            return
    raise TransientError(
        f"cannot append to {table!r}: {error}",
        where=delta_uri(lake, table),
        next_step="The next run appends what lacks.",
    ) from error


def _append(lake: Location, table: str, base: DeltaTable | None, rows: pa.Table, numbers: Mapping[str, int]) -> None:
    transactions = [Transaction(application, number) for application, number in numbers.items()]
    write_deltalake(
        delta_uri(lake, table) if base is None else base,
        rows,
        mode="error" if base is None else "append",
        storage_options=delta_options(lake),
        commit_properties=CommitProperties(app_transactions=transactions, max_commit_retries=0),
    )


def appended_number(table: DeltaTable | None, application: str) -> int:
    """Up to which number the application's rows are in the table; 0 before the first."""
    return 0 if table is None else table.transaction_version(application) or 0


def open_appended(lake: Location, table: str) -> DeltaTable | None:
    """The table, None when nothing was ever appended."""
    return current_table(lake, table)
