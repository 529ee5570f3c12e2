"""The story of one COPY: files from the manifest, checked and streamed into PostgreSQL on the client's own connection."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from localshift import objects, parquet
from localshift.copy import Copy
from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.lex import quote_identifier, quote_literal
from localshift.objects import Bucket, Entry
from localshift.parquet import Column, DataFile
from localshift.upstream import Upstream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

COLUMNS = """
SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attidentity, c.oid
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
WHERE c.oid = {target}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """What a COPY may reach: the S3 client, the roles, and a folder for files on their way."""

    client: Callable[[], S3Client]
    roles: Mapping[str, tuple[str, ...]]
    scratch: Path


@dataclass(slots=True)
class Loaded:
    """What a COPY has done so far: rows and bytes by file. Filled while it runs, so that a failure can say how far it came."""

    table_id: int = 0
    files: list[tuple[str, int, int]] = field(default_factory=list)
    current: str = ""

    @property
    def rows(self) -> int:
        """The rows taken so far."""
        return sum(rows for _, rows, _ in self.files)

    @property
    def size(self) -> int:
        """The bytes of the files taken so far."""
        return sum(size for _, _, size in self.files)


async def run_copy(
    copy: Copy, upstream: Upstream, stores: Stores, loaded: Loaded, stopped: Callable[[], SqlError | None]
) -> None:
    """Load the files of `copy` into its table inside the transaction `upstream` is in; SqlError leaves it failed.

    `stopped` is asked between batches and returns the error to stop with: a cancelled query, a client that has gone.
    """
    columns = await _columns(copy, upstream, loaded)
    client = await asyncio.to_thread(stores.client)
    bucket = objects.open_bucket(client, stores.roles, copy.iam_role)
    entries = await asyncio.to_thread(_entries, bucket, copy)
    names = ", ".join(quote_identifier(column.name) for column in columns)
    await upstream.begin_copy(f"COPY {copy.target} ({names}) FROM STDIN (FORMAT csv)")
    try:
        for entry in entries:
            await _load_file(entry, columns, bucket, _Target(copy, upstream, stores.scratch, loaded, stopped))
    except SqlError as error:
        if not upstream.copy_failed():
            await upstream.abort_copy(error.message)
            raise
    await upstream.end_copy()


@dataclass(frozen=True, slots=True)
class _Target:
    copy: Copy
    upstream: Upstream
    scratch: Path
    loaded: Loaded
    stopped: Callable[[], SqlError | None]


async def _columns(copy: Copy, upstream: Upstream, loaded: Loaded) -> list[Column]:
    rows = (await upstream.query(COLUMNS.format(target=quote_literal(copy.target))))[0].rows
    loaded.table_id = int(rows[0][3] or 0) if rows else 0
    known = {str(name): parquet.parse_column(str(name), str(kind)) for name, kind, _, _ in rows}
    if copy.columns is None:
        return [known[str(name)] for name, _, identity, _ in rows if not identity]
    for name in copy.columns:
        if name not in known:
            raise SqlError("42703", f'column "{name}" of relation "{copy.table}" does not exist')
    if len(set(copy.columns)) != len(copy.columns):
        raise SqlError("42701", "a column is specified more than once")
    return [known[name] for name in copy.columns]


def _entries(bucket: Bucket, copy: Copy) -> list[Entry]:
    entries = objects.read_manifest(bucket, copy.source) if copy.manifest else bucket.list(copy.source)
    present: list[Entry] = []
    for entry in entries:
        size = bucket.size(entry.url)
        if size is None and entry.mandatory:
            raise objects.s3_error(f"The specified key does not exist.,Status 404,Error NoSuchKey: {entry.url}")
        if size is not None and entry.length is not None and size != entry.length:
            detail = f"File {entry.url}: content_length in the manifest is {entry.length}, the object has {size} bytes"
            raise SqlError(
                INTERNAL, "Mismatched file size in manifest", detail=internal_detail("Manifest", 8001, detail)
            )
        if size is not None:
            present.append(entry)
    if not present:
        raise SqlError(INTERNAL, f"The specified S3 prefix '{copy.source}' does not exist")
    return present


async def _load_file(entry: Entry, columns: list[Column], bucket: Bucket, target: _Target) -> None:
    target.loaded.current = entry.url
    with tempfile.TemporaryDirectory(dir=target.scratch) as folder:
        file = DataFile(url=entry.url, path=Path(folder) / "file", source=target.copy.source)
        await asyncio.to_thread(bucket.download, entry.url, file.path)
        opened = await asyncio.to_thread(parquet.open_file, file, columns)
        try:
            chunks = parquet.csv_chunks(opened, columns, file)
            rows = await _stream(chunks, target)
        finally:
            opened.close()
        target.loaded.files.append((entry.url, rows, file.path.stat().st_size))


async def _stream(chunks: Iterator[tuple[int, pa.Buffer]], target: _Target) -> int:
    total = 0
    coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await coming) is not None:
            # The next batch is made while this one is sent.
            coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            if (error := target.stopped()) is not None:
                raise error
            if target.upstream.copy_failed():
                raise SqlError(INTERNAL, "COPY failed")
            await target.upstream.copy_data(memoryview(chunk[1]))
            total += chunk[0]
    finally:
        # A batch being made when an error comes must not outlive its file; its own error, if any, comes second.
        await asyncio.wait([coming])
        if not coming.cancelled():
            coming.exception()
    return total
