"""Bytes and SUPER on their way to the client: what of which portal is written otherwise than PostgreSQL does."""

from __future__ import annotations

import struct

import pytest

from localshift import wire
from localshift.front.shown import Shown

INT, TEXT, BYTEA, VARBYTE, JSONB, SUPER = 23, 25, 17, 6551, 3802, 4000


def description(*columns: tuple[str, int, int]) -> bytes:
    """Return the body of a RowDescription of columns by name, type and format."""
    body = struct.pack("!H", len(columns))
    for name, kind, form in columns:
        body += wire.text(name) + struct.pack("!IHIhih", 0, 0, kind, -1, -1, form)
    return body


def row(*values: bytes | None) -> bytes:
    body = struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return body


def bind(portal: str, statement: str, parameters: list[bytes | None], formats: list[int]) -> bytes:
    body = wire.text(portal) + wire.text(statement) + struct.pack("!HH", 1, 0) + struct.pack("!H", len(parameters))
    for value in parameters:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return body + struct.pack(f"!H{len(formats)}H", len(formats), *formats)


def test_a_simple_querys_bytes_lose_their_prefix_and_texts_keep_theirs() -> None:
    front = Shown()
    shown = front.described(description(("b", BYTEA, 0), ("t", TEXT, 0), ("bytea", BYTEA, 0)))

    assert shown == description(("b", VARBYTE, 0), ("t", TEXT, 0), ("varbyte", VARBYTE, 0))
    assert front.row(row(b"\\x6162", b"\\x6162", None)) == row(b"6162", b"\\x6162", None)


def test_the_next_query_without_bytes_is_left_alone() -> None:
    front = Shown()
    front.described(description(("b", BYTEA, 0)))
    front.described(description(("t", TEXT, 0)))

    assert front.row(row(b"\\x6162")) == row(b"\\x6162")


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ([], row(b"1", b"61", b"62")),
        ([0], row(b"1", b"61", b"62")),
        ([1], row(b"1", b"\\x61", b"\\x62")),
        ([1, 1, 0], row(b"1", b"\\x61", b"62")),
    ],
)
def test_a_portal_changes_the_fields_asked_for_as_text(formats: list[int], expected: bytes) -> None:
    front = Shown()
    front.parsed("s", description(("n", INT, 0), ("b", BYTEA, 0), ("c", BYTEA, 0)))
    front.bound(bind("p", "s", [b"x", None], formats))
    # Another statement's description comes between.
    front.described(description(("t", TEXT, 0)))
    front.executes("p")

    assert front.row(row(b"1", b"\\x61", b"\\x62")) == expected


def test_what_returns_no_rows_or_is_not_known_changes_nothing() -> None:
    front = Shown()
    front.parsed("s", description(("b", BYTEA, 0)))
    front.parsed("s", None)
    front.bound(bind("p", "s", [], []))
    front.executes("p")
    assert front.row(row(b"\\x61")) == row(b"\\x61")

    front.executes("another")
    assert front.row(row(b"\\x61")) == row(b"\\x61")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (rb'{"a b": [1, 2.50, {"c": " \" , : \\"}], "d": null}', rb'{"a b":[1,2.50,{"c":" \" , : \\"}],"d":null}'),
        (b'"one text, with blanks"', b'"one text, with blanks"'),
        (b"12", b"12"),
        (b"[]", b"[]"),
    ],
)
def test_super_has_no_blanks_but_in_its_strings(value: bytes, expected: bytes) -> None:
    front = Shown()
    described = front.described(description(("a", JSONB, 0), ("b", JSONB, 1), ("t", TEXT, 0)))

    assert described == description(("a", SUPER, 0), ("b", SUPER, 1), ("t", TEXT, 0))
    assert front.row(row(value, value, value)) == row(expected, value, value)
    assert front.row(row(None, None, None)) == row(None, None, None)
