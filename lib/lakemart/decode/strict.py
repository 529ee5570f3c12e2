"""The strict scanner: is a text one JSON value as RFC 8259 and the limits have it, and which flaws does it hold?

It never recurses and keeps no tree: memory is a stack of open objects' keys. Positions count characters of the text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Final

_SPACE = re.compile(r"[ \t\n\r]*").match
_PLAIN_STRING = re.compile(r'"([^"\\\x00-\x1f]*)"').match
_RUN = re.compile(r'[^"\\\x00-\x1f]*+(?:(?:\\["\\/bfnrt])++[^"\\\x00-\x1f]*+)*+').match
_HEX = re.compile(r"[0-9a-fA-F]{0,4}").match
_NUMBER_START = re.compile(
    r"-?(?:(?:0|[1-9][0-9]*)(?:\.(?:[0-9]+(?:[eE](?:[+-]?[0-9]*)?)?)?|[eE](?:[+-]?[0-9]*)?)?)?"
).match
_LITERALS: Final = {"t": "true", "f": "false", "n": "null"}
_CLOSER: Final = {"{": "}", "[": "]"}
MAX_DIGITS: Final = 4000
"""No limit on digits goes above this: CPython refuses to read longer integers."""


class BadJsonError(Exception):
    """The text stops being JSON at `position`, the first character that no JSON text can have there (or its end)."""

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


@dataclass(slots=True)
class Flaws:
    """What RFC 8259 leaves open and lakemart refuses, each by the position of its first case (-1: none)."""

    end: int = 0
    """Where the value ends."""
    duplicate: int = -1
    duplicate_end: int = -1
    surrogate: int = -1
    long_number: int = -1
    long_number_digits: int = 0
    nuls: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """One open container: its opening bracket, and an object's keys so far."""

    bracket: str
    keys: set[str] | None


def space(text: str, position: int) -> int:
    """The position of the first character at or after `position` that is not JSON white space."""
    return position if text[position : position + 1] > " " else _end(_SPACE(text, position))


def scan(text: str, start: int, *, depth: int, digits: int) -> Flaws:
    """Reads one JSON value that begins at `start` (white space before it allowed) and says where it ends.

    Raises BadJsonError: `invalid_json` at the first character that cannot stand there, `too_deep` at the bracket that
    opens level `depth` + 1; whichever comes first in the text.
    """
    flaws = Flaws()
    stack: list[_Open] = []
    position = space(text, start)
    while True:
        bracket = text[position : position + 1]
        if bracket in _CLOSER:
            if len(stack) >= depth:
                raise BadJsonError("too_deep", position)
            stack.append(_Open(bracket, set() if bracket == "{" else None))
            position = space(text, position + 1)
            if text[position : position + 1] != _CLOSER[bracket]:
                position = _key(text, position, stack[-1], flaws)
                continue
        else:
            position = _scalar(text, position, flaws, digits)
        position = _close(text, position, stack)
        if not stack:
            flaws.end = position
            return flaws
        position = _key(text, space(text, position + 1), stack[-1], flaws)


def _close(text: str, position: int, stack: list[_Open]) -> int:
    """Closes what ends here; the position of the comma that calls for another member, or the value's end."""
    while stack:
        position = space(text, position)
        character = text[position : position + 1]
        if character == ",":
            return position
        if character != _CLOSER[stack[-1].bracket]:
            raise BadJsonError("invalid_json", position)
        stack.pop()
        position += 1
    return position


def _key(text: str, position: int, container: _Open, flaws: Flaws) -> int:
    """Reads a member's key and colon when the container is an object; the position of the value."""
    if container.keys is None:
        return position
    plain = _PLAIN_STRING(text, position)
    if plain:
        key, end = plain[1], plain.end()
    else:
        if text[position : position + 1] != '"':
            raise BadJsonError("invalid_json", position)
        end = _string(text, position, flaws)
        key = json.loads(text[position:end])
    if key in container.keys:
        if flaws.duplicate < 0:
            flaws.duplicate, flaws.duplicate_end = position, end
    else:
        container.keys.add(key)
    colon = space(text, end)
    if text[colon : colon + 1] != ":":
        raise BadJsonError("invalid_json", colon)
    return space(text, colon + 1)


def _scalar(text: str, position: int, flaws: Flaws, digits: int) -> int:
    """Reads a string, number or literal; the position behind it."""
    plain = _PLAIN_STRING(text, position)
    if plain:
        return plain.end()
    first = text[position : position + 1]
    if first == '"':
        return _string(text, position, flaws)
    if first in _LITERALS:
        return _literal(text, position, _LITERALS[first])
    end = _end(_NUMBER_START(text, position))
    if end == position or text[end - 1] not in "0123456789":
        raise BadJsonError("invalid_json", end)
    if end - position > digits and flaws.long_number < 0:
        count = sum(character in "0123456789" for character in text[position:end])
        if count > digits:
            flaws.long_number, flaws.long_number_digits = position, count
    return end


def _literal(text: str, position: int, literal: str) -> int:
    for index, character in enumerate(literal):
        if text[position + index : position + index + 1] != character:
            raise BadJsonError("invalid_json", position + index)
    return position + len(literal)


def _string(text: str, position: int, flaws: Flaws) -> int:
    """Reads a string by its escapes, noting halves of surrogate pairs and NULs; the position behind its quote."""
    high = -1
    position += 1
    while True:
        run = _end(_RUN(text, position))
        if run > position and high >= 0:
            _note_surrogate(flaws, high)
            high = -1
        position = run
        if text[position : position + 1] == '"':
            if high >= 0:
                _note_surrogate(flaws, high)
            return position + 1
        unit, end = _escape(text, position)
        if unit == 0:
            flaws.nuls.append(position)
        low = 0xDC00 <= unit <= 0xDFFF
        if low != (high >= 0):
            _note_surrogate(flaws, high if high >= 0 else position)
        high = position if 0xD800 <= unit <= 0xDBFF else -1
        position = end


def _escape(text: str, position: int) -> tuple[int, int]:
    """Reads one Unicode escape: its UTF-16 unit and the position behind it. All short escapes were read before."""
    if text[position : position + 1] != "\\":
        raise BadJsonError("invalid_json", position)
    if text[position + 1 : position + 2] != "u":
        raise BadJsonError("invalid_json", position + 1)
    end = _end(_HEX(text, position + 2))
    if end < position + 6:
        raise BadJsonError("invalid_json", end)
    return int(text[position + 2 : end], 16), end


def _note_surrogate(flaws: Flaws, position: int) -> None:
    if flaws.surrogate < 0 or position < flaws.surrogate:
        flaws.surrogate = position


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 - these patterns match the empty text
    return match.end()
