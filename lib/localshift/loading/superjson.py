"""JSON that a SUPER column can hold: well-formed, within SUPER's limits, and readable by PostgreSQL's jsonb. No I/O."""

from __future__ import annotations

import json
import math

from localshift.loading.fielderrors import FieldError

MAX_SUPER = 16_777_216
MAX_SUPER_STRING = 65_535
MAX_DEPTH = 1000


def super_text(text: str) -> str:
    """Return JSON text that SUPER can hold; FieldError for what is no JSON or beyond SUPER's limits."""
    try:
        document = json.loads(text, parse_constant=_no_constant, parse_float=_checked_number)
    except (ValueError, RecursionError) as exc:
        raise FieldError(1224, "Invalid JSON format for a SUPER value") from exc
    return checked_super(document, text)


def checked_super(document: object, text: str) -> str:
    """Return the text of a SUPER value when it keeps SUPER's limits; FieldError otherwise."""
    if len(text.encode("utf-8", "surrogateescape")) > MAX_SUPER:
        raise FieldError(1224, f"The SUPER value exceeds the maximum size of {MAX_SUPER} bytes")
    problem = "A string in the SUPER value holds NUL" if "\\u0000" in text else _problem(document)
    if problem:
        raise FieldError(1224, problem)
    return text


def _problem(document: object) -> str:
    """Return what SUPER does not take of a document, or nothing. Without recursion: depth must not end in a stack."""
    level: list[object] = [document]
    for _ in range(MAX_DEPTH + 1):
        below: list[object] = []
        for value in level:
            if isinstance(value, str):
                if _too_long(value):
                    return f"A string in the SUPER value is longer than {MAX_SUPER_STRING} bytes"
            elif isinstance(value, dict):
                below += value
                below += value.values()
            elif isinstance(value, list):
                below += value
        if not below:
            return ""
        level = below
    return f"The SUPER value is nested deeper than {MAX_DEPTH} levels"


def _too_long(text: str) -> bool:
    return len(text) > MAX_SUPER_STRING or (not text.isascii() and _bytes(text) > MAX_SUPER_STRING)


def _bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError:
        # A lone surrogate, which no text column can hold.
        return MAX_SUPER


def _checked_number(text: str) -> float:
    exponent = text.lower().partition("e")[2]
    if len(exponent) > 5 or not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text)


def _no_constant(name: str) -> object:
    raise ValueError(name)
