"""Rows of an UNLOAD as lines of its text formats: delimited text, CSV, JSON. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from localshift.loading.columns import Column
from localshift.unloading.unload import Unload

Row = Sequence[bytes | None]
Encoder = Callable[[Row], bytes]
# What writes one value; told whether its column is text.
Field = Callable[..., bytes]
NUMBERS = frozenset({"smallint", "integer", "bigint", "numeric", "real", "double precision"})
COPY_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
COPY_ESCAPES = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def parse_row(line: bytes) -> list[bytes | None]:
    """Return the fields of a line of PostgreSQL's text format, None for null."""
    fields: list[bytes | None] = []
    for field in line.removesuffix(b"\n").split(b"\t"):
        if field == b"\\N":
            fields.append(None)
        elif b"\\" in field:
            fields.append(COPY_ESCAPE.sub(lambda found: COPY_ESCAPES.get(found[1], found[1]), field))
        else:
            fields.append(field)
    return fields


def encoder(unload: Unload, columns: Sequence[Column]) -> Encoder:
    """Return what makes a line, with its end, of a row of these columns."""
    if unload.format == "JSON":
        return _json(columns)
    separator = unload.delimiter.encode()
    field = _csv_field(unload) if unload.format == "CSV" else _text_field(unload)
    # The null string stands for null in every type but SUPER, whose null is JSON's.
    nulls = [b"null" if column.kind == "jsonb" else unload.null.encode() for column in columns]
    text = [column.is_text or column.kind == "jsonb" for column in columns]

    def line(row: Row) -> bytes:
        parts = (
            null if value is None else field(value, is_text=is_text)
            for value, null, is_text in zip(row, nulls, text, strict=True)
        )
        return separator.join(parts) + b"\n"

    return line


def header(unload: Unload, columns: Sequence[Column]) -> bytes:
    """Return the line of column names; empty without HEADER."""
    if not unload.header:
        return b""
    field = _csv_field(unload) if unload.format == "CSV" else _text_field(unload)
    return unload.delimiter.encode().join(field(column.name.encode(), is_text=True) for column in columns) + b"\n"


def _csv_field(unload: Unload) -> Field:
    special = re.compile(b'["\r\n' + re.escape(unload.delimiter.encode()) + b"]")

    def field(value: bytes, *, is_text: bool) -> bytes:  # noqa: ARG001 - the shape of Field:
        if unload.add_quotes or special.search(value):
            return b'"' + value.replace(b'"', b'""') + b'"'
        return value

    return field


def _text_field(unload: Unload) -> Field:
    quotes = b"\"'" if unload.add_quotes else b""
    special = re.compile(b"[\r\n\\\\" + re.escape(unload.delimiter.encode()) + quotes + b"]")

    def field(value: bytes, *, is_text: bool) -> bytes:
        if unload.escape and is_text:
            value = special.sub(lambda found: b"\\" + found[0], value)
        return b'"' + value + b'"' if unload.add_quotes else value

    return field


def _json(columns: Sequence[Column]) -> Encoder:
    keys = [json.dumps(column.name, ensure_ascii=False).encode() + b":" for column in columns]
    raw = [column.kind in NUMBERS or column.kind == "jsonb" for column in columns]

    def value(field: bytes | None, *, is_raw: bool) -> bytes:
        if field is None:
            return b"null"
        if is_raw and field not in (b"NaN", b"Infinity", b"-Infinity"):
            return field
        return json.dumps(field.decode(), ensure_ascii=False).encode()

    def line(row: Row) -> bytes:
        parts = (key + value(field, is_raw=is_raw) for key, field, is_raw in zip(keys, row, raw, strict=True))
        return b"{" + b",".join(parts) + b"}\n"

    return line
