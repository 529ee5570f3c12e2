"""Frames of `concatenated` and `array`: records whose ends JSON itself tells, and how to go on behind damage."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator

from lakemart.decode.frames import CHUNK_BYTES, Frame, Frames, too_large
from lakemart.decode.window import SPACE, Window

_PLAUSIBLE = re.compile(r"(?:\}[ \t\n\r]*|[^ \t\n\r{\[,:][ \t\n\r]*\n[ \t]*)(\{)").search


def chunked(frames: Iterable[Frame]) -> Iterator[Frames]:
    """Frames in pieces of about CHUNK_BYTES; at least one piece."""
    gathered: list[Frame] = []
    size = 0
    for frame in frames:
        gathered.append(frame)
        size += frame.length
        if size >= CHUNK_BYTES:
            yield Frames(gathered)
            gathered, size = [], 0
    yield Frames(gathered)


def concatenated(window: Window, limit: int) -> Iterator[Frame]:
    """The values of an object one after another, white space or nothing between them."""
    offset = window.space(window.base)
    while window.character(offset):
        window.drop(offset)
        value = window.value(offset, limit)
        if value.end >= 0:
            yield Frame(offset, value.end - offset, window.bytes(offset, value.end))
            offset = window.space(value.end)
            continue
        if value.too_large:
            following = _outgrown(window, offset, limit)
        else:
            following = next_start(window, offset, value.fault, limit)
        yield damaged(window, offset, following, value.fault - offset, limit)
        offset = window.space(following)


def array(window: Window, limit: int) -> Iterator[Frame]:
    """The elements of the one array that the object is."""
    offset = window.space(window.base)
    if not window.character(offset):
        return
    if window.character(offset) != "[":
        yield rest(window, offset, offset, limit)
        return
    offset = yield from elements(window, offset, limit)
    if offset >= 0 and window.character(window.space(offset)):
        yield rest(window, window.space(offset), window.space(offset), limit)


def elements(window: Window, start: int, limit: int) -> Generator[Frame, None, int]:
    """The elements of the array that begins at `start`; gives the offset behind it, or -1 when the object's rest was lost."""
    offset = window.space(start + 1)
    if window.character(offset) == "]":
        return offset + 1
    while True:
        window.drop(offset)
        value = window.value(offset, limit)
        if value.end >= 0:
            yield Frame(offset, value.end - offset, window.bytes(offset, value.end))
            offset = window.space(value.end)
        else:
            end = window.skip(offset, limit, whole=False)
            if end <= offset:
                yield rest(window, offset, max(value.fault, offset), limit)
                return -1
            yield damaged(window, offset, end, value.fault - offset, limit)
            offset = end
        mark = window.character(offset)
        if mark == "]":
            return offset + 1
        if mark != ",":
            yield rest(window, offset, offset, limit)
            return -1
        offset = window.space(offset + 1)


def damaged(window: Window, start: int, end: int, fault: int, limit: int) -> Frame:
    """The reject of the bytes from `start` to `end`, which stop being JSON `fault` bytes behind `start`."""
    if end - start > limit:
        return too_large(start, end - start, limit)
    raw = window.bytes(start, end).rstrip(SPACE.encode())
    at_end = fault >= len(raw)
    message = f"ends inside a JSON value at byte {len(raw)}" if at_end else f"not JSON at byte {fault}"
    return Frame(start, len(raw), raw, "invalid_json", message)


def rest(window: Window, start: int, fault: int, limit: int) -> Frame:
    """The reject of everything from `start` to the end of the object."""
    while window.grow():
        if window.end - start > limit:
            window.drop(window.end)
    return damaged(window, start, window.end, fault - start, limit)


def next_start(window: Window, start: int, fault: int, limit: int) -> int:
    """The next offset at or behind `fault` where a record plausibly begins (README.md, section 1), or the object's end."""
    first = max(fault, start + 1)
    position = _last_mark(window, first)
    while True:
        match = _PLAUSIBLE(window.text, position - window.base)
        if match:
            candidate = window.base + match.start(1)
            if _begins_record(window, candidate, limit):
                return candidate
            position = candidate + 1
            continue
        position = max(position, _last_mark(window, window.end))
        if window.end - start > limit:
            window.drop(position)
        if not window.grow():
            return window.end


def _last_mark(window: Window, offset: int) -> int:
    """The offset of the last character before `offset` that is not white space, as far as the window reaches back."""
    before = window.text[: offset - window.base].rstrip(SPACE)
    return window.base + max(len(before) - 1, 0)


def _begins_record(window: Window, candidate: int, limit: int) -> bool:
    value = window.value(candidate, limit)
    return value.end >= 0 and window.character(window.space(value.end)) not in {",", ":", "]", "}"}


def _outgrown(window: Window, start: int, limit: int) -> int:
    """Where a value ends that exceeds the limit: where its brackets close, or the object's end."""
    if window.character(start) in '{["':
        end = window.skip(start, limit, whole=True)
        if end >= 0:
            return end
        while window.grow():
            window.drop(window.end)
        return window.end
    return next_start(window, start, start + limit, limit)
