"""The story of one UNLOAD: the query described, run on the client's own connection, its rows streamed into files in S3."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import INTERNAL, FatalError, SqlError, internal_detail, refused
from localshift.loading.columns import Column, parse_column
from localshift.loading.load import FORMAT_NAMES, Stopped, Stores
from localshift.s3 import objects
from localshift.s3.manifest import unload_manifest
from localshift.s3.objects import Bucket
from localshift.sql.lex import quote_identifier
from localshift.transfers import Unloaded
from localshift.unloading.lines import parse_row
from localshift.unloading.parts import Parts
from localshift.unloading.unload import Unload

BATCH_BYTES = 1 << 20
COMPRESSION_NAMES = {"": "", "gzip": "gzip", "bz2": "bzip2", "zstd": "zstd"}
PARTITION_KINDS = frozenset(
    {
        "smallint",
        "integer",
        "bigint",
        "numeric",
        "real",
        "boolean",
        "character",
        "character varying",
        "date",
        "timestamp",
    }
)
NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, manually removing the "
    "target files in S3, or using the ALLOWOVERWRITE option."
)


def begin_unload(unload: Unload) -> Unloaded:
    """Return the books of an UNLOAD that has done nothing yet."""
    compression = "snappy" if unload.format == "PARQUET" else COMPRESSION_NAMES[unload.compression]
    return Unloaded(location=unload.location, file_format=FORMAT_NAMES[unload.format], compression=compression)


async def run_unload(unload: Unload, upstream: Upstream, stores: Stores, done: Unloaded, stopped: Stopped) -> None:
    """Write the rows of the query into S3, and the manifest if asked; files written before an error stay.

    Reads within the transaction `upstream` is in. `stopped` is asked between batches and returns the error to stop with.
    """
    described = await _describe(unload.query, upstream)
    columns = [parse_column(name, kind) for name, kind in described]
    _check_columns(unload, columns)
    client = await asyncio.to_thread(stores.client)
    bucket = objects.open_bucket(client, stores.roles, unload.iam_role)
    await asyncio.to_thread(_prepare, unload, bucket)
    with tempfile.TemporaryDirectory(dir=stores.scratch) as folder:
        parts = Parts(unload, columns, bucket, Path(folder), done)
        try:
            async with _settings(unload, upstream) as iso:
                await _stream(_sql(unload, columns, iso=iso), upstream, parts, stopped)
            await asyncio.to_thread(parts.close)
        finally:
            parts.abandon()
    if unload.manifest and done.files:
        schema = described if unload.manifest == "verbose" else None
        await asyncio.to_thread(bucket.write, unload.location + "manifest", unload_manifest(done.files, schema))


async def _describe(query: str, upstream: Upstream) -> list[tuple[str, str]]:
    """Return name and formatted type of each column of the query; UpstreamError when PostgreSQL refuses it."""
    columns = wire.row_description(await upstream.describe(query))
    if not columns:
        raise SqlError("42601", "UNLOAD needs a query that returns columns")
    formatted = ", ".join(f"pg_catalog.format_type({column.kind}, {column.modifier})" for column in columns)
    kinds = (await upstream.query(f"SELECT {formatted}"))[0].rows[0]
    return [(column.name, kind or "") for column, kind in zip(columns, kinds, strict=True)]


def _check_columns(unload: Unload, columns: Sequence[Column]) -> None:
    names = [column.name for column in columns]
    for name in unload.partition_by:
        if name not in names:
            raise SqlError("42703", f'PARTITION BY column "{name}" is not in the query')
        kind = columns[names.index(name)].kind
        if kind not in PARTITION_KINDS or columns[names.index(name)].zoned:
            raise refused(f'PARTITION BY column "{name}" has type {kind}, which cannot be a partition key')
    if unload.partition_by and not unload.include and set(names) <= set(unload.partition_by):
        raise SqlError(INTERNAL, "UNLOAD with PARTITION BY needs at least one column that is no partition column")
    if any(column.kind == "bytea" for column in columns):
        if unload.format == "JSON":
            raise refused("UNLOAD of VARBYTE to JSON is not supported by localshift")
        if unload.add_quotes:
            raise refused("ADDQUOTES is not supported for columns of type VARBYTE")
    if unload.format in ("JSON", "PARQUET") and len(set(names)) < len(names):
        raise SqlError("42701", f"UNLOAD to {unload.format} needs columns with different names")


def _prepare(unload: Unload, bucket: Bucket) -> None:
    if unload.existing == "overwrite" or (unload.existing == "clean" and unload.partition_by):
        return
    found = bucket.list(unload.location, hidden=True)
    if unload.existing == "clean":
        bucket.delete([entry.url for entry in found])
    elif found:
        raise SqlError(INTERNAL, NOT_EMPTY, detail=internal_detail(NOT_EMPTY, 8001, unload.location))


@asynccontextmanager
async def _settings(unload: Unload, upstream: Upstream) -> AsyncIterator[bool]:
    """Yield whether the session writes dates as ISO does; floating-point numbers for Parquet have all their digits meanwhile."""
    asked = "SELECT current_setting('datestyle'), current_setting('extra_float_digits')"
    style, digits = (await upstream.query(asked))[0].rows[0]
    change = unload.format == "PARQUET" and int(digits or 1) < 1
    if change:
        await upstream.query("SET extra_float_digits TO 1")
    try:
        yield str(style).startswith("ISO")
    finally:
        # What is set in a transaction that fails goes with it.
        if change and upstream.status != b"E":
            await upstream.query(f"SET extra_float_digits TO {int(digits or 1)}")


def _sql(unload: Unload, columns: Sequence[Column], *, iso: bool) -> str:
    """Return the COPY that sends the rows: SUPER as compact JSON, zones gone where Parquet has none, partitions together.

    Dates are as COPY reads them, however the session shows them.
    """
    aliases = [f"c{i}" for i in range(len(columns))]
    shown: list[str] = []
    for alias, column in zip(aliases, columns, strict=True):
        if column.kind == "jsonb":
            shown.append(f"rs.super_text(q.{alias})")
        elif column.kind == "timestamp" and column.zoned and unload.format == "PARQUET":
            shown.append(_dated(f"q.{alias} AT TIME ZONE 'UTC'", iso=iso))
        elif column.kind == "bytea":
            shown.append(f"encode(q.{alias}, 'hex')")
        elif column.kind in ("date", "timestamp"):
            shown.append(_dated(f"q.{alias}", iso=iso))
        else:
            shown.append(f"q.{alias}")
    names = [column.name for column in columns]
    keys = [f"q.{aliases[names.index(name)]}" for name in unload.partition_by]
    order = f" ORDER BY {', '.join(keys)}" if keys else ""
    listed = ", ".join(map(quote_identifier, aliases))
    # The query is the client's own, as it is when it runs by itself.
    return f"COPY (SELECT {', '.join(shown)} FROM ({unload.query}) AS q ({listed}){order}) TO STDOUT (ENCODING 'UTF8')"  # noqa: S608 - see above


def _dated(value: str, *, iso: bool) -> str:
    # JSON's dates follow no setting; what they have else is a T, and minutes in every zone.
    return value if iso else f"regexp_replace(replace(to_json({value}) #>> '{{}}', 'T', ' '), '([+-]..):00$', E'\\\\1')"


async def _stream(sql: str, upstream: Upstream, parts: Parts, stopped: Stopped) -> None:
    await upstream.send(wire.message(b"Q", wire.text(sql)))
    rows: list[bytes] = []
    size = 0
    error: SqlError | None = None
    async for message in upstream.until_ready():
        if message.kind == b"E":
            error = error or UpstreamError(wire.parse_fields(message.body))
        elif message.kind == b"d" and error is None:
            rows.append(message.body)
            size += len(message.body)
            if size > BATCH_BYTES:
                # An error of ours must let PostgreSQL finish: only a client that has gone ends the connection.
                error = stopped() or await _add(rows, parts)
                rows, size = [], 0
                if isinstance(error, FatalError):
                    raise error
    error = error or stopped() or await _add(rows, parts)
    if error is not None:
        raise error


async def _add(rows: list[bytes], parts: Parts) -> SqlError | None:
    try:
        await asyncio.to_thread(lambda: parts.add([parse_row(row) for row in rows]))
    except SqlError as error:
        return error
    return None
