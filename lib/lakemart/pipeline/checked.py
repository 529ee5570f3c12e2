"""What a check of one table or mart came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One lake table or mart that was checked: how many rows it has, and what is wrong with it (nothing: it is good).

    A source stands here only for objects that plain runs no longer look for; `rows` is how many there are.
    """

    kind: Literal["table", "mart", "source"]
    name: str
    rows: int
    findings: tuple[str, ...]
