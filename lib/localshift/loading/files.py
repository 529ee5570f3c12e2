"""A downloaded file of text as lines: decompressed, decoded, and bounded by the 4 MB that Redshift takes as one row."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa

from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.loading.reading import Reading

MAX_ROW = 4 * 1024 * 1024
BLOCK = 1 << 20


@contextmanager
def open_lines(path: Path, url: str, reading: Reading) -> Iterator[Lines]:
    """Yield the lines of a file with their ends; bytes that are no UTF-8 come as lone surrogates, one each.

    SqlError for a file that is not compressed as the COPY says, is not in its encoding, or has a longer line than a row
    may be.
    """
    with _open(path, reading) as stream:
        if reading.encoding == "utf-8":
            yield Lines(stream.read, url, reading)
            return
        head = stream.peek(2)[:2]
        if reading.encoding == "utf-16" and head and head not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise wrong_encoding(url, reading)
        yield Lines(_recoded(stream, reading.encoding), url, reading)


def _recoded(stream: IO[bytes], encoding: str) -> Callable[[int], bytes]:
    """Return what reads the stream as UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)()
    # The codec called utf-16 takes the mark away itself; of those that need none it is no part of the first field either.
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""

    def read(size: int) -> bytes:
        nonlocal mark
        while True:
            data = stream.read(size)
            text = decoder.decode(data, final=not data)
            if text and mark:
                text, mark = text.removeprefix(mark), ""
            if text or not data:
                return text.encode()

    return read


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


class Lines:
    """The lines of a file, one by one as text, or as the bytes of many at a time."""

    def __init__(self, read: Callable[[int], bytes], url: str, reading: Reading) -> None:
        self.read = read
        self.url = url
        self.reading = reading
        self.waiting = b""
        self.at = 0
        self.ended = False
        self.no_text = 0

    def __iter__(self) -> Iterator[str]:
        """Return itself."""
        return self

    def __next__(self) -> str:
        """Return the next line with its end."""
        end = self.waiting.find(b"\n", self.at) + 1
        while not end and not self.ended and len(self.waiting) - self.at <= MAX_ROW:
            searched = len(self.waiting) - self.at
            self._fill()
            end = self.waiting.find(b"\n", searched) + 1
        line = self.waiting[self.at : end or None]
        self.at += len(line)
        if len(line) > MAX_ROW:
            raise too_long(self.url)
        if not line:
            raise StopIteration
        try:
            return line.decode()
        except UnicodeDecodeError:
            return line.decode("utf-8", "surrogateescape")

    def take(self, pattern: re.Pattern[bytes]) -> bytes:
        """Return the whole lines that come next and match, as far as they lie here; what is no UTF-8 is left to `next`."""
        if len(self.waiting) - self.at < BLOCK // 4 and not self.ended:
            self._fill()
        if self.at < self.no_text:
            return b""
        found = pattern.match(self.waiting, self.at)
        taken = found.group() if found else b""
        if not taken.isascii():
            try:
                taken.decode()
            except UnicodeDecodeError:
                self.no_text = self.at + len(taken)
                return b""
        self.at += len(taken)
        return taken

    def _fill(self) -> None:
        try:
            more = self.read(BLOCK)
        except UnicodeError as exc:
            raise wrong_encoding(self.url, self.reading) from exc
        except (EOFError, OSError, zlib.error) as exc:
            what = {"gzip": "zlib", "bz2": "bzip2"}.get(self.reading.compression, "zstd")
            detail = f"failed to inflate with {what}: {exc}"
            raise SqlError(INTERNAL, detail, detail=internal_detail(detail, 9001, self.url)) from exc
        self.ended = not more
        self.no_text -= min(self.at, self.no_text)
        self.waiting = self.waiting[self.at :] + more
        self.at = 0


def wrong_encoding(url: str, reading: Reading) -> SqlError:
    """Return the error for a file in another encoding than COPY was told."""
    detail = f"The encoding of {url} is not the one COPY was told: {reading.encoding}"
    return SqlError(INTERNAL, detail, detail=internal_detail(detail, 1221, "COPY"))


def too_long(url: str) -> SqlError:
    """Return the error for a row of more than 4 MB, which no MAXERROR forgives."""
    message = f"A row of {url} exceeds the maximum size of {MAX_ROW} bytes"
    return SqlError(INTERNAL, message, detail=internal_detail("Input row too long", 8001, message))
