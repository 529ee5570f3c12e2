"""The dictionary that a source's tables are compared with: what every rule of ingest says, in the plainest words.

It is told what was written under each etag by the test, never by lakemart, and of the ledger only which versions each
committed number read. Order is the number that first read a version; of several claims to one id the one that stands
stays, else the lowest (order, object, offset) wins.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

Contract = Callable[["Line"], bool]
"""Whether the contract of the day takes a line."""


class Line(NamedTuple):
    """One record as it was landed: where it lies in its object, its id, its day, and its value as JSON text."""

    offset: int
    id: str
    day: str
    value: str

    @property
    def number(self) -> int:
        """The value of a line that a contract takes."""
        return int(json.loads(self.value))


class Place(NamedTuple):
    """A record of an object."""

    key: str
    offset: int


class Claim(NamedTuple):
    """A record that may become the row of its id."""

    order: int
    place: Place
    line: Line


@dataclass
class Tables:
    """What the tables of a source hold: rows by id, records that lost, rejects that are open."""

    rows: dict[str, Claim] = field(default_factory=dict)
    lost: dict[Place, Claim] = field(default_factory=dict)
    rejects: dict[Place, Claim] = field(default_factory=dict)

    def read(
        self,
        contents: Mapping[str, tuple[int, Iterable[Line]]],
        takes: Contract,
        *,
        again: bool,
        beyond: Collection[str] = (),
    ) -> set[str]:
        """A batch of objects: key → order and lines. Their former records go, whatever their version.

        An id that they hold `again`, in the very version that was read before, is not free for others. Losers in objects
        `beyond` reach stay what they are; returns the objects of those that would have claimed again.
        """
        freed = {id_ for id_, claim in self.rows.items() if claim.place.key in contents}
        for table in (self.lost, self.rejects):
            for place in [place for place in table if place.key in contents]:
                del table[place]
        for id_ in freed:
            del self.rows[id_]
        claims = []
        for key, (order, lines) in contents.items():
            for line in lines:
                claim = Claim(order, Place(key, line.offset), line)
                if takes(line):
                    claims.append(claim)
                else:
                    self.rejects[claim.place] = claim
        free = freed - {claim.line.id for claim in claims} if again else freed
        left = {claim.place.key for claim in self.lost.values() if claim.line.id in free} & set(beyond)
        self._settle(claims, free, takes, left)
        return left

    def replay(self, takes: Contract) -> None:
        """The open rejects under the contract of the day."""
        claims = [claim for claim in self.rejects.values() if takes(claim.line)]
        for claim in claims:
            del self.rejects[claim.place]
        self._settle(claims, set(), takes, set())

    def _settle(self, claims: list[Claim], freed: set[str], takes: Contract, left: set[str]) -> None:
        """Gives every id its row; losers of ids that were freed claim again, or are rejected by the contract of the day."""
        again = [claim for claim in self.lost.values() if claim.line.id in freed and claim.place.key not in left]
        for claim in again:
            del self.lost[claim.place]
            if not takes(claim.line):
                self.rejects[claim.place] = claim
        again = [claim for claim in again if takes(claim.line)]
        for claim in sorted([*claims, *again]):
            if claim.line.id in self.rows:
                self.lost[claim.place] = claim
            else:
                self.rows[claim.line.id] = claim

    def by_day(self) -> dict[str, tuple[int, int]]:
        """How many rows each day has, and the sum of their values."""
        found: dict[str, tuple[int, int]] = {}
        for claim in self.rows.values():
            count, total = found.get(claim.line.day, (0, 0))
            found[claim.line.day] = count + 1, total + claim.line.number
        return found


def accepts(*, lenient: bool) -> Contract:
    """The contract: whole numbers are taken; numbers in text too when it is lenient."""

    def takes(line: Line) -> bool:
        return line.value.isdecimal() or (lenient and line.value.strip('"').isdecimal())

    return takes


def as_lines(records: Iterable[tuple[str, str, str]]) -> tuple[bytes, list[Line]]:
    """An object of these records, each an id, a day and a value as JSON text; and what the dictionary is told of it."""
    content = b""
    landed = []
    for id_, day, value in records:
        landed.append(Line(len(content), id_, day, value))
        content += f'{{"id": "{id_}", "day": "{day}", "value": {value}}}\n'.encode()
    return content, landed
