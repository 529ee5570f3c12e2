"""The story of one COPY: its files, read and checked, streamed into PostgreSQL on the client's own connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import INTERNAL, SYNTAX_ERROR, SqlError, internal_detail, refused
from localshift.loading import jsonrows, parquet
from localshift.loading.columns import Column, parse_column
from localshift.loading.copy import Copy
from localshift.loading.fetching import fetched
from localshift.loading.files import open_lines, too_long
from localshift.loading.parquet import DataFile
from localshift.loading.records import Record, Rows, RowTooLong, csv_records, text_records
from localshift.loading.rows import Progress, Target, csv_batches
from localshift.loading.simple import row_pattern
from localshift.s3 import objects
from localshift.s3.manifest import read_manifest
from localshift.s3.objects import Bucket, Entry
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.transfers import Load, MovedFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attidentity, c.oid, a.attnotnull, c.relkind
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = {target}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
FORMAT_NAMES = {"PARQUET": "Parquet", "CSV": "CSV", "JSON": "JSON", "TEXT": "Text"}
Stopped = Callable[[], SqlError | None]
Chunk = tuple[int, bytes | pa.Buffer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What COPY and UNLOAD may reach: the S3 client, the roles, a folder for files on their way; where errors are shown."""

    client: Callable[[], S3Client]
    roles: Mapping[str, tuple[str, ...]]
    scratch: Path
    error_log: str = "stl_load_errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One COPY with all it needs for a file. `paths` are those of a jsonpaths file, None without one."""

    copy: Copy
    columns: list[Column]
    bucket: Bucket
    upstream: Upstream
    stores: Stores
    load: Load
    stopped: Stopped
    paths: list[jsonrows.Path] | None
    simple: re.Pattern[bytes] | None

    @property
    def delimiter(self) -> str:
        """What stands between the fields of the rows sent to PostgreSQL: the file's own, where its rows go as they are."""
        return self.copy.reading.delimiter if self.simple is not None else ","


def begin_load(copy: Copy) -> Load:
    """Return the books of a COPY that has done nothing yet."""
    return Load(table=copy.table, source=copy.source, file_format=FORMAT_NAMES[copy.format], dry=copy.reading.dry)


async def run_copy(copy: Copy, upstream: Upstream, stores: Stores, load: Load, stopped: Stopped) -> None:
    """Load the files of `copy` into its table inside the transaction `upstream` is in; SqlError leaves it failed.

    `stopped` is asked between batches and returns the error to stop with: a cancelled query, a client that has gone.
    """
    columns = await _columns(copy, upstream, load)
    client = await asyncio.to_thread(stores.client)
    bucket = objects.open_bucket(client, stores.roles, copy.iam_role)
    entries = await asyncio.to_thread(_entries, bucket, copy)
    load.expected = [(entry.url, entry.size) for entry in entries]
    paths = await asyncio.to_thread(_jsonpaths, bucket, copy, columns)
    textual = copy.format in ("CSV", "TEXT")
    simple = await asyncio.to_thread(row_pattern, columns, copy.reading, copy.format) if textual else None
    run = _Run(
        simple=simple,
        copy=copy,
        columns=columns,
        bucket=bucket,
        upstream=upstream,
        stores=stores,
        load=load,
        stopped=stopped,
        paths=paths,
    )
    if load.dry:
        await _load_files(entries, run)
        return
    names = ", ".join(quote_identifier(column.name) for column in columns)
    how = f"FORMAT csv, ENCODING 'UTF8', DELIMITER {quote_literal(run.delimiter)}"
    await upstream.begin_copy(f"COPY {copy.target} ({names}) FROM STDIN ({how})")
    try:
        await _load_files(entries, run)
    except SqlError as error:
        if not upstream.copy_failed():
            await upstream.abort_copy(error.message)
            raise
    await upstream.end_copy()


async def _columns(copy: Copy, upstream: Upstream, load: Load) -> list[Column]:
    try:
        rows = (await upstream.query(COLUMNS.format(target=quote_literal(copy.target))))[0].rows
    except UpstreamError as exc:
        if exc.code in ("42P01", "3F000"):
            raise SqlError("42P01", f"Cannot COPY into nonexistent table {copy.table}") from exc
        raise
    load.table_id = int(rows[0][3] or 0) if rows else 0
    if rows and rows[0][5] == "v":
        raise SqlError("42809", f'"{copy.table}" is a view')
    known = {str(row[0]): parse_column(str(row[0]), str(row[1]), not_null=row[4] == "t") for row in rows}
    identity = {str(row[0]): str(row[2]) for row in rows if row[2]}
    explicit = "EXPLICIT_IDS" in copy.options
    always = {name for name, kind in identity.items() if kind == "a"}
    if copy.columns is None:
        return [column for name, column in known.items() if name not in identity or (explicit and name in always)]
    for name in copy.columns:
        if name not in known:
            raise SqlError("42703", f'column "{name}" of relation "{copy.table}" does not exist')
    if len(set(copy.columns)) != len(copy.columns):
        raise SqlError("42701", "a column is specified more than once")
    listed = always & set(copy.columns)
    if listed and not explicit:
        raise SqlError("42601", f'cannot set identity column "{min(listed)}" without EXPLICIT_IDS')
    if always and explicit and not listed:
        raise SqlError(SYNTAX_ERROR, "EXPLICIT_IDS needs the identity column in the column list")
    return [known[name] for name in copy.columns]


def _entries(bucket: Bucket, copy: Copy) -> list[Entry]:
    columnar = copy.format == "PARQUET"
    if copy.manifest:
        entries = read_manifest(bucket, copy.source, columnar=columnar)
    else:
        entries = bucket.list(copy.source, hidden=not columnar)
    present: list[Entry] = []
    for entry in entries:
        size = bucket.size(entry.url) if copy.manifest else entry.size
        if size is None and entry.mandatory:
            raise objects.s3_error(f"The specified key does not exist.,Status 404,Error NoSuchKey: {entry.url}")
        if size is not None and columnar and entry.length is not None and size != entry.length:
            detail = f"File {entry.url}: content_length in the manifest is {entry.length}, the object has {size} bytes"
            raise SqlError(
                INTERNAL, "Mismatched file size in manifest", detail=internal_detail("Manifest", 8001, detail)
            )
        if size is not None:
            present.append(entry.sized(size))
    if not present:
        raise SqlError(INTERNAL, f"The specified S3 prefix '{copy.source}' does not exist")
    return present


def _jsonpaths(bucket: Bucket, copy: Copy, columns: list[Column]) -> list[jsonrows.Path] | None:
    if copy.reading.json == "noshred" and [column.kind for column in columns] != ["jsonb"]:
        raise SqlError(SYNTAX_ERROR, "JSON 'noshred' needs a target of one SUPER column")
    if copy.format == "JSON" and any(column.kind == "bytea" for column in columns):
        raise refused("COPY of JSON into a column of type varbyte is not supported: CSV and Parquet are")
    if copy.format != "JSON" or not copy.reading.json.startswith("s3://"):
        return None
    return jsonrows.parse_jsonpaths(bucket.read(copy.reading.json), copy.reading.json, len(columns))


async def _load_files(entries: list[Entry], run: _Run) -> None:
    async with aclosing(fetched(entries, run.bucket, run.stores.scratch, run.load, run.stopped)) as files:
        async for entry, path in files:
            await _load_file(entry, path, run)


async def _load_file(entry: Entry, path: Path, run: _Run) -> None:
    started = datetime.now(UTC)
    progress = Progress()
    file = DataFile(url=entry.url, path=path, source=run.copy.source)
    chunks = _columnar(file, run) if run.copy.format == "PARQUET" else _textual(file, run, progress)
    rows = 0
    try:
        rows = await _stream(chunks, run)
    finally:
        await asyncio.to_thread(chunks.close)
        lines = progress.lines or rows
        moved = MovedFile(
            url=entry.url, rows=rows, lines=lines, size=entry.size, started=started, errors=progress.errors
        )
        run.load.files.append(moved)


def _columnar(file: DataFile, run: _Run) -> Generator[Chunk]:
    opened = parquet.open_file(file, run.columns, run.copy.reading)
    try:
        yield from parquet.csv_chunks(opened, run.columns, file, run.copy.reading)
    finally:
        opened.close()


def _textual(file: DataFile, run: _Run, progress: Progress) -> Generator[Chunk]:
    reading = run.copy.reading
    log = run.stores.error_log
    target = Target(columns=run.columns, reading=reading, load=run.load, log=log, delimiter=run.delimiter)
    with open_lines(file.path, file.url, reading) as lines:
        if run.copy.format == "JSON":
            records: Iterator[Record | Rows] = jsonrows.json_records(lines, run.columns, reading, run.paths)
        else:
            cut = csv_records if run.copy.format == "CSV" else text_records
            records = cut(lines, reading, None if run.simple is None else partial(lines.take, run.simple))
        try:
            yield from csv_batches(records, target, file.url, progress)
        except RowTooLong as exc:
            raise too_long(file.url) from exc


async def _stream(chunks: Iterator[Chunk], run: _Run) -> int:
    total = 0
    coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await coming) is not None:
            # The next batch is made while this one is sent.
            coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            if (error := run.stopped()) is not None:
                raise error
            if not run.load.dry:
                if run.upstream.copy_failed():
                    raise SqlError(INTERNAL, "COPY failed")
                await run.upstream.copy_data(memoryview(chunk[1]))
            total += chunk[0]
    finally:
        # A batch being made when an error comes must not outlive its file; its own error, if any, comes second.
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()
    return total
