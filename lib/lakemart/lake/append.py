"""Tables of the ledger's projection: rows that lack are appended, once, whoever repeats it or does it at the same time.

Each append goes on exactly the version by which it was found out what lacks; when somebody else appended meanwhile, that
is found out again. Nothing is lost by it: the tables can be built again from the ledger's objects at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError
from deltalake.transaction import CommitProperties, Transaction

from lakemart.errors import DataError, LakemartError, TransientError
from lakemart.lake.actions import NEW_TABLE
from lakemart.lake.log import FOLDER
from lakemart.lake.options import delta_options, delta_uri
from lakemart.lake.read import current_table, version_of
from lakemart.lake.refusals import said
from lakemart.steps import step
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

_ATTEMPTS = 20
_MANY_FILES = 16
"""From so many files on a table is worth merging: each append leaves one."""

_CONFIGURATION = {"delta.checkpointInterval": "20"}
"""Every run opens each of these tables, and would read as many log entries otherwise as there are since delta-rs's 100th."""

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
        before = NEW_TABLE if base is None else base.version()  # of then: a commit by this handle moves it
        found = lacking(base)
        if found is None:
            return
        try:
            with step("ledger.project"):
                _append(lake, table, base, *found)
        except (DeltaError, OSError) as failure:
            error = failure
            if version_of(lake, table) == before:
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
        configuration=_CONFIGURATION if base is None else None,
        storage_options=delta_options(lake),
        commit_properties=CommitProperties(app_transactions=transactions, max_commit_retries=0),
    )


def appended_number(table: DeltaTable | None, application: str) -> int:
    """Up to which number the application's rows are in the table; 0 before the first."""
    return 0 if table is None else table.transaction_version(application) or 0


def columns_of(table: DeltaTable) -> list[str]:
    """The names of its columns, in order."""
    return [field.name for field in table.schema().fields]


def open_appended(lake: Location, table: str) -> DeltaTable | None:
    """The table, None when nothing was ever appended."""
    return current_table(lake, table)


def refill(
    lake: Location, table: str, schema: pa.Schema, rows: Iterable[pa.RecordBatch], numbers: Mapping[str, int]
) -> None:
    """Puts exactly these rows in the place of all that the table holds, in one commit, with the numbers they go up to.

    A crash leaves the table as it was. Of a table that cannot be opened, or has other columns, the folder goes first,
    its log before its data; a crash leaves none, or one that still cannot be opened, and a repeat makes it.
    """
    failed: list[LakemartError] = []
    reader = pa.RecordBatchReader.from_batches(schema, _remembered(rows, failed))
    base = _fitting(lake, table, schema)
    if base is None:
        _remove(lake, table)
    transactions = [Transaction(application, number) for application, number in numbers.items()]
    try:
        with step("ledger.rebuild"):
            write_deltalake(
                delta_uri(lake, table) if base is None else base,
                reader,
                mode="error" if base is None else "overwrite",
                configuration=_CONFIGURATION if base is None else None,
                storage_options=delta_options(lake),
                commit_properties=CommitProperties(app_transactions=transactions, max_commit_retries=0),
            )
    except (DeltaError, OSError) as failure:
        if failed:  # which delta-rs hands on as its own, in many words
            raise failed[0] from failure
        raise TransientError(
            f"cannot make table {table!r} anew: {said(failure)}",
            where=delta_uri(lake, table),
            next_step="Run the same command again.",
        ) from failure


def _remembered(rows: Iterable[pa.RecordBatch], failed: list[LakemartError]) -> Iterator[pa.RecordBatch]:
    try:
        yield from rows
    except LakemartError as error:
        failed.append(error)
        raise


def tidy_appended(lake: Location, table: str, keep: timedelta) -> int:
    """Merges the small files that appends left, and deletes files taken out longer than `keep` ago; how many were merged.

    A repeat finds nothing to do. Whoever appends meanwhile goes on; of the two the one that comes second tries again.
    """
    opened = current_table(lake, table)
    if opened is None:
        return 0
    try:
        count = len(opened.file_uris())
        merged = opened.optimize.compact()["numFilesRemoved"] if count >= _MANY_FILES else 0
        hours = int(keep.total_seconds() // 3600)
        if opened.vacuum(hours, dry_run=True, enforce_retention_duration=False):
            opened.vacuum(hours, dry_run=False, enforce_retention_duration=False)
    except (DeltaError, OSError) as failure:
        raise TransientError(
            f"cannot tidy table {table!r}: {said(failure)}",
            where=delta_uri(lake, table),
            next_step="Nothing of it is lost; maintain tries it again.",
        ) from failure
    return int(merged)


def _fitting(lake: Location, table: str, schema: pa.Schema) -> DeltaTable | None:
    """The table when it can be opened and has these columns."""
    try:
        opened = current_table(lake, table)
    except DataError:
        return None
    return opened if opened is not None and columns_of(opened) == schema.names else None


def _remove(lake: Location, table: str) -> None:
    store = open_store(lake.child(table))
    keys = [key for key, _ in store.sizes()]
    for key in (*(key for key in keys if key.startswith(FOLDER)), *(key for key in keys if not key.startswith(FOLDER))):
        store.delete(key)
