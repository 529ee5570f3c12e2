"""One value: from its exact source text to the column's typed value, or the reason why there is none.

Typed values are what Arrow arrays are built from: text, bool, int, float, Decimal, days and microseconds as int, lists.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from lakemart.contract.table import Column
from lakemart.contract.types import ColumnType
from lakemart.decode.numbers import INTEGER_BITS, NUMBER, Number, decimal, to_integer, to_scale
from lakemart.decode.slices import elements, spelled
from lakemart.decode.times import day_of, epoch_micros, micros_of

Value = str | bool | int | float | Decimal | list["Value | None"]
SHOWN_BYTES: Final = 64
MASK: Final = "***"
_ESCAPE = re.compile(r"\\(?:u0000|.)", re.DOTALL)
_TRUTH: Final = {"true": True, "false": False}


class MismatchError(Exception):
    """The value cannot stand in the column: the reason, and a message with the value shortened."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message


def shown(source: str) -> str:
    """A source slice for a message: at most 64 bytes of UTF-8, cut at a character, then an ellipsis."""
    encoded = source.encode()
    if len(encoded) <= SHOWN_BYTES:
        return source
    return encoded[:SHOWN_BYTES].decode(errors="ignore") + "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads the values of one column. `read` takes the exact source text of a JSON value that is not null."""

    column: Column
    allowed: tuple[object, ...] | None
    minimum: object | None
    maximum: object | None
    pattern: Callable[[str], object] | None
    key: bytes | None
    hidden: bool
    """Whether messages leave the value out: some column of the feed is personal data."""

    def read(self, source: str) -> Value:
        """The typed value; raises MismatchError."""
        if self.column.type.item is None:
            return self._protected(self._checked(source, self.column.type))
        if source[0] != "[":
            raise self._mismatch("wrong_type", source)
        found: list[Value | None] = []
        for index, (start, end) in enumerate(elements(source, 0)):
            element = source[start:end]
            try:
                value = None if element == "null" else self._checked(element, self.column.type.item)
            except MismatchError as error:
                raise MismatchError(error.reason, f"{error.message} (element {index})") from None
            found.append(None if value is None else self._protected(value))
        return found

    def _checked(self, source: str, kind: ColumnType) -> Value:
        value = typed(source, kind, self.column)
        if isinstance(value, Refusal):
            raise self._mismatch(value.reason, source)
        if self.allowed is not None and value not in self.allowed:
            raise MismatchError("not_in_values", f"{self._shown(source)} is not one of the values")
        if self.minimum is not None and value < self.minimum:  # type: ignore[operator] # - bounds were read as the column's kind
            raise MismatchError("below_min", f"{self._shown(source)} is below {self.column.minimum}")
        if self.maximum is not None and value > self.maximum:  # type: ignore[operator] # - as above
            raise MismatchError("above_max", f"{self._shown(source)} is above {self.column.maximum}")
        if self.pattern is not None and isinstance(value, str) and not self.pattern(value):
            raise MismatchError("no_pattern_match", f"{self._shown(source)} does not match {self.column.pattern}")
        return value

    def _protected(self, value: Value) -> Value:
        if self.column.pii == "mask":
            return MASK
        if self.column.pii == "hash" and isinstance(value, str):
            assert self.key is not None  # noqa: S101 - reader_of() saw to it
            return hmac.new(self.key, value.encode(), hashlib.sha256).hexdigest()
        return value

    def _shown(self, source: str) -> str:
        return "the value" if self.hidden else shown(source)

    def _mismatch(self, reason: str, source: str) -> MismatchError:
        return MismatchError(reason, f"{self._shown(source)} does not fit {self.column.type}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a source text has no value of a type."""

    reason: str


def typed(source: str, kind: ColumnType, column: Column) -> Value | Refusal:
    """The value that a source text (not null) has in a scalar type under the column's options."""
    if kind.kind == "json":
        return _json(source, column)
    if kind.kind == "string":
        return _string(source, column)
    if kind.kind == "boolean":
        return _boolean(source, column)
    if kind.kind == "date":
        return _moment(day_of(spelled(source)) if source[0] == '"' else "wrong_type")
    if kind.kind == "timestamp":
        return _timestamp(source, column)
    text = _number_text(source, column)
    return text if isinstance(text, Refusal) else _number(text, kind, column)


def _json(source: str, column: Column) -> Value | Refusal:
    if "\\u0000" not in source:
        return source
    stripped = _ESCAPE.sub(lambda escape: "" if escape[0] == "\\u0000" else escape[0], source)
    return stripped if column.nul == "strip" or stripped == source else Refusal("nul_character")


def _string(source: str, column: Column) -> Value | Refusal:
    if source[0] != '"':
        return source if column.lenient and source[0] not in "{[" else Refusal("wrong_type")
    text = spelled(source)
    if "\x00" not in text:
        return text
    return text.replace("\x00", "") if column.nul == "strip" else Refusal("nul_character")


def _boolean(source: str, column: Column) -> Value | Refusal:
    if source in _TRUTH:
        return _TRUTH[source]
    if not column.lenient or source[0] != '"':
        return Refusal("wrong_type")
    return _TRUTH.get(spelled(source), Refusal("bad_text"))


def _number_text(source: str, column: Column) -> str | Refusal:
    """The text of a JSON number, which a lenient column also takes as the whole text of a string."""
    if source[0] in "-0123456789":
        return source
    if not column.lenient or source[0] != '"':
        return Refusal("wrong_type")
    text = spelled(source)
    return text if NUMBER(text) else Refusal("bad_text")


def _number(text: str, kind: ColumnType, column: Column) -> Value | Refusal:
    if kind.kind == "double":
        nearest = float(text)
        return Refusal("out_of_range") if math.isinf(nearest) else nearest
    if kind.kind in INTEGER_BITS:
        if not (column.lenient or column.round) and not text.lstrip("-").isdigit():
            return Refusal("not_exact")
        value = to_integer(Number.read(text), kind=kind.kind, rounding=column.round)
        return Refusal(value) if isinstance(value, str) else value
    scaled = to_scale(Number.read(text), scale=kind.scale, precision=kind.precision, rounding=column.round)
    return Refusal(scaled) if isinstance(scaled, str) else decimal(scaled, kind.scale)


def _timestamp(source: str, column: Column) -> Value | Refusal:
    if column.unit is None:
        if source[0] != '"':
            return Refusal("wrong_type")
        text = spelled(source)
        return _moment(micros_of(text, zone=column.zone, rounding=column.round, lenient=column.lenient))
    number = _number_text(source, column)
    if isinstance(number, Refusal):
        return number
    return _moment(epoch_micros(Number.read(number), unit=column.unit, rounding=column.round))


def _moment(moment: int | str) -> Value | Refusal:
    return Refusal(moment) if isinstance(moment, str) else moment


def bound(value: str | float, kind: ColumnType) -> object:
    """A value, minimum or maximum of a contract as something a typed value of `kind` compares with exactly.

    Times are RFC 3339 with an offset, or a date for its midnight in UTC. Raises ValueError when it is none of the kind.
    """
    text = value if isinstance(value, str) else json.dumps(value)
    if kind.item is not None:
        return bound(value, kind.item)
    if kind.kind in {"string", "json"}:
        return text
    if kind.kind == "boolean":
        return _TRUTH[text]
    if kind.kind not in {"date", "timestamp"}:
        return Decimal(text)
    moment = day_of(text)
    if kind.kind == "timestamp":
        moment = (
            moment * 86_400_000_000
            if isinstance(moment, int)
            else micros_of(text, zone=None, rounding=False, lenient=False)
        )
    if isinstance(moment, str):
        raise ValueError(f"{text!r} is not a {kind}")  # noqa: TRY004 - the value is at fault, not its Python type
    return moment


def reader_of(column: Column, *, key: bytes | None, hidden: bool) -> Reader:
    """The reader of a column, its bounds and pattern made ready."""
    return Reader(
        column=column,
        allowed=None if column.values is None else tuple(bound(value, column.type) for value in column.values),
        minimum=None if column.minimum is None else bound(column.minimum, column.type),
        maximum=None if column.maximum is None else bound(column.maximum, column.type),
        pattern=None if column.pattern is None else re.compile(column.pattern).fullmatch,
        key=key,
        hidden=hidden,
    )
