"""JSON that a SUPER column can hold: well-formed, within SUPER's limits, and readable by PostgreSQL's jsonb. No I/O."""

from __future__ import annotations

import json
import math

from localshift.loading.fielderrors import FieldError

MAX_SUPER = 16_777_216
MAX_SUPER_STRING = 65_535


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
    if "\\u0000" in text or _too_long(document):
        raise FieldError(1224, f"A string in the SUPER value is longer than {MAX_SUPER_STRING} bytes or holds NUL")
    return text


def _too_long(value: object) -> bool:
    if isinstance(value, str):
        return len(value) > MAX_SUPER_STRING or (not value.isascii() and _bytes(value) > MAX_SUPER_STRING)
    if isinstance(value, dict):
        return any(_too_long(key) or _too_long(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_too_long, value))


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
