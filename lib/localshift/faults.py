"""Faults on request, for tests of clients: dropped connections, refused commits, slow statements, failing reads of S3.

Only a server started with `--faults` has them, and none is on before a superuser's session asks for it by

    select localshift_fault('drop', 'COPY', 'before' | 'during' | 'after')   -- the next statement of this kind
    select localshift_fault('conflict', '2')                                 -- the 2nd commit from now answers 1023
    select localshift_fault('slow', 'SELECT', '0.5')                         -- every statement of this kind, in seconds
    select localshift_fault('s3', '3')                                       -- the next 3 requests answer 503
    select localshift_fault('off')
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from localshift.errors import SERIALIZATION, UNKNOWN_CYCLE, FatalError, SqlError

CALL = re.compile(r"\s*select\s+localshift_fault\s*\((?P<arguments>[^()]*)\)\s*;?\s*", re.IGNORECASE)
STRING = re.compile(r"'([^']*)'")
Moment = Literal["before", "during", "after"]
KINDS = frozenset({"drop", "conflict", "slow", "s3", "off"})


class DroppedError(FatalError):
    """The connection is to be cut without a word."""

    def __init__(self) -> None:
        super().__init__("08006", "connection dropped by a fault")


@dataclass(slots=True, kw_only=True)
class Faults:
    """The faults that are on. `drops` maps a statement's word to the moment of the drop, `slow` to seconds."""

    drops: dict[str, str] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    commits_left: int = 0
    s3_left: int = 0

    def order(self, arguments: list[str]) -> None:
        """Turn one on, or all off; SqlError for what is no fault."""
        match arguments:
            case ["off"]:
                self.drops, self.slow, self.commits_left, self.s3_left = {}, {}, 0, 0
            case ["drop", word, ("before" | "during" | "after") as moment]:
                self.drops[word.upper()] = moment
            case ["conflict", number] if number.isdigit():
                self.commits_left = int(number)
            case ["slow", word, seconds] if re.fullmatch(r"\d+(\.\d+)?", seconds):
                self.slow[word.upper()] = float(seconds)
            case ["s3", number] if number.isdigit():
                self.s3_left = int(number)
            case _:
                raise SqlError("22023", f"no such fault: {', '.join(arguments)}")

    def seconds(self, word: str) -> float:
        """Return how long a statement of this word is held up."""
        return self.slow.get(word, 0.0)

    def drop(self, word: str, moment: Moment) -> None:
        """Cut the connection when that was asked for at this moment of this statement; once."""
        if self.drops.get(word) == moment:
            del self.drops[word]
            raise DroppedError

    def dropping(self, word: str) -> bool:
        """Tell whether a running statement of this word is to lose its client, and forget it."""
        return self.drops.get(word) == "during" and self.drops.pop(word) == "during"

    def conflict(self) -> None:
        """Count a commit; SqlError 1023 when it is the one that was asked for."""
        if self.commits_left:
            self.commits_left -= 1
            if not self.commits_left:
                detail = f"{UNKNOWN_CYCLE} (a fault on request)"
                raise SqlError(SERIALIZATION, f"1023 DETAIL:  {UNKNOWN_CYCLE}", detail=detail)

    def fails_s3(self) -> bool:
        """Count a request to S3 and tell whether it fails."""
        self.s3_left, failing = max(self.s3_left - 1, 0), self.s3_left > 0
        return failing


def ordered(sql: str) -> list[str] | None:
    """Return the arguments of a call of the control function; None for every other statement."""
    found = CALL.fullmatch(sql)
    return STRING.findall(found["arguments"]) if found else None
