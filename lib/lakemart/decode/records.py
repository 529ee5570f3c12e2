"""Frames of `{records: PATH}`: documents one after another, each an object that has an array of records at a path.

The rest of a document, its skeleton, is kept only for columns that read the enclosing document (`$`).
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from typing import Final, Literal

from lakemart.decode.documents import damaged, elements, next_start
from lakemart.decode.frames import Frame
from lakemart.decode.slices import Span
from lakemart.decode.unknown import pointer
from lakemart.decode.values import shown
from lakemart.decode.window import Window

WAITING_LIMITS: Final = 16
"""So many times the record limit may wait for the fields that stand behind a document's records."""


def records(window: Window, path: tuple[str, ...], limit: int, *, keep: bool) -> Iterator[Frame]:
    """The records of all documents of an object; with `keep` each carries its document's skeleton and waits for it."""
    offset = window.space(window.base)
    while window.character(offset):
        window.drop(offset)
        reader = _Reader(window, offset, path, limit)
        frames = reader.read()
        yield from _waiting(frames, reader, limit) if keep else frames
        offset = window.space(reader.offset)


def _waiting(frames: Iterator[Frame], reader: _Reader, limit: int) -> Iterator[Frame]:
    """The document's frames once it was read to its end, its skeleton in each; too many bytes are not waited for."""
    held: list[Frame] = []
    size = 0
    late = ("late_sibling", f"the document's fields stand behind more than {WAITING_LIMITS * limit} bytes of records")
    for frame in frames:
        size += frame.length
        if size <= WAITING_LIMITS * limit and not reader.outgrown:
            held.append(frame)
            continue
        yield from (
            waiting if waiting.reason else waiting._replace(reason=late[0], message=late[1])
            for waiting in [*held, frame]
        )
        held = []
    if reader.outgrown:
        held = [waiting if waiting.reason else waiting._replace(reason=late[0], message=late[1]) for waiting in held]
    skeleton = reader.skeleton
    yield from (frame if frame.reason else frame._replace(document=skeleton) for frame in held)


_Role = Literal["path", "beside", "repeated"]
"""What a member is to its document: on the path to the records, a field beside it, or a key for the second time."""


class _Reader:
    """Reads one document; `offset` is behind it when the frames are exhausted."""

    def __init__(self, window: Window, offset: int, path: tuple[str, ...], limit: int) -> None:
        self.offset = offset
        self.outgrown = False
        self._window = window
        self._path = path
        self._limit = limit
        self._start = offset
        self._fields: list[list[str]] = [[] for _ in path]
        self._size = 0
        self._found = self._broken = False
        self._pending: list[Frame] = []

    @property
    def skeleton(self) -> bytes:
        """The document without its records: the JSON text of its other fields."""
        text = ""
        for key, fields in zip(reversed(self._path), reversed(self._fields), strict=True):
            inner = [f"{json.dumps(key)}:{text}"] if text else []
            text = "{" + ",".join([*fields, *inner]) + "}"
        return text.encode("latin-1")

    def read(self) -> Iterator[Frame]:
        """The frames of the document that begins at the window's first character."""
        window, start = self._window, self._start
        if window.character(start) == "{":
            yield from self._object(start, 0)
        else:
            value = window.value(start, self._limit)
            self.offset = value.end
            if value.end < 0:
                yield self._lost(start, value.fault)
        if not self._found and not self._broken:
            length = self.offset - start
            raw = window.bytes(start, self.offset) if length <= self._limit else None
            yield Frame(start, length, raw, "no_records", f"no array at {pointer(self._path)}")

    def _object(self, start: int, depth: int) -> Iterator[Frame]:
        """Reads one object on the path, its members one after another."""
        window = self._window
        keys: set[str] = set()
        offset = window.space(start + 1)
        while window.character(offset) != "}" or keys:
            key = window.value(offset, self._limit)
            colon = window.space(key.end) if key.end >= 0 and window.character(offset) == '"' else -1
            if colon < 0 or window.character(colon) != ":":
                yield self._lost(offset, key.fault if colon < 0 and key.end < 0 else max(colon, offset))
                return
            name = _text(window.bytes(offset, key.end))
            value = window.space(colon + 1)
            repeated = name in keys
            keys.add(name)
            role: _Role = "repeated" if repeated else "path" if name == self._path[depth] else "beside"
            end = yield from self._member((offset, key.end), value, depth, role)
            if end < 0:
                return
            if repeated:
                self._pending.append(self._repeated(offset, key.end, end))
            yield from self._settled()
            offset = window.space(end)
            mark = window.character(offset)
            if mark not in {",", "}"}:
                yield self._lost(offset, offset)
                return
            if self._found or offset - self._start > self._limit:
                window.drop(offset)
            if mark == "}":
                break
            offset = window.space(offset + 1)
        self.offset = offset + 1

    def _member(self, key: Span, value: int, depth: int, role: _Role) -> Generator[Frame, None, int]:
        """Reads the value of a member; gives the offset behind it, or -1 when the rest of the document was lost."""
        window, mark, last = self._window, self._window.character(value), depth + 1 == len(self._path)
        if role == "path" and last and mark == "[":
            self._found = True
            yield from self._settled()
            end = yield from elements(window, value, self._limit)
            self._broken, self.offset = end < 0, window.end
            return end
        if role == "path" and not last and mark == "{":
            yield from self._object(value, depth + 1)
            return -1 if self._broken else self.offset
        found = window.value(value, self._limit)
        if found.end < 0:
            yield self._lost(key[0], found.fault)
            return -1
        self._size += found.end - key[0]
        self.outgrown = self._size > self._limit
        if not self.outgrown and role == "beside":
            source = (window.bytes(*key) + b":" + window.bytes(value, found.end)).decode("latin-1")
            self._fields[depth].append(source)
        return found.end

    def _settled(self) -> Iterator[Frame]:
        """The rejects that waited for the array: without one they are part of the whole document's reject."""
        if self._found:
            yield from self._pending
            self._pending = []

    def _repeated(self, start: int, key_end: int, end: int) -> Frame:
        raw = self._window.bytes(start, end)
        key = raw[: key_end - start].decode(errors="replace")
        return Frame(start, end - start, raw, "duplicate_key", f"key {shown(key)} again at byte 0")

    def _lost(self, offset: int, fault: int) -> Frame:
        """The reject of what is not JSON: from the document's start, or from `offset` once records were found."""
        self._broken = True
        start = offset if self._found else self._start
        self.offset = next_start(self._window, start, max(fault, start), self._limit)
        return damaged(self._window, start, self.offset, max(fault, start) - start, self._limit)


def _text(key: bytes) -> str:
    """The key that a JSON string spells; bytes that are not UTF-8 stand for themselves, and equal no path."""
    return str(json.loads(key.decode(errors="surrogateescape"), strict=False))
