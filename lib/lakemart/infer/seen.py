"""What the samples hold, as a tree of paths: at each how often it stood there, and as which kinds of values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from lakemart.infer.scalars import Numbers, Numeral, Texts

MAX_DEPTH: Final = 5
"""Paths of more keys than these are not followed: the object there becomes one json column."""

MAX_KEYS: Final = 1_000
"""An object with more distinct keys than these is a map, whose keys are data and not names."""

MAX_PATHS: Final = 50_000
"""With so many paths no further object is looked into: memory stays bounded whatever the samples are."""


@dataclass(slots=True)
class Seen:
    """The values at one path: counts by JSON type, the scalars' bounds, members of objects, elements of arrays."""

    count: int = 0
    nulls: int = 0
    booleans: int = 0
    arrays: int = 0
    objects: int = 0
    texts: Texts | None = None
    numbers: Numbers | None = None
    members: dict[str, Seen] = field(default_factory=dict)
    items: Seen | None = None
    longest: int = 0
    whole: bool = False
    """The object is to be kept whole: too deep, a map, or with NUL in a key, which no path can name."""
    nul: bool = False
    """A NUL stands somewhere in these values."""

    @property
    def values(self) -> int:
        """How many values are not null."""
        return self.count - self.nulls

    @property
    def kinds(self) -> dict[str, int]:
        """How many values there are of each JSON type but null; only those that stood here."""
        counts = {
            "string": self.texts.count if self.texts else 0,
            "number": self.numbers.count if self.numbers else 0,
            "boolean": self.booleans,
            "array": self.arrays,
            "object": self.objects,
        }
        return {kind: count for kind, count in counts.items() if count}

    @property
    def flat(self) -> bool:
        """Whether columns can be made of the members: all values are objects with a bounded number of names."""
        return set(self.kinds) == {"object"} and bool(self.members) and not self.whole and not self.scattered

    @property
    def scattered(self) -> bool:
        """Whether the object has many keys of which each stands in few of the objects: a map, or a union of many shapes."""
        if len(self.members) < 40:
            return False
        return sum(member.count for member in self.members.values()) < 0.1 * len(self.members) * self.objects


class Observer:
    """Grows the tree, record by record."""

    def __init__(self) -> None:
        self.root = Seen()
        self._paths = 0

    def add(self, record: dict[str, Any]) -> None:
        """Looks at one record as `samples.records` reads it."""
        self._value(self.root, record, 0)

    def _value(self, seen: Seen, value: Any, depth: int) -> bool:
        """Counts a value; gives whether a NUL stands in it."""
        seen.count += 1
        nul = False
        if value is None:
            seen.nulls += 1
        elif isinstance(value, bool):
            seen.booleans += 1
        elif isinstance(value, Numeral):
            seen.numbers = seen.numbers or Numbers()
            seen.numbers.add(value)
        elif isinstance(value, str):
            seen.texts = seen.texts or Texts()
            seen.texts.add(value)
            nul = "\x00" in value
        elif isinstance(value, list):
            nul = self._array(seen, value)
        else:
            nul = self._object(seen, value, depth)
        seen.nul = seen.nul or nul
        return nul

    def _array(self, seen: Seen, value: list[Any]) -> bool:
        seen.arrays += 1
        seen.longest = max(seen.longest, len(value))
        seen.items = seen.items or Seen()
        nul = False
        for item in value:
            nul = (holds_nul(item) if isinstance(item, list) else self._value(seen.items, item, MAX_DEPTH)) or nul
        return nul

    def _object(self, seen: Seen, value: dict[str, Any], depth: int) -> bool:
        seen.objects += 1
        nul = "\x00" in "".join(value)
        seen.whole = seen.whole or nul or depth >= MAX_DEPTH
        closed = seen.whole and depth > 0
        for key, member in value.items():
            found = None if closed else seen.members.get(key)
            if found is None:
                if closed or self._is_full(seen, depth):
                    closed = depth > 0
                    nul = holds_nul(member) or nul
                    continue
                found = seen.members[key] = Seen()
                self._paths += 1
            nul = self._value(found, member, depth + 1) or nul
        return nul

    def _is_full(self, seen: Seen, depth: int) -> bool:
        """Whether the object takes no further key: it is then kept whole, and the record itself leaves keys unnamed."""
        if len(seen.members) < MAX_KEYS and self._paths < MAX_PATHS:
            return False
        if depth:
            seen.whole = True
            seen.members = {}
        return True


def holds_nul(value: Any) -> bool:
    """Whether a NUL stands in a text or key somewhere in the value."""
    return any("\x00" in text for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            waiting += one
            waiting += one.values()
