"""Collects every fault of a project, so that one run shows them all; and the wording they share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lakemart.errors import ConfigError, Problem

if TYPE_CHECKING:
    from lakemart.config.document import Place


SHOWN_WORDS = 12
"""More known words than this are not listed in a suggestion."""


class Problems:
    """A growing list of problems; equal ones are kept once (two environments share most of their text)."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, int, str], Problem] = {}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, place: Place, message: str, suggestion: str = "") -> None:
        """Notes one problem at `place`."""
        problem = Problem(file=place.file, line=place.line, column=place.column, message=message, suggestion=suggestion)
        self._found.setdefault((place.file, place.line, place.column, message), problem)

    def stand_at(self, place: Place) -> bool:
        """Whether a problem at this place is known already, so that its consequences need no mention."""
        return any(key[:3] == (place.file, place.line, place.column) for key in self._found)

    def sorted(self) -> tuple[Problem, ...]:
        """All problems in the order a reader meets them: project.yaml first, then by file and position."""
        order = sorted(self._found.values(), key=lambda p: (p.file != "project.yaml", p.file, p.line, p.column))
        return tuple(order)

    def raise_if_any(self, folder: str) -> None:
        """Raises one ConfigError with all problems, if there are any."""
        if self._found:
            count = len(self._found)
            what = f"the project has {count} problem{'s' if count > 1 else ''}"
            raise ConfigError(what, where=folder, next_step="Nothing was read or written.", problems=self.sorted())


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A suggestion: the nearest of the known words, or all of them when none is near and they are few.

    >>> did_you_mean("colums", ["columns", "key"])
    "did you mean 'columns'?"
    >>> did_you_mean("zzz", ["columns", "key"])
    'known: columns, key'
    """
    words = list(dict.fromkeys(known))
    close = difflib.get_close_matches(wrong.lower(), words, n=1, cutoff=0.6)
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(words)}" if words and len(words) <= SHOWN_WORDS else ""


def shown(value: object) -> str:
    """A value as it stands in a message: text in quotes and cut to a readable length."""
    text = str(value)
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
