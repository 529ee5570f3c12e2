"""A downloaded file of text as lines: decompressed, decoded, and bounded by the 4 MB that Redshift takes as one row."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.reading import Reading

MAX_ROW = 4 * 1024 * 1024


@contextmanager
def open_lines(path: Path, url: str, reading: Reading) -> Iterator[Iterator[str]]:
    """Yield the lines of a file with their ends; bytes that are no UTF-8 come as lone surrogates, one each.

    SqlError for a file that is not compressed as the COPY says, is not in its encoding, or has a longer line than a row
    may be.
    """
    with _open(path, reading) as stream:
        if reading.encoding == "utf-8":
            yield _lines(stream, url, reading)
            return
        head = stream.peek(2)[:2]
        if reading.encoding == "utf-16" and head and head not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise wrong_encoding(url, reading)
        with io.TextIOWrapper(stream, reading.encoding, newline="\n") as text:
            yield _lines(text, url, reading)


def _open(path: Path, reading: Reading) -> io.BufferedReader:
    if not path.stat().st_size:
        return io.BufferedReader(io.BytesIO())
    if reading.compression == "gzip":
        return cast("io.BufferedReader", gzip.open(path))
    if reading.compression == "bz2":
        return cast("io.BufferedReader", bz2.open(path))
    if reading.compression == "zstd":
        return io.BufferedReader(_Raw(pa.input_stream(path, compression="zstd")), 1 << 18)
    return path.open("rb")


class _Raw(io.RawIOBase):
    """pyarrow's stream as one that knows readinto, so that Python's buffer can find lines in it."""

    def __init__(self, stream: pa.NativeFile) -> None:
        self.stream = stream

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Fill the buffer and return how much of it."""
        view = memoryview(cast("bytearray", buffer))
        data = self.stream.read(len(view))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the file below too."""
        self.stream.close()
        super().close()


def _lines(source: IO[bytes] | IO[str], url: str, reading: Reading) -> Iterator[str]:
    try:
        while line := source.readline(MAX_ROW + 1):
            if len(line) > MAX_ROW:
                raise too_long(url)
            if isinstance(line, bytes):
                try:
                    yield line.decode()
                except UnicodeDecodeError:
                    yield line.decode("utf-8", "surrogateescape")
            else:
                yield line
    except UnicodeError as exc:
        raise wrong_encoding(url, reading) from exc
    except (EOFError, OSError, zlib.error) as exc:
        what = {"gzip": "zlib", "bz2": "bzip2"}.get(reading.compression, "zstd")
        detail = f"failed to inflate with {what}: {exc}"
        raise SqlError(INTERNAL, detail, detail=internal_detail(detail, 9001, url)) from exc


def wrong_encoding(url: str, reading: Reading) -> SqlError:
    """Return the error for a file in another encoding than COPY was told."""
    detail = f"The encoding of {url} is not the one COPY was told: {reading.encoding}"
    return SqlError(INTERNAL, detail, detail=internal_detail(detail, 1221, "COPY"))


def too_long(url: str) -> SqlError:
    """Return the error for a row of more than 4 MB, which no MAXERROR forgives."""
    message = f"A row of {url} exceeds the maximum size of {MAX_ROW} bytes"
    return SqlError(INTERNAL, message, detail=internal_detail("Input row too long", 8001, message))
