"""Stored blocks become decompressed blocks of one size, whatever the blocks were; a damaged stream is never cut short silently.

Compression is told by content: gzip (members one after another, zeros behind them), zstd and bzip2 (frames and streams
one after another), none. Memory: one stored block and one decompressed block.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

import pyarrow as pa

from lakemart.decode.result import DamagedError

BLOCK_BYTES: Final = 1024 * 1024
STORED_BYTES: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = (b"\x28\xb5\x2f\xfd", *(bytes((0x50 + low,)) + b"\x2a\x4d\x18" for low in range(16)))
_BZIP2: Final = b"BZh"


def inflated(blocks: Iterable[bytes], *, size: int | None) -> Iterator[bytes]:
    """The decompressed bytes in blocks of BLOCK_BYTES (the last one shorter, none empty).

    Raises DamagedError: the stream is cut or corrupt, the stored bytes are more or fewer than `size`, or the bytes are
    in another encoding than UTF-8. What was yielded before is then not to be trusted.
    """
    stored = _Stored(blocks)
    head = stored.head(4)
    if head.startswith(_GZIP):
        raw = _members(stored, _Gzip)
    elif head.startswith(_BZIP2):
        raw = _members(stored, _Bzip2)
    elif head.startswith(_ZSTD):
        raw = _zstd(stored)
    else:
        raw = stored.plain()
    offset = 0
    for block in _reblocked(raw, BLOCK_BYTES):
        if offset == 0:
            _refuse_encoding(block)
        offset += len(block)
        yield block
    if size is not None and stored.count != size:
        reason = "short_object" if stored.count < size else "long_object"
        raise DamagedError(reason, f"{stored.count} bytes were read, the store says {size}", offset)


class _Stored:
    """The stored blocks, counted, in blocks of STORED_BYTES, with a look ahead at the first bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._whole: Iterator[bytes] = (bytes(block) for block in blocks if len(block))
        self._blocks = _reblocked(self._whole, STORED_BYTES)
        self._ahead = b""
        self.count = 0

    def head(self, length: int) -> bytes:
        """The first `length` bytes, which stay to be read; called once, before anything else."""
        first = b""
        while len(first) < length and (block := next(self._whole, b"")):
            first = first + block if first else block
        self._whole = chain((first,) if first else (), self._whole)
        self._blocks = _reblocked(self._whole, STORED_BYTES)
        return first[:length]

    def plain(self) -> Iterator[bytes]:
        """The stored bytes in whatever blocks they came: where nothing is decompressed, no piece can fail."""
        for block in self._whole:
            self.count += len(block)
            yield block

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.count += len(block)
            yield block

    def read(self, length: int = -1) -> bytes:
        """At most `length` bytes, for readers that want a file; empty at the end."""
        block = self._ahead or next(self._blocks, b"")
        self.count += 0 if self._ahead else len(block)
        wanted = len(block) if length < 0 else length
        self._ahead = block[wanted:]
        return block[:wanted]


class _Gzip:
    """One gzip member; its check sum and length are verified at its end."""

    name = "gzip"
    magic = _GZIP

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` decompresses to, at most BLOCK_BYTES at a time."""
        while data and not self._stream.eof:
            yield self._stream.decompress(data, BLOCK_BYTES)
            data = self._stream.unconsumed_tail

    @property
    def eof(self) -> bool:
        """Whether the member's end was read."""
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        """The bytes behind the member's end."""
        return self._stream.unused_data


class _Bzip2:
    """One bzip2 stream; its check sums are verified."""

    name = "bzip2"
    magic = _BZIP2

    def __init__(self) -> None:
        self._stream = bz2.BZ2Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` decompresses to, at most BLOCK_BYTES at a time."""
        yield self._stream.decompress(data, BLOCK_BYTES)
        while not self._stream.eof and not self._stream.needs_input:
            yield self._stream.decompress(b"", BLOCK_BYTES)

    @property
    def eof(self) -> bool:
        """Whether the stream's end was read."""
        return self._stream.eof

    @property
    def unused_data(self) -> bytes:
        """The bytes behind the stream's end."""
        return self._stream.unused_data


def _members(stored: _Stored, opened: Callable[[], _Gzip | _Bzip2]) -> Iterator[bytes]:
    """Members one after another; behind the last nothing but zeros."""
    member: _Gzip | _Bzip2 | None = opened()
    kind, offset, behind = opened(), 0, b""
    for block in stored:
        data = behind + block
        behind = b""
        while data:
            if member is None:
                data = data.lstrip(b"\x00")
                if len(data) < len(kind.magic) and kind.magic.startswith(data):
                    behind, data = data, b""
                    continue
                if not data.startswith(kind.magic):
                    raise DamagedError("corrupt_compression", f"bytes that are not {kind.name} behind its end", offset)
                member = opened()
            try:
                for out in member.feed(data):
                    offset += len(out)
                    yield out
            except (zlib.error, OSError, ValueError) as error:
                raise DamagedError("corrupt_compression", f"{kind.name}: {error}", offset) from error
            data = member.unused_data if member.eof else b""
            member = None if member.eof else member
    if member is not None or behind:
        raise DamagedError("truncated_compression", f"{kind.name} ends before its end mark", offset)


def _zstd(stored: _Stored) -> Iterator[bytes]:
    offset = 0
    try:
        with pa.CompressedInputStream(pa.PythonFile(_Readable(stored), mode="r"), "zstd") as stream:
            while block := stream.read(BLOCK_BYTES):
                offset += len(block)
                yield block
    except OSError as error:
        reason = "truncated_compression" if "runcated" in str(error) else "corrupt_compression"
        raise DamagedError(reason, f"zstd: {error}", offset) from error


class _Readable:
    """The stored bytes as the little of a file that pyarrow wants."""

    closed = False

    def __init__(self, stored: _Stored) -> None:
        self.read = stored.read

    def close(self) -> None:
        """Nothing is held open."""


def _reblocked(blocks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The same bytes in blocks of one length, so that whatever follows cannot depend on how they were cut."""
    gathered: list[bytes] = []
    size = 0
    try:
        for block in blocks:
            if not size and len(block) == length:
                yield block
                continue
            gathered.append(block)
            size += len(block)
            if size < length:
                continue
            joined = b"".join(gathered)
            whole = size - size % length
            for start in range(0, whole, length):
                yield joined[start : start + length]
            gathered, size = [joined[whole:]], size - whole
    except DamagedError:
        # What could be read before the damage is what `salvage` is after.
        if size:
            yield b"".join(gathered)
        raise
    if size:
        yield b"".join(gathered)


def _refuse_encoding(head: bytes) -> None:
    """Raises DamagedError when the first bytes are a UTF-16 or UTF-32 mark, or one of the first two is NUL."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or 0 in head[:2]:
        raise DamagedError("wrong_encoding", f"the first bytes are {head[:4].hex(' ')}", 0)
