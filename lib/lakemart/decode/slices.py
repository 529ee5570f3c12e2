"""Finding values in a text that the strict scanner has accepted: exact source slices, by key, without a tree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

_SPACE = r"[ \t\n\r]*"
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_SCALAR = re.compile(rf'{_STRING}|[^\[\]{{}}",:\s]+', re.DOTALL).match
_BRACKET_OR_STRING = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL).finditer
_MEMBER = re.compile(rf"{_SPACE}({_STRING}){_SPACE}:{_SPACE}", re.DOTALL).match
_GAP = re.compile(rf"{_SPACE},?{_SPACE}").match
_OPENING: Final = "{["

Span = tuple[int, int]


def value_end(text: str, start: int) -> int:
    """Where the value that begins at `start` ends. The text is valid JSON."""
    if text[start] not in _OPENING:
        return _end(_SCALAR(text, start))
    depth = 0
    for token in _BRACKET_OR_STRING(text, start):
        mark = token[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return token.end()
    raise ValueError(start)


def members(text: str, start: int) -> Iterator[tuple[str, Span, Span]]:
    """Key, key's span and value's span of every member of the object at `start`, in source order."""
    position = start + 1
    while member := _MEMBER(text, position):
        value = member.end()
        end = value_end(text, value)
        yield spelled(member[1]), member.span(1), (value, end)
        position = _end(_GAP(text, end))


def spelled(source: str) -> str:
    """The text that a JSON string spells; without a backslash it stands there as it is."""
    return source[1:-1] if "\\" not in source else str(json.loads(source))


def elements(text: str, start: int) -> Iterator[Span]:
    """The span of every element of the array at `start`, in source order."""
    position = _end(_GAP(text, start + 1))
    while text[position] != "]":
        end = value_end(text, position)
        yield position, end
        position = _end(_GAP(text, end))


def fields(text: str, start: int) -> dict[str, Span]:
    """The value's span by key, of the object at `start`; of a repeated key the last, which also stands last."""
    found: dict[str, Span] = {}
    for key, _, span in members(text, start):
        found.pop(key, None)
        found[key] = span
    return found


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # noqa: S101 - the text is valid JSON
    return match.end()
