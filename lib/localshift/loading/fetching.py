"""The files of a COPY, brought to the data folder's disk one ahead of their use: S3 is read while a file is loaded."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path

from localshift.errors import SqlError
from localshift.s3.objects import Bucket, Entry
from localshift.transfers import Load

# So often a client that has gone, or cancels, is looked for while S3 keeps it waiting.
LOOK = 0.1


async def fetched(
    entries: Sequence[Entry], bucket: Bucket, scratch: Path, load: Load, stopped: Callable[[], SqlError | None]
) -> AsyncGenerator[tuple[Entry, Path]]:
    """Yield each file with the place where it lies until the next is asked for; close it to end what is on its way.

    SqlError for a file that cannot be read, or the error `stopped` returns meanwhile; `load.current` tells at which file.
    """
    over = threading.Event()
    folder = Path(tempfile.mkdtemp(dir=scratch))

    def begin(number: int) -> asyncio.Task[Path]:
        return asyncio.create_task(asyncio.to_thread(_bring, bucket, entries[number].url, folder / str(number), over))

    coming = begin(0) if entries else None
    try:
        for number, entry in enumerate(entries):
            load.current = entry.url
            task, coming = coming or begin(number), None
            path = await _arrived(task, stopped)
            coming = begin(number + 1) if number + 1 < len(entries) else None
            yield entry, path
            path.unlink()
    finally:
        over.set()
        shutil.rmtree(folder, ignore_errors=True)
        if coming is not None:
            # Ends with the block it reads now; what it says comes second to the error that ended the load.
            coming.add_done_callback(_forget)


def _bring(bucket: Bucket, url: str, path: Path, over: threading.Event) -> Path:
    try:
        bucket.download(url, path, over)
    finally:
        if over.is_set():
            # The load has ended meanwhile, and may have removed the folder before this file was in it.
            shutil.rmtree(path.parent, ignore_errors=True)
    return path


async def _arrived(task: asyncio.Task[Path], stopped: Callable[[], SqlError | None]) -> Path:
    while not task.done():
        await asyncio.wait([task], timeout=LOOK)
        if not task.done() and (error := stopped()) is not None:
            task.add_done_callback(_forget)
            raise error
    return task.result()


def _forget(task: asyncio.Task[Path]) -> None:
    if not task.cancelled():
        task.exception()
