"""Following strings and brackets through text that need not be JSON: how a damaged or outgrown value is got over."""

from __future__ import annotations

import re
from typing import Final

_RUN = re.compile(r'[^"\\]*+(?:(?:\\.)++[^"\\]*+)*+', re.DOTALL).match
_TOP = re.compile(r'["\[\]{},]').search
_DEEP = re.compile(r'"|[\[{]++|[\]}]++').search
BROKEN: Final = -1


class Brackets:
    """Reads on through pieces of text until what it began in ends.

    With `whole` that is behind the quote or bracket that closes what the text begins with; else before the first `,`
    or `]` outside strings and brackets, and a `}` there is BROKEN.
    """

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._depth = 0
        self._quoted = False

    def read(self, text: str, position: int) -> tuple[int, bool]:
        """Where it ends (or BROKEN) and True; or False and the position to go on from once more text is there."""
        while True:
            if self._quoted:
                position = _end(text, position)
                if text[position : position + 1] != '"':
                    return position, False
                position, self._quoted = position + 1, False
                if self._whole and self._depth == 0:
                    return position, True
            match = (_DEEP if self._depth else _TOP)(text, position)
            if match is None:
                return len(text), False
            marks, position = match[0], match.end()
            if marks == '"':
                self._quoted = True
            elif marks[-1] in "{[":
                self._depth += len(marks)
            elif self._ends_in(marks):
                broken = not self._whole and marks[self._depth] == "}"
                return BROKEN if broken else match.start() + self._depth, True
            else:
                self._depth -= len(marks)

    def _ends_in(self, marks: str) -> bool:
        """Whether so many closing marks (or one comma) are enough to end it."""
        return len(marks) >= self._depth if self._whole else len(marks) > self._depth


def _end(text: str, position: int) -> int:
    """Where the string that is open at `position` has its closing quote, or its last whole character in the text."""
    run = _RUN(text, position)
    assert run is not None  # noqa: S101 - the pattern matches the empty text
    return run.end()
