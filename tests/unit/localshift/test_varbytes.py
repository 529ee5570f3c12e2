"""Bytes on their way to the client: which columns of which portal lose PostgreSQL's prefix."""

from __future__ import annotations

import struct

import pytest

from localshift import wire
from localshift.front.varbytes import Varbytes

INT, TEXT, BYTEA, VARBYTE = 23, 25, 17, 6551


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
    varbytes = Varbytes()
    shown = varbytes.described(description(("b", BYTEA, 0), ("t", TEXT, 0), ("bytea", BYTEA, 0)))

    assert shown == description(("b", VARBYTE, 0), ("t", TEXT, 0), ("varbyte", VARBYTE, 0))
    assert varbytes.row(row(b"\\x6162", b"\\x6162", None)) == row(b"6162", b"\\x6162", None)


def test_the_next_query_without_bytes_is_left_alone() -> None:
    varbytes = Varbytes()
    varbytes.described(description(("b", BYTEA, 0)))
    varbytes.described(description(("t", TEXT, 0)))

    assert varbytes.row(row(b"\\x6162")) == row(b"\\x6162")


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
    varbytes = Varbytes()
    varbytes.parsed("s", description(("n", INT, 0), ("b", BYTEA, 0), ("c", BYTEA, 0)))
    varbytes.bound(bind("p", "s", [b"x", None], formats))
    # Another statement's description comes between.
    varbytes.described(description(("t", TEXT, 0)))
    varbytes.executes("p")

    assert varbytes.row(row(b"1", b"\\x61", b"\\x62")) == expected


def test_what_returns_no_rows_or_is_not_known_changes_nothing() -> None:
    varbytes = Varbytes()
    varbytes.parsed("s", description(("b", BYTEA, 0)))
    varbytes.parsed("s", None)
    varbytes.bound(bind("p", "s", [], []))
    varbytes.executes("p")
    assert varbytes.row(row(b"\\x61")) == row(b"\\x61")

    varbytes.executes("another")
    assert varbytes.row(row(b"\\x61")) == row(b"\\x61")
