"""Fields that a contract does not name: finding them, the `_extra` text, and JSON Pointers (RFC 6901) for paths."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lakemart.decode.redact import Pattern, below, redacted
from lakemart.decode.slices import Span

if TYPE_CHECKING:
    from lakemart.decode.plan import Branch
    from lakemart.decode.record import Record

_TYPES: Final = {'"': "string", "{": "object", "[": "array", "t": "boolean", "f": "boolean", "n": "null"}


@dataclass(frozen=True, slots=True)
class Unknown:
    """One unknown field: its path in the row's value, the JSON type and the span of its value."""

    path: tuple[str, ...]
    type: str
    span: Span


def pointer(path: tuple[str, ...]) -> str:
    """A path as a JSON Pointer: `/` before every key, `~0` for `~` and `~1` for `/` in keys, so that none is ambiguous.

    >>> pointer(("a.b", "c/d"))
    '/a.b/c~1d'
    """
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


def json_type(first: str) -> str:
    """The JSON type of a value by the first character of its text."""
    return _TYPES.get(first, "number")


def unknown_fields(record: Record, span: Span, branch: Branch, path: tuple[str, ...] = ()) -> Iterator[Unknown]:
    """The fields of the value at `span` that no column or child table reads, in source order.

    A column's value is known as a whole; objects on the way to a column are looked into, one level of the contract's
    paths at a time.
    """
    if branch.covered or record.text[span[0]] != "{":
        return
    for key, value in record.fields(span[0]).items():
        known = branch.children.get(key)
        if known is None:
            yield Unknown((*path, key), json_type(record.text[value[0]]), value)
        else:
            yield from unknown_fields(record, value, known, (*path, key))


def extra_text(
    text: str, unknown: tuple[Unknown, ...], private: tuple[Pattern, ...], base: tuple[str, ...]
) -> str | None:
    """The `_extra` of a row: a JSON object from pointer to exact source slice; None when nothing is unknown.

    Personal data that another contract of the feed names is redacted; `base` is the path of the row's value.
    """
    if not unknown:
        return None
    return extra_object(
        (pointer(field.path), redacted(text, field.span, below(private, (*base, *field.path)))) for field in unknown
    )


def extra_object(slices: Iterable[tuple[str, str]]) -> str:
    """The text of a JSON object from keys to values that are JSON texts already."""
    return "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{source}" for key, source in slices) + "}"
