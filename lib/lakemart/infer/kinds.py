"""The type of a column: the narrowest that takes every value seen at its path, and what a reader should know of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from lakemart.contract.types import MAX_PRECISION, ColumnType
from lakemart.infer.naming import snake
from lakemart.infer.scalars import Numbers, Texts
from lakemart.infer.seen import Seen

YEAR_2000: Final = 946_684_800
YEAR_2100: Final = 4_102_444_800
UNITS: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_SCALES: Final = {"s": 6, "ms": 3, "us": 0, "ns": -3}
_SPOKEN_UNITS: Final = {
    "s": "s", "sec": "s", "secs": "s", "seconds": "s", "ms": "ms", "msec": "ms", "millis": "ms", "milliseconds": "ms",
    "us": "us", "usec": "us", "micros": "us", "microseconds": "us", "ns": "ns", "nanos": "ns", "nanoseconds": "ns",
}  # fmt: skip
_TIME_WORDS: Final = frozenset({
    "at", "time", "timestamp", "ts", "date", "datetime", "epoch", "created", "updated", "modified", "expires", "expiry",
})  # fmt: skip
_PERSONAL: Final = frozenset({
    "actor", "address", "auth", "author", "city", "credential", "email", "first", "ip", "key", "last", "login", "mail",
    "name", "owner", "password", "person", "phone", "secret", "session", "signature", "ssn", "token", "user", "zip",
})  # fmt: skip
_PLAIN_WORD = re.compile(r"[A-Za-z][A-Za-z _.:/-]{0,23}[0-9]{0,3}").fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A column's type, its options in the order they are written, and notes for the comment beside it."""

    type: ColumnType
    unit: str = ""
    round: bool = False
    lenient: bool = False
    notes: tuple[str, ...] = field(default=())


def kind_of(seen: Seen, path: tuple[str, ...]) -> Kind:
    """The kind of the column at `path`. Mixed JSON types, arrays, objects and what was never a value become json."""
    if len(seen.kinds) == 1:
        if seen.texts is not None:
            return _of_texts(seen.texts, path)
        if seen.numbers is not None:
            return _of_numbers(seen.numbers, path)
        if seen.booleans:
            return Kind(type=ColumnType("boolean"))
    return Kind(type=ColumnType("json"), notes=(_json_note(seen, path),))


def _json_note(seen: Seen, path: tuple[str, ...]) -> str:
    kinds = seen.kinds
    if not kinds:
        return "always null in the samples"
    if len(kinds) > 1:
        mixed = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
        scalar = not {"array", "object"} & set(kinds)
        return f"mixed: {mixed}{'; {type: string, lenient: true} takes all as text' if scalar else ''}"
    return _array_note(seen, path) if seen.arrays else _object_note(seen)


def _of_texts(texts: Texts, path: tuple[str, ...]) -> Kind:
    if texts.dates:
        return Kind(type=ColumnType("date"))
    if texts.times:
        notes = ("finer than microseconds: rounded",) if texts.finer else ()
        return Kind(type=ColumnType("timestamp"), round=texts.finer, notes=notes)
    if texts.clocks:
        return Kind(type=ColumnType("string"), notes=("times without an offset: {type: timestamp, zone: …}",))
    if texts.emails * 2 > texts.count:
        return Kind(type=ColumnType("string"), notes=("e-mail addresses: consider pii: hash",))
    if texts.digits:
        return Kind(type=ColumnType("string"), notes=("digits only",))
    return Kind(type=ColumnType("string"), notes=_few_note(texts, path))


def _few_note(texts: Texts, path: tuple[str, ...]) -> tuple[str, ...]:
    """The values, when there are few, each often, and none can be a secret or a person."""
    few = texts.few
    if not few or texts.count < 5 * len(few) or texts.count < 20 or not all(map(_PLAIN_WORD, few)):
        return ()
    if _PERSONAL & {word.rstrip("s") for key in path for word in snake(key).split("_")}:
        return ()
    return (f"one of {', '.join(sorted(few))}" if len(few) > 1 else f"always {next(iter(few))}",)


def _of_numbers(numbers: Numbers, path: tuple[str, ...]) -> Kind:
    unit = epoch_unit(numbers, path)
    if unit:
        finer = numbers.scale > _SCALES[unit]
        return Kind(type=ColumnType("timestamp"), unit=unit, round=finer, notes=(f"epoch in {unit}",))
    if numbers.whole:
        return _of_whole(numbers, path)
    precision = max(numbers.whole_digits + numbers.scale, 1)
    if not numbers.exponents and not numbers.inexact and precision <= MAX_PRECISION:
        return Kind(type=ColumnType("decimal", precision=precision, scale=numbers.scale), notes=("digits as seen",))
    if numbers.finite:
        return Kind(type=ColumnType("double"))
    return Kind(type=ColumnType("string"), lenient=True, notes=("numbers beyond double: kept as text",))


def _of_whole(numbers: Numbers, path: tuple[str, ...]) -> Kind:
    note = (f"{numbers.low} … {numbers.high}" if numbers.low < numbers.high else f"always {numbers.low}",)
    widest = max(numbers.high, -1 - numbers.low)
    grows = snake(path[-1]).rpartition("_")[2] == "id"
    if widest < 2**31 and not grows:
        return Kind(type=ColumnType("int"), notes=note)
    if widest < 2**63:
        return Kind(type=ColumnType("bigint"), notes=() if grows else note)
    if numbers.whole_digits <= MAX_PRECISION:
        return Kind(type=ColumnType("decimal", precision=numbers.whole_digits), notes=("digits as seen",))
    return Kind(type=ColumnType("string"), lenient=True, notes=("numbers of more than 38 digits: kept as text",))


def epoch_unit(numbers: Numbers, path: tuple[str, ...]) -> str:
    """The unit in which all numbers are times of this century at a path that is called a time; else an empty text."""
    words = snake(path[-1]).split("_")
    spoken = _SPOKEN_UNITS.get(words[-1], "")
    if len(words) > 1 and spoken:
        words = words[:-1]
    else:
        spoken = ""
    if words[-1] not in _TIME_WORDS or numbers.exponents:
        return ""
    for unit, factor in UNITS.items():
        if YEAR_2000 * factor <= numbers.low and numbers.high < YEAR_2100 * factor:
            return unit if spoken in {"", unit} else ""
    return ""


def _array_note(seen: Seen, path: tuple[str, ...]) -> str:
    items = seen.items
    if items is None or not items.count:
        return "array, empty" if not seen.longest else f"array of arrays, up to {seen.longest:,}"
    long = f"up to {seen.longest:,}"
    if set(items.kinds) == {"object"}:
        return f"array of objects, {long}: may become a child table (explode)"
    inner = kind_of(items, (*path, "item"))
    mixed = not items.kinds or inner.type.kind == "json" or inner.unit or inner.round or inner.lenient
    return f"array, {long}" if mixed else f"array, {long}: list<{inner.type}> fits"


def _object_note(seen: Seen) -> str:
    if not seen.members and not seen.whole:
        return "object, empty"
    if seen.whole or seen.scattered:
        keys = len(seen.members)
        return f"object of {keys:,} different keys" if keys else "object of many keys, or deep"
    return f"object of {len(seen.members):,} fields"
