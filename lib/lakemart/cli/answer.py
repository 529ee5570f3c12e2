"""What a command answers with, and the one place where it reaches standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from lakemart.errors import LakemartError

_PIPE_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A document for programs, the same for people (made only when wanted), and the exit code.

    `errors` are those the document tells. Without a view they are all there is to show, on stderr.
    """

    document: Mapping[str, Any]
    view: Callable[[], RenderableType] | None = None
    exit_code: int = 0
    errors: tuple[LakemartError, ...] = ()


class Output:
    """Standard output, kept for the answer alone: while a command works, what libraries print there goes to stderr."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._stream: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")
        os.dup2(2, 1)
        self._before, sys.stdout = sys.stdout, sys.stderr

    def close(self) -> None:
        """Gives standard output back."""
        sys.stdout = self._before
        sys.stdout.flush()
        os.dup2(self._stream.fileno(), 1)
        self._stream.close()

    def write(self, answer: Answer, *, as_json: bool) -> None:
        """Prints the answer. A reader that went away is no failure of the command."""
        try:
            if as_json:
                self._stream.write(json.dumps(answer.document, ensure_ascii=False, default=plain) + "\n")
            elif answer.view is not None:
                view = answer.view()
                # Text that says so is printed as it is, a file's text among them; rich would wrap or cut it.
                as_it_is = isinstance(view, Text) and view.no_wrap is True
                console(self._stream).print(view, soft_wrap=as_it_is)
            self._stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def console(stream: TextIO) -> Console:
    """A console on the stream; where it is no terminal, as wide as a page. NO_COLOR is honoured by rich."""
    return Console(
        file=stream, width=None if stream.isatty() else _PIPE_WIDTH, soft_wrap=False, highlight=False, emoji=False
    )


def plain(value: object) -> object:
    """What JSON has no word for: fractions as exact text, whole decimals as numbers, times in ISO, bytes as hexadecimal.

    >>> plain(Decimal("1.50")), plain(Decimal("7702"))
    ('1.50', 7702)
    """
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        # A column's decimals have one scale, so a column is all numbers or all text.
        return (
            int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else format(value, "f")
        )
    if isinstance(value, bytes):
        return value.hex()
    return str(value)
