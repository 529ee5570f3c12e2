"""A window on decompressed blocks for the formats whose records JSON itself delimits: where does a value end?

Bytes are read as Latin-1, one character a byte: JSON's own characters are ASCII, so that ends and faults are found before
any encoding is judged. All positions are offsets in the decompressed object.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lakemart.decode.brackets import BROKEN, Brackets
from lakemart.decode.frames import BOM
from lakemart.decode.strict import BadJsonError, scan

_NO_LIMIT: Final = 1 << 62
_TREE_BYTES: Final = 2 * 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*").match
SPACE: Final = " \t\n\r"


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_PARSE = json.JSONDecoder(parse_int=str, parse_constant=_refuse_constant).scan_once  # type: ignore[attr-defined] # - C scanner


@dataclass(frozen=True, slots=True)
class Value:
    """What begins at some offset: where it ends, or where it stops being JSON (`fault`), or that it exceeds the limit."""

    end: int = -1
    fault: int = -1
    too_large: bool = False


class Window:
    """Some of the object's characters, from `base` on; whoever moves on says what may be dropped."""

    def __init__(self, blocks: Iterable[bytes], offset: int) -> None:
        self._blocks = iter(blocks)
        self.base = offset
        self.text = ""
        self.ended = False
        self.grow()
        if offset == 0 and self.text.startswith(BOM.decode("latin-1")):
            self._forget(len(BOM))

    def grow(self, size: int = 1) -> bool:
        """Takes further blocks until `size` more characters are there; False when the object ended before the first."""
        pieces = [self.text]
        added = 0
        while added < size and not self.ended:
            block = next(self._blocks, None)
            self.ended = block is None
            added += len(block or b"")
            pieces.append((block or b"").decode("latin-1"))
        self.text = "".join(pieces)
        return added > 0

    def drop(self, offset: int) -> None:
        """Forgets what stands before `offset`, once it is most of the window: each time the rest is copied."""
        if 2 * (offset - self.base) >= len(self.text):
            self._forget(offset)

    def _forget(self, offset: int) -> None:
        self.text = self.text[offset - self.base :]
        self.base = offset

    @property
    def end(self) -> int:
        """The offset behind the last character in the window."""
        return self.base + len(self.text)

    def bytes(self, start: int, end: int) -> bytes:
        """The exact bytes of a range inside the window."""
        return self.text[start - self.base : end - self.base].encode("latin-1")

    def space(self, offset: int) -> int:
        """The offset of the first character at or behind `offset` that is not white space, or the object's end."""
        while True:
            match = _SPACE(self.text, offset - self.base)
            assert match is not None  # noqa: S101 - the pattern matches the empty text
            offset = self.base + match.end()
            if offset < self.end or not self.grow():
                return offset

    def character(self, offset: int) -> str:
        """The character at an offset that `space` gave; empty at the object's end."""
        return self.text[offset - self.base : offset - self.base + 1]

    def value(self, start: int, limit: int) -> Value:
        """Reads the JSON value that begins at `start`, of any depth, and at most `limit` characters."""
        while True:
            found = self._read(start - self.base)
            incomplete = found is None or found.fault == self.end or (found.end == self.end and self._open_ended(start))
            if found is not None and (not incomplete or self.ended):
                return Value(too_large=True) if found.end - start > limit else found
            size = self.end - start
            if size > limit:
                return Value(too_large=True)
            self.grow(max(size, 1))

    def _read(self, position: int) -> Value | None:
        text = self.text
        if len(text) - position <= _TREE_BYTES:
            try:
                return Value(end=self.base + _PARSE(text, position)[1])
            except (ValueError, StopIteration, RecursionError):
                pass
        try:
            return Value(end=self.base + scan(text, position, depth=_NO_LIMIT, digits=_NO_LIMIT).end)
        except BadJsonError as error:
            return Value(fault=self.base + error.position)

    def _open_ended(self, start: int) -> bool:
        """Whether the value could go on: only a number has no end of its own."""
        return self.character(start) not in '{["tfn'

    def skip(self, start: int, keep: int, *, whole: bool) -> int:
        """Follows strings and brackets from `start`, whatever else stands there; BROKEN when they never close.

        With `whole` the offset behind the string or bracket that closes what began at `start`; else the offset of the
        first `,` or `]` outside strings and brackets. The window forgets characters once they are more than `keep`.
        """
        brackets, offset = Brackets(whole=whole), start
        while True:
            position, ended = brackets.read(self.text, offset - self.base)
            if ended:
                return BROKEN if position == BROKEN else self.base + position
            offset = self.base + position
            if offset - start > keep:
                self.drop(offset)
            if not self.grow():
                return BROKEN
