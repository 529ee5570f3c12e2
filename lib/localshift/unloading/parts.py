"""The files of an UNLOAD: rows dealt out to slices, parts begun and closed by size and partition, each put into S3 when whole."""

from __future__ import annotations

import bz2
import gzip
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from localshift.loading.columns import Column
from localshift.s3.objects import Bucket
from localshift.transfers import MovedFile, Unloaded
from localshift.unloading.lines import Row, encoder, header
from localshift.unloading.tables import TableFile, TableShape
from localshift.unloading.unload import ROW_GROUP, Unload

SLICES = 2
BUFFER = 1 << 16
NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
EXTENSIONS = {"gzip": ".gz", "bz2": ".bz2", "zstd": ".zst", "": ""}
# What may not stand in a folder's name as it is, in Hive's convention.
UNSAFE = re.compile(r"""[\x00-\x1f"#%'*/:=?\\\x7f{\[\]^]""")


class LineFile:
    """A text file being written, compressed as the UNLOAD says."""

    def __init__(self, path: Path, unload: Unload, columns: Sequence[Column]) -> None:
        self.path = path
        self.encode = encoder(unload, columns)
        self.below = path.open("wb")
        self.stream: IO[bytes] = _compressed(self.below, unload.compression)
        first = header(unload, columns)
        self.lines = 1 if first else 0
        self.waiting = bytearray(first)

    def add(self, row: Row) -> None:
        """Write one row, by way of a buffer that spares the compressor small pieces."""
        self.waiting += self.encode(row)
        if len(self.waiting) > BUFFER:
            self._flush()

    def _flush(self) -> None:
        self.stream.write(self.waiting)
        self.waiting = bytearray()

    @property
    def size(self) -> int:
        """The bytes that have reached the file."""
        return self.below.tell() + len(self.waiting)

    def abandon(self) -> None:
        """Close the file without what still waits."""
        self.waiting = bytearray()
        self.close()

    def close(self) -> None:
        """Finish the file."""
        self._flush()
        self.stream.close()
        self.below.close()


def _escaped(value: str) -> str:
    return UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}", value)


def _compressed(file: IO[bytes], compression: str) -> IO[bytes]:
    if compression == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0))
    if compression == "bz2":
        return cast("IO[bytes]", bz2.BZ2File(file, "wb"))
    return cast("IO[bytes]", pa.CompressedOutputStream(file, "zstd")) if compression else file


@dataclass(slots=True, kw_only=True)
class _Part:
    """One open file of one slice."""

    url: str
    file: LineFile | TableFile
    rows: int = 0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


class Parts:
    """The open files of one UNLOAD. Rows of one partition must come one after the other."""

    def __init__(
        self, unload: Unload, columns: Sequence[Column], bucket: Bucket, scratch: Path, done: Unloaded
    ) -> None:
        self.unload = unload
        self.bucket = bucket
        self.scratch = scratch
        self.done = done
        names = [column.name for column in columns]
        self.keys = [names.index(name) for name in unload.partition_by]
        kept = [i for i in range(len(columns)) if unload.include or i not in self.keys]
        self.kept = kept if len(kept) < len(columns) else None
        self.columns = [columns[i] for i in kept]
        self.names = unload.partition_by
        self.shape = TableShape(self.columns)
        self.partition = ""
        self.open: dict[int, _Part] = {}
        self.numbers: dict[int, int] = {}
        self.row = 0
        # Parquet's sizes are multiples of its row groups.
        limit = unload.max_bytes
        self.limit = max(limit // ROW_GROUP, 1) * ROW_GROUP if unload.format == "PARQUET" else limit

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows; files that are full are put into S3."""
        for row in rows:
            if self.keys:
                partition = self._folder(row)
                if partition != self.partition:
                    self._enter(partition)
            part_slice = self.row % SLICES if self.unload.parallel else 0
            self.row += 1
            part = self.open.get(part_slice) or self._begin(part_slice)
            part.file.add(row if self.kept is None else [row[i] for i in self.kept])
            part.rows += 1
            if part.rows % 64 == 0 and part.file.size >= self.limit:
                self._finish(part_slice)

    def close(self) -> None:
        """Finish all open files."""
        for part_slice in sorted(self.open):
            self._finish(part_slice)

    def abandon(self) -> None:
        """Close open files without putting them into S3; those already there stay, as Redshift leaves them."""
        for part in self.open.values():
            part.file.abandon()
        self.open.clear()

    def _folder(self, row: Row) -> str:
        values = [row[i] for i in self.keys]
        pairs = zip(self.names, values, strict=True)
        return "".join(
            f"{name}={NULL_PARTITION if value is None else _escaped(value.decode())}/" for name, value in pairs
        )

    def _enter(self, partition: str) -> None:
        self.close()
        self.partition, self.numbers, self.row = partition, {}, 0
        if self.unload.existing == "clean":
            found = self.bucket.list(self.unload.location + partition, hidden=True)
            self.bucket.delete([entry.url for entry in found])

    def _begin(self, part_slice: int) -> _Part:
        number = self.numbers.get(part_slice, 0)
        self.numbers[part_slice] = number + 1
        name = f"{part_slice:04d}_part_{number:02d}" if self.unload.parallel else f"{number:03d}"
        path = self.scratch / f"{part_slice}"
        make: Callable[[], LineFile | TableFile] = lambda: LineFile(path, self.unload, self.columns)  # noqa: E731
        if self.unload.format == "PARQUET":
            make = lambda: TableFile(path, self.shape, self.unload.row_group)  # noqa: E731
        part = _Part(url=self.unload.location + self.partition + name + self._extension(), file=make())
        self.open[part_slice] = part
        return part

    def _extension(self) -> str:
        if self.unload.extension:
            return "." + self.unload.extension.removeprefix(".")
        return ".parquet" if self.unload.format == "PARQUET" else EXTENSIONS[self.unload.compression]

    def _finish(self, part_slice: int) -> None:
        part = self.open.pop(part_slice)
        part.file.close()
        self.bucket.upload(part.file.path, part.url)
        moved = MovedFile(
            url=part.url,
            rows=part.rows,
            lines=part.rows + part.file.lines,
            size=part.file.path.stat().st_size,
            started=part.started,
            slice=part_slice,
        )
        self.done.files.append(moved)
        part.file.path.unlink()
