"""Frames: where records lie in decompressed bytes. `ndjson` here; the formats that need JSON to find ends in documents.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

CHUNK_BYTES: Final = 2 * 1024 * 1024
"""Frames are handed on when about so many bytes of them are together: what bounds memory, and nothing else."""

BOM: Final = b"\xef\xbb\xbf"


class Frame(NamedTuple):
    """One record, or bytes in the place of one: offset and length in the decompressed object, and the exact bytes.

    `raw` is None when there are more bytes than the limit. `reason` is set when framing itself rejects it, with
    `message`; `document` is then empty. Otherwise `document` is the skeleton of the enclosing document (`records` only).
    """

    offset: int
    length: int
    raw: bytes | None
    reason: str = ""
    message: str = ""
    document: bytes | None = None


@dataclass(frozen=True, slots=True)
class Frames:
    """Some frames in order of offset, and the blank lines between them."""

    frames: list[Frame]
    blank: int = 0


def too_large(offset: int, length: int, limit: int) -> Frame:
    """The frame of a record with more bytes than the limit; its bytes are not kept."""
    return Frame(offset, length, None, "record_too_large", f"{length} bytes are more than {limit}")


def lines(blocks: Iterable[bytes], *, offset: int, limit: int) -> Iterator[Frames]:
    """The lines of `ndjson`: each ends with LF or at the end, one CR before it belongs to the end, blank ones are none.

    `offset` is that of the first byte; a byte order mark at offset 0 is no part of a line. Memory: the blocks of one
    chunk, and of an over-long line no more than the limit.
    """
    frames: list[Frame] = []
    blank = gathered = 0
    for start, raw, length in _raw_lines(blocks, offset, limit):
        gathered += length
        if raw is None:
            frames.append(too_large(start, length, limit))
        elif raw.strip(b" \t\r"):
            frames.append(Frame(start, length, raw))
        else:
            blank += 1
        if gathered >= CHUNK_BYTES:
            yield Frames(frames, blank)
            frames, blank, gathered = [], 0, 0
    yield Frames(frames, blank)


def _raw_lines(blocks: Iterable[bytes], offset: int, limit: int) -> Iterator[tuple[int, bytes | None, int]]:
    """Offset, bytes (None when over the limit) and length of every line without its end; a last empty one is left out."""
    rest = b""
    dropped = 0
    for block in blocks:
        parts = block.split(b"\n")
        for part in parts[:-1]:
            line = rest + part if rest else part
            yield _line(offset, line, dropped, limit)
            offset += dropped + len(line) + 1
            rest, dropped = b"", 0
        rest = rest + parts[-1] if rest else parts[-1]
        if offset == 0 and not dropped and rest.startswith(BOM):
            offset, rest = len(BOM), rest[len(BOM) :]
        if len(rest) > limit + 1:
            dropped += len(rest) - 1
            rest = rest[-1:]
    if rest or dropped:
        yield _line(offset, rest, dropped, limit)


def _line(offset: int, line: bytes, dropped: int, limit: int) -> tuple[int, bytes | None, int]:
    if line.endswith(b"\r"):
        line = line[:-1]
    if offset == 0 and not dropped and line.startswith(BOM):
        offset, line = len(BOM), line[len(BOM) :]
    length = dropped + len(line)
    return offset, line if length <= limit and not dropped else None, length
