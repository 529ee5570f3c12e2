"""Exact numbers from the source text of a JSON number: no float on the way, whatever the length or the exponent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?").fullmatch
"""The whole text is a JSON number."""

_PARTS = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?").fullmatch
INTEGER_BITS: Final[dict[str, int]] = {"smallint": 16, "int": 32, "bigint": 64}

Inexact = Literal["not_exact", "out_of_range"]
"""Why a number has no exact value in a type: the reason a record is rejected for."""


@dataclass(frozen=True, slots=True)
class Number:
    """The number `digits` · 10^`exponent`: no trailing zeros in `digits`, and exponent 0 when `digits` is 0."""

    digits: int
    exponent: int

    @classmethod
    def read(cls, text: str) -> Number:
        """The exact value of a JSON number. Only the text's length bounds the work: 1e999999999 stays small."""
        match = _PARTS(text)
        assert match is not None  # noqa: S101 - callers pass JSON numbers
        sign, whole, fraction, exponent = match.groups()
        written = (whole + (fraction or "")).lstrip("0")
        kept = written.rstrip("0")
        if not kept:
            return cls(0, 0)
        power = int(exponent or 0) - len(fraction or "") + len(written) - len(kept)
        return cls(int(sign + kept), power)

    @property
    def integral(self) -> bool:
        """Whether the value is a whole number."""
        return self.exponent >= 0

    @property
    def magnitude(self) -> int:
        """The number of digits before the decimal point: |value| < 10^magnitude."""
        return len(str(abs(self.digits))) + self.exponent


def to_scale(number: Number, *, scale: int, precision: int, rounding: bool) -> int | Inexact:
    """The value times 10^scale as a whole number of at most `precision` digits, or why there is none.

    With `rounding`, digits beyond the scale are rounded half to even; without it they make the value `not_exact`.
    """
    if number.digits == 0:
        return 0
    shift = number.exponent + scale
    if shift < 0 and not rounding:
        return "not_exact"
    if number.magnitude + scale > precision + 1:
        return "out_of_range"
    scaled = _half_even(number.digits, -shift) if shift < 0 else number.digits * 10**shift
    return scaled if abs(scaled) < 10**precision else "out_of_range"


def to_integer(number: Number, *, kind: str, rounding: bool) -> int | Inexact:
    """The value as a whole number in the range of an integer kind, or why there is none."""
    value = to_scale(number, scale=0, precision=20, rounding=rounding)
    if isinstance(value, str):
        return value
    bound: int = 1 << (INTEGER_BITS[kind] - 1)
    return value if -bound <= value < bound else "out_of_range"


def decimal(scaled: int, scale: int) -> Decimal:
    """The decimal `scaled` · 10^-scale, exact at any precision."""
    return Decimal(f"{scaled}e{-scale}")


def _half_even(digits: int, drop: int) -> int:
    """`digits` / 10^drop rounded half to even; `drop` > 0."""
    if drop > len(str(abs(digits))):
        return 0
    step: int = 10**drop
    quotient, rest = divmod(abs(digits), step)
    if 2 * rest > step or (2 * rest == step and quotient % 2):
        quotient += 1
    return -quotient if digits < 0 else quotient
