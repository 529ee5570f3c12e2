"""Reading Delta tables at a pinned version, without Spark: which files are live, and their rows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from lakemart.errors import DataError, TransientError
from lakemart.lake.actions import NEW_TABLE, AddedFile
from lakemart.lake.options import delta_options, delta_uri
from lakemart.lake.refusals import is_worth_new_keys, refusal, said
from lakemart.lake.write import partition_text
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, MissingObjectError

LEDGER = "_ledger/"
"""Tables below this are the ledger's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A table at one version: its schema, partition column, and live files. Grain of `files`: one data file."""

    table: str
    version: int
    schema: pa.Schema
    partition_by: str | None
    files: tuple[AddedFile, ...]

    @property
    def rows(self) -> int:
        """How many rows the table holds at this version."""
        return sum(file.rows for file in self.files)

    def in_slices(self, slices: Collection[str | None] | None) -> tuple[AddedFile, ...]:
        """The live files of these partition values; None means all."""
        if slices is None or self.partition_by is None:
            return self.files
        return tuple(file for file in self.files if file.partition[self.partition_by] in slices)


def current_table(lake: Location, table: str, version: int | None = None) -> DeltaTable | None:
    """The table as delta-rs opens it, at `version` or the newest; None when there is no table.

    Raises DataError when its log cannot be read, TransientError when the store cannot be reached.
    """
    try:
        opened = _opened(lake, table, version)
    except TableNotFoundError:
        return None
    except DeltaError as error:
        if version is None and not _has_log(lake, table):
            return None
        raise DataError(
            f"table {table!r} cannot be opened: {said(error)}",
            where=delta_uri(lake, table) + ("" if version is None else f" version {version}"),
            next_step=(
                "It is made anew by `lakemart maintain --rebuild-ledger`."
                if table.startswith(LEDGER)
                else "Its log is torn or missing a file; `lakemart verify` names what is wrong."
            ),
        ) from error
    except OSError as error:
        raise refusal(lake, f"table {table!r} cannot be opened", error) or TransientError(
            f"table {table!r} cannot be reached: {said(error)}", where=delta_uri(lake, table)
        ) from error
    if version is None and not table.startswith(LEDGER):
        _check_newest(lake, table, opened.version())
    return opened


def _opened(lake: Location, table: str, version: int | None) -> DeltaTable:
    for again in (True, False):
        try:
            return DeltaTable(delta_uri(lake, table), version=version, storage_options=delta_options(lake))
        except OSError as error:
            if not again or not is_worth_new_keys(lake, error):
                raise
    raise AssertionError("the last attempt returns or raises")


def _check_newest(lake: Location, table: str, version: int) -> None:
    """An empty log entry reads as a version that changed nothing: the files of the real one would be lost by it."""
    for key, size in open_store(lake).sizes(f"{table}/_delta_log/{version:020d}.json"):
        if not size:
            raise DataError(
                f"log entry {key!r} is empty",
                where=delta_uri(lake, table),
                next_step="Restore it from the store's versions or a backup.",
            )


def _has_log(lake: Location, table: str) -> bool:
    return next(open_store(lake).sizes(f"{table}/_delta_log/"), None) is not None


def version_of(lake: Location, table: str) -> int:
    """The newest version of the table, NEW_TABLE when there is none."""
    opened = current_table(lake, table)
    return NEW_TABLE if opened is None else opened.version()


def snapshot(lake: Location, table: str, version: int | None = None) -> Snapshot | None:
    """The table at `version` (or the newest), with its live files in path order; None when there is no such table."""
    opened = current_table(lake, table, version)
    if opened is None:
        return None
    partition_columns = opened.metadata().partition_columns
    partition_by = partition_columns[0] if partition_columns else None
    actions = pa.table(opened.get_add_actions(flatten=False)).to_pylist()
    files = [
        AddedFile(
            path=unquote(action["path"]),
            size=action["size_bytes"],
            rows=_rows(lake.child(table), unquote(action["path"]), action["num_records"]),
            partition={partition_by: partition_text(action["partition"][partition_by])} if partition_by else {},
        )
        for action in actions
    ]
    schema = pa.schema(pa.schema(opened.schema().to_arrow()))
    return Snapshot(
        table=table,
        version=opened.version(),
        schema=_plain(schema),
        partition_by=partition_by,
        files=tuple(sorted(files, key=lambda file: file.path)),
    )


def _rows(root: Location, path: str, counted: int | None) -> int:
    """The rows of a file, from its footer where somebody else wrote it and did not count them for the log."""
    if counted is not None:
        return counted
    try:
        return int(pq.read_metadata(pa.BufferReader(open_store(root).read(path)[0])).num_rows)
    except (MissingObjectError, pa.ArrowInvalid) as error:
        raise DataError(
            f"data file {path!r} is gone or cannot be read, and the log does not count its rows",
            where=root.uri,
            next_step="Restore it, or restore the table to a version without it.",
        ) from error


def _plain(schema: pa.Schema) -> pa.Schema:
    """Arrow's ordinary types in place of the view and large types that delta-rs may hand out."""
    swaps = {pa.string_view(): pa.string(), pa.large_string(): pa.string(), pa.binary_view(): pa.binary()}
    return pa.schema([pa.field(f.name, swaps.get(f.type, f.type)) for f in schema])


def read_files(
    root: Location, files: Sequence[AddedFile], schema: pa.Schema, *, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The rows of data files, one table a file, in the order given, with partition columns filled in.

    `schema` is the table's; a column younger than a file is null in it. Raises DataError when a file is gone.
    """
    store = open_store(root)
    wanted = pa.schema([schema.field(name) for name in (columns if columns is not None else schema.names)])
    for file in files:
        try:
            data = store.read(file.path)[0]
        except MissingObjectError as error:
            raise DataError(
                f"data file {file.path!r} is gone",
                where=root.uri,
                next_step="Restore it, or restore the table to a version without it.",
            ) from error
        try:
            parquet = pq.ParquetFile(pa.BufferReader(data))
            stored = parquet.read([name for name in wanted.names if name in parquet.schema_arrow.names])
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(
                f"data file {file.path!r} cannot be read: {said(error)}",
                where=root.uri,
                next_step="Restore it from the store's versions or a backup.",
            ) from error
        yield pa.table([_column(stored, field, file) for field in wanted], schema=wanted)


def _column(stored: pa.Table, field: pa.Field, file: AddedFile) -> pa.ChunkedArray | pa.Array:
    if field.name in stored.column_names:
        return stored.column(field.name).cast(field.type)
    if field.name in file.partition:
        return pa.repeat(pa.scalar(file.partition[field.name], pa.string()), stored.num_rows).cast(field.type)
    return pa.nulls(stored.num_rows, field.type)


def read_table(
    lake: Location,
    table: str,
    version: int | None = None,
    *,
    columns: Sequence[str] | None = None,
    slices: Collection[str | None] | None = None,
) -> pa.Table:
    """All rows of a table at a version, of the slices named, as one Arrow table. For small tables and for checks."""
    found = snapshot(lake, table, version)
    if found is None:
        raise DataError(f"there is no table {table!r}", where=lake.uri, next_step="Run ingest or build first.")
    root = lake.child(table)
    parts = list(read_files(root, found.in_slices(slices), found.schema, columns=columns))
    names = columns if columns is not None else found.schema.names
    return pa.concat_tables(parts) if parts else pa.schema([found.schema.field(n) for n in names]).empty_table()
