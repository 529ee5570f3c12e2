"""Replacing values by path inside a kept source text, so that personal data stays out of `json` columns and `_extra`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from lakemart.decode.slices import Span, elements, members

Pattern = tuple[str | None, ...]
"""A path: one key a segment, None for any key. Arrays on the way are passed through: every element is meant."""

REDACTED: Final = '"***"'


def below(patterns: Iterable[Pattern], path: tuple[str, ...]) -> tuple[Pattern, ...]:
    """What remains of the patterns once `path` was followed; those that lead elsewhere fall away."""
    left = tuple(patterns)
    for key in path:
        left = _step(left, key)
    return left


def spans_at(text: str, span: Span, patterns: tuple[Pattern, ...]) -> Iterator[Span]:
    """The spans of all values that the patterns name inside the value at `span`, repeated keys included."""
    waiting = [(span, patterns)]
    while waiting:
        (start, end), left = waiting.pop()
        if () in left:
            yield start, end
        elif left and text[start] == "{":
            waiting.extend((value, _step(left, key)) for key, _, value in members(text, start))
        elif left and text[start] == "[":
            waiting.extend((element, left) for element in elements(text, start))


def redacted(text: str, span: Span, patterns: tuple[Pattern, ...]) -> str:
    """The value's source text with every value that the patterns name replaced by `"***"`."""
    pieces: list[str] = []
    position = span[0]
    for start, end in sorted(spans_at(text, span, patterns)):
        pieces += [text[position:start], REDACTED]
        position = end
    return "".join([*pieces, text[position : span[1]]])


def _step(patterns: tuple[Pattern, ...], key: str) -> tuple[Pattern, ...]:
    return tuple(pattern[1:] for pattern in patterns if pattern and pattern[0] in (key, None))
