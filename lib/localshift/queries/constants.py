"""Casts of a number that is written there: the leader node rounds it, where a cast of a column's value cuts."""

from __future__ import annotations

from localshift.sql.scan import View

DECIMALS = frozenset({"DECIMAL", "DEC", "NUMERIC"})
DEFAULT_PRECISION, MAX_PRECISION = 18, 38


def constant_cast(view: View, i: int) -> tuple[str, int] | None:
    """Return what becomes of `1.25::decimal(2, 1)`, or CAST or CONVERT of such a number, at `i` and the position behind it."""
    word = view.upper(i)
    if word == "CONVERT" and view.upper(i + 1) == "(":
        modifier, comma = _size(view, i + 2)
        value, end = _number(view, comma + 1)
        found = view.upper(comma) == "," and view.upper(end) == ")"
    elif word == "CAST" and view.upper(i + 1) == "(":
        value, named = _number(view, i + 2)
        modifier, end = _size(view, named + 1)
        found = view.upper(named) == "AS" and view.upper(end) == ")"
    else:
        value, colons = _number(view, i) if word != "-" else ("", i)
        modifier, end = _size(view, colons + 1)
        found = view.upper(colons) == "::"
    if not found or not value or not modifier:
        return None
    return f'pg_catalog."numeric"({value}, {modifier})', end + (word in ("CAST", "CONVERT"))


def _number(view: View, i: int) -> tuple[str, int]:
    """Return the number at `i`, with its sign, and the position behind it; empty when there is none."""
    signed = view.upper(i) == "-"
    token = view.at(i + signed)
    if token is None or token.kind != "number":
        return "", i
    return ("-" if signed else "") + token.text, i + signed + 1


def _size(view: View, i: int) -> tuple[int, int]:
    """Return the modifier of the decimal type at `i` and the position behind it; 0 for any other type."""
    if view.upper(i) not in DECIMALS:
        return 0, i
    if view.upper(i + 1) != "(":
        return (DEFAULT_PRECISION << 16) + 4, i + 1
    arguments = [view.tokens[first].text for first, _ in view.arguments(i + 1)]
    if not all(map(str.isdigit, arguments)) or len(arguments) not in (1, 2):
        return 0, i
    precision, scale = int(arguments[0]), int(arguments[-1]) if len(arguments) > 1 else 0
    fits = 0 < precision <= MAX_PRECISION and scale <= precision
    return (precision << 16 | scale) + 4 if fits else 0, view.pairs[i + 1] + 1
