"""What is known of the scalars at one path: just enough to choose the narrowest type that takes them all."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Final

from lakemart.decode.times import day_of, micros_of

DISTINCT: Final = 1_000_000
"""Values beyond these are not compared any more: the column is then no key candidate."""

FEW: Final = 6
"""A text column with no more values than these is shown with them."""

_NUMBER = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?([eE].*)?").fullmatch
_EMAIL = re.compile(r"[^@\s:/]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}").fullmatch


class Numeral(str):
    """A JSON number as its source text."""

    __slots__ = ()


@dataclass(slots=True)
class Distinct:
    """Whether values were all different so far; hashes stand for values, and are forgotten at the first repetition."""

    unique: bool = True
    hashes: set[int] = field(default_factory=set)

    def add(self, value: str | int) -> None:
        """Compares one more value with those before."""
        if not self.unique:
            return
        self.hashes.add(hash(value))

    def settle(self, count: int) -> None:
        """After `count` values: were they all different?"""
        if self.unique and (len(self.hashes) < count or count > DISTINCT):
            self.unique = False
            self.hashes = set()


@dataclass(slots=True)
class Texts:
    """The strings at one path. Each flag says that all of them so far are that."""

    count: int = 0
    dates: bool = True
    times: bool = True
    finer: bool = False
    """Some time has digits below a microsecond, or is a leap second."""
    clocks: bool = True
    """RFC 3339 but for the offset."""
    digits: bool = True
    emails: int = 0
    few: dict[str, int] | None = field(default_factory=dict)
    distinct: Distinct = field(default_factory=Distinct)

    def add(self, text: str) -> None:
        """Looks at one more string."""
        self.count += 1
        self.distinct.add(text)
        self.distinct.settle(self.count)
        self.digits = self.digits and text.isascii() and text.isdigit()
        self.emails += "@" in text and _EMAIL(text) is not None
        if self.few is not None:
            self.few[text] = self.few.get(text, 0) + 1
            if len(self.few) > FEW:
                self.few = None
        if self.dates:
            self.dates = len(text) == 10 and isinstance(day_of(text), int)
        if self.times or self.clocks:
            self._add_time(text)

    def _add_time(self, text: str) -> None:
        moment = micros_of(text, zone=None, rounding=False, lenient=False) if 19 <= len(text) <= 64 else "bad_text"
        self.clocks = self.clocks and moment == "no_offset"
        if self.times and moment == "not_exact":
            self.finer = True
            moment = micros_of(text, zone=None, rounding=True, lenient=False)
        self.times = self.times and isinstance(moment, int)


@dataclass(slots=True)
class Numbers:
    """The numbers at one path: how long they are, before and behind the point, and between which whole numbers."""

    count: int = 0
    low: int = 0
    high: int = 0
    whole_digits: int = 0
    scale: int = 0
    fractions: bool = False
    exponents: bool = False
    inexact: bool = False
    """Some fraction has more than 15 significant digits: it was a binary floating-point number where it was made."""
    finite: bool = True
    distinct: Distinct = field(default_factory=Distinct)

    def add(self, text: Numeral) -> None:
        """Looks at one more number."""
        match = _NUMBER(text)
        assert match is not None  # noqa: S101 - JSON was read before
        whole, fraction, exponent = match.groups()
        self.count += 1
        value = int(whole) if text[0] != "-" else -int(whole)
        self.low = value if self.count == 1 else min(self.low, value)
        self.high = value if self.count == 1 else max(self.high, value)
        self.whole_digits = max(self.whole_digits, len(whole.lstrip("0")))
        if exponent or fraction or len(whole) > 300:
            self.finite = self.finite and not math.isinf(float(text))
        if exponent:
            self.exponents = True
        elif fraction:
            self.fractions = True
            self.scale = max(self.scale, len(fraction))
            self.inexact = self.inexact or len((whole + fraction).lstrip("0")) > 15
        else:
            self.distinct.add(value)
        self.distinct.settle(self.count)

    @property
    def whole(self) -> bool:
        """Whether all are written without fraction and exponent."""
        return not self.fractions and not self.exponents
