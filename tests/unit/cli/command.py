"""The command as a function of its words, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class End:
    code: int
    stdout: str
    stderr: str


Lakemart = Callable[..., End]
