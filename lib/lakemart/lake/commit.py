"""The one function by which any table changes. Nothing else in lakemart writes to a Delta log.

A change is committed with the application transaction `(lakemart/<writer>, number)`, only against exactly the version
its intent names, and its answer is one of three: committed, refused (raised with the reason), or unknown (raised).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, SchemaMismatchError
from deltalake.transaction import (
    AddAction,
    CommitProperties,
    PostCommitHookProperties,
    RemoveAction,
    Transaction,
    create_table_with_add_actions,
)

from lakemart.errors import DataError, InternalError, LockedError
from lakemart.lake.actions import NEW_TABLE, AddedFile, TableChange, schema_from_json
from lakemart.lake.options import delta_options, delta_uri
from lakemart.lake.read import current_table
from lakemart.lake.refusals import refusal, said
from lakemart.steps import step
from lakemart.storage.store import ExpiredKeysError, Location, UnknownOutcomeError

_PAUSES = (0.5, 2.0)
"""Seconds before a commit is sent again, by us: of an error of the connection delta-rs itself does not send it again."""

_NO_LOG_CLEANUP = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
_CONFIGURATION = {"delta.enableDeletionVectors": "false", "delta.checkpointInterval": "20"}


def application(writer: str) -> str:
    """The id under which Delta keeps the last number of a writer in a table."""
    return f"lakemart/{writer}"


def commit(lake: Location, change: TableChange, *, writer: str, number: int, run: str) -> int:
    """Commits one table's change of number `number`; returns the table's version that holds it.

    A re-run of the same number finds it done and returns the same version. Raises LockedError when a later number is
    already there (an owner that slept through a take-over), DataError when somebody else moved the table, and
    UnknownOutcomeError when the answer was lost and reading back did not tell.
    """
    if change.added_columns:
        _attempt(lake, change, f"{writer}/schema", number, run)
    _attempt(lake, change, writer, number, run)
    return change.version


def _attempt(lake: Location, change: TableChange, writer: str, number: int, run: str) -> None:
    """One Delta version: the added columns (under an application of their own), or the files.

    A commit that went wrong is read back; one that is not there is sent again as it is, a few times. Should an earlier
    one arrive after all, the store takes only one of them, and either is this number's.
    """
    for pause in (*_PAUSES, None):
        table = current_table(lake, change.table)
        if _is_done(table, change, writer, number):  # whoever committed it may have been killed before it was synced
            break
        try:
            with step("lake.commit"):
                _put(lake, table, change, writer, _properties(writer, number, run))
        except (DeltaError, OSError) as error:
            if _is_done(current_table(lake, change.table), change, writer, number):
                break
            _give_up(lake, change, f"number {number} of {writer}", error, pause)
        else:
            break
    _sync(lake, change.table, _base(change, writer) + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a change of a number stands with its table: committed already, still to be, or kept from it for ever.

    `version` is the table's now, `expected` the one that the next part of the change goes against.
    """

    held: bool
    version: int
    expected: int

    @property
    def moved(self) -> bool:
        """Whether somebody else moved the table, so that the change as it is can never be committed."""
        return not self.held and self.version != self.expected


def stands(lake: Location, change: TableChange, *, writer: str, number: int) -> Standing:
    """How the change stands, read from the table. Raises LockedError when a later number is there."""
    table = current_table(lake, change.table)
    version = NEW_TABLE if table is None else table.version()
    last = None if table is None else table.transaction_version(application(writer))
    if last is not None and last > number:
        raise _overtaken(change.table, writer, number, last)
    columns = None if table is None else table.transaction_version(application(f"{writer}/schema"))
    added = bool(change.added_columns) and columns == number
    return Standing(held=last == number, version=version, expected=change.base_version + added)


def _base(change: TableChange, writer: str) -> int:
    """The version this part of the change is made against: the files come after the columns."""
    return change.base_version if writer.endswith("/schema") or not change.added_columns else change.base_version + 1


def _is_done(table: DeltaTable | None, change: TableChange, writer: str, number: int) -> bool:
    """Whether the table holds this number already; raises when it never can."""
    version = NEW_TABLE if table is None else table.version()
    last = None if table is None else table.transaction_version(application(writer))
    if last == number:
        return True
    if last is not None and last > number:
        raise _overtaken(change.table, writer, number, last)
    if version != _base(change, writer):
        raise foreign_commit(change.table, expected=_base(change, writer), found=version)
    return False


def _overtaken(table: str, writer: str, number: int, last: int) -> LockedError:
    return LockedError(
        f"number {number} of {writer} comes after number {last} was committed",
        where=f"table {table}",
        next_step="Another run has gone on; start a new run.",
    )


def foreign_commit(table: str, *, expected: int, found: int) -> DataError:
    """The error for a table whose version is not the one the ledger left it at.

    One that was taken back cannot be accepted: numbers that the ledger counts as committed are no more in it.
    """
    if found < expected:
        return DataError(
            f"table {table!r} was taken back: it is at version {found}, the ledger left it at {expected}"
            if found != NEW_TABLE
            else f"table {table!r} is gone: the ledger left it at version {expected}",
            where=f"table {table}",
            next_step=(
                "Restore the later entries of its _delta_log, and the data files they name, from the store's versions or a "
                "backup. If there is none, read everything again from raw: let `lake` name another place, and run."
            ),
        )
    return DataError(
        f"table {table!r} is at version {found}, the ledger left it at {expected}: somebody else changed it",
        where=f"table {table}",
        next_step=(
            "See who did by the table's history. To go on with the table as it is now: "
            f'`lakemart accept {table} --reason "…"`; rows of a model are built again from its inputs.'
        ),
    )


def _put(
    lake: Location, table: DeltaTable | None, change: TableChange, writer: str, properties: CommitProperties
) -> None:
    if table is not None and writer.endswith("/schema"):
        fields = {field.name: field for field in Schema.from_arrow(schema_from_json(change.schema)).fields}
        table.alter.add_columns(
            [fields[name] for name in change.added_columns],
            commit_properties=properties,
            post_commithook_properties=_NO_LOG_CLEANUP,
        )
        return
    adds = [] if change.adopted else [_add(file, data_change=change.data_change) for file in change.adds]
    removes = [] if change.adopted else [_remove(file, data_change=change.data_change) for file in change.removes]
    schema = Schema.from_arrow(schema_from_json(change.schema))
    partition_by = [change.partition_by] if change.partition_by else []
    if table is None:
        create_table_with_add_actions(
            delta_uri(lake, change.table),
            schema,
            adds,
            mode="error",
            partition_by=partition_by,
            name=change.table,
            configuration=_CONFIGURATION,
            storage_options=delta_options(lake),
            commit_properties=properties,
            post_commithook_properties=_NO_LOG_CLEANUP,
        )
        return
    if change.adopted:
        schema, partition_by = table.schema(), table.metadata().partition_columns
    table.create_write_transaction(
        [*removes, *adds],
        "append",
        schema,
        partition_by=partition_by,
        commit_properties=properties,
        post_commithook_properties=_NO_LOG_CLEANUP,
    )


def _properties(writer: str, number: int, run: str) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"userMetadata": f"lakemart run={run} writer={writer} number={number}"},
        max_commit_retries=0,
        app_transactions=[Transaction(application(writer), number)],
    )


def _add(file: AddedFile, *, data_change: bool) -> AddAction:
    return AddAction(file.path, file.size, file.partition, int(time.time() * 1000), data_change, file.stats)


def _remove(file: AddedFile, *, data_change: bool) -> RemoveAction:
    arguments: dict[str, Any] = {
        "path": file.path,
        "data_change": data_change,
        "deletion_timestamp": int(time.time() * 1000),
        "partition_values": file.partition,
        "size": file.size,
    }
    return RemoveAction(**arguments)


def _give_up(lake: Location, change: TableChange, number: str, error: Exception, pause: float | None) -> None:
    """Raises what a commit that is not in the table failed of, unless it is worth sending again: then pauses."""
    if isinstance(error, SchemaMismatchError):
        raise InternalError(f"table {change.table!r} refuses the change: {said(error)}") from error
    refused = refusal(lake, f"{number} cannot be committed", error)
    if refused is not None and (pause is None or not isinstance(refused, ExpiredKeysError)):
        raise refused from error
    if pause is None:
        raise UnknownOutcomeError(
            f"cannot tell whether {number} reached table {change.table!r}: {said(error)}",
            where=delta_uri(lake, change.table),
            next_step="Run again; the next run reads it back and goes on.",
        ) from error
    time.sleep(pause)


def _sync(lake: Location, table: str, version: int) -> None:
    """Makes the log entry of a local table last: delta-rs does not sync what it writes to a folder."""
    if lake.is_s3:
        return
    log = Path(lake.uri) / table / "_delta_log"
    for path in (log / f"{version:020d}.json", log):
        if not path.exists():  # an old entry that somebody has cleaned away
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
