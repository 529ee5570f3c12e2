"""Compaction: small data files of one partition become fewer, up to a target size. The rows stay the same.

A group of small files pays only when its largest is no larger than the rest together: so a file is rewritten some
log(target) times in its life, and a partition keeps few files, whatever the order in which they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lakemart.errors import InternalError
from lakemart.lake.actions import AddedFile
from lakemart.lake.read import Snapshot, read_files
from lakemart.lake.write import FileTarget, write_partition
from lakemart.storage.store import Location

TARGET_BYTES = 128 * 1024 * 1024
_SMALL = 0.75
"""Below this share of the target a file is small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactTask:
    """Files of one partition to be merged. `schema` is the table's; new files carry `number`. Picklable."""

    root: Location
    schema: pa.Schema
    partition_by: str | None
    number: int
    files: tuple[AddedFile, ...]

    @property
    def size(self) -> int:
        """Bytes to be read."""
        return sum(file.size for file in self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What one task merged."""

    adds: tuple[AddedFile, ...]
    removes: tuple[AddedFile, ...]


def small_files(found: Snapshot, target: int) -> list[tuple[AddedFile, ...]]:
    """The groups of files worth merging, each of one partition and of about `target` bytes together; of at least two."""
    partitions: dict[str | None, list[AddedFile]] = {}
    for file in found.files:
        if file.size < target * _SMALL:
            value = file.partition[found.partition_by] if found.partition_by is not None else None
            partitions.setdefault(value, []).append(file)
    return [group for files in partitions.values() for group in _groups(files, target)]


def _groups(files: Sequence[AddedFile], target: int) -> Iterator[tuple[AddedFile, ...]]:
    """In path order, so that rows written together stay together."""
    by_size = sorted(files, key=lambda file: (-file.size, file.path))
    rest = sum(file.size for file in by_size)
    while by_size and by_size[0].size * 2 > rest:
        rest -= by_size.pop(0).size
    group: list[AddedFile] = []
    for file in sorted(by_size, key=lambda file: file.path):
        if group and sum(one.size for one in group) + file.size > target:
            if len(group) > 1:
                yield tuple(group)
            group = []
        group.append(file)
    if len(group) > 1:
        yield tuple(group)


def compact(task: CompactTask) -> Compacted:
    """Writes the rows of the task's files anew, in their order. Memory: one small file, a row group and a new file.

    The new files are invisible until committed; a re-run writes others. Raises DataError when a file is gone, and
    InternalError when the rows came out more or fewer.
    """
    tables = read_files(task.root, task.files, task.schema)
    batches = (batch for table in tables for batch in table.to_batches())
    # A group becomes one file, or it would be found worth merging again and again.
    target = FileTarget(
        root=task.root,
        schema=task.schema,
        partition_by=task.partition_by,
        number=task.number,
        file_bytes=2 * max(task.size, TARGET_BYTES),
    )
    value = task.files[0].partition.get(task.partition_by) if task.partition_by is not None else None
    adds = tuple(write_partition(batches, target, value))
    before, after = sum(file.rows for file in task.files), sum(file.rows for file in adds)
    if before != after:
        raise InternalError(f"compaction made {after} rows of {before}", where=task.root.uri)
    return Compacted(adds=adds, removes=task.files)
