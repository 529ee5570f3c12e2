"""VARBYTE and SUPER as clients see them: under Redshift's type numbers, as hexadecimal digits alone, as JSON without blanks.

A row does not tell the types of its fields, so what each statement and portal returns is remembered. No I/O.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping

from localshift import wire

BYTEA, VARBYTE = 17, 6551
JSONB, SUPER = 3802, 4000
STRING_OR_BLANKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]++')


def _digits(value: bytes) -> bytes:
    return value.removeprefix(b"\\x")


def _compact(value: bytes) -> bytes:
    return STRING_OR_BLANKS.sub(rb"\1", value)


Change = Callable[[bytes], bytes]
CHANGES: Mapping[int, Change] = {BYTEA: _digits, JSONB: _compact}
Places = Mapping[int, Change]
# Of a statement: how many columns it has, and what becomes of which of them, by position.
Shape = tuple[int, Places]
NONE: Shape = (0, {})


class Shown:
    """What one client's statements and portals return. `places` are the positions to change in the rows that come now."""

    def __init__(self) -> None:
        self.statements: dict[str, Shape] = {}
        self.portals: dict[str, Places] = {}
        self.places: Places = {}

    def parsed(self, name: str, description: bytes | None) -> None:
        """Remember the columns of a statement, by the body of its RowDescription; None where it returns no rows."""
        self.statements[name] = shape(description) if description is not None else NONE

    def bound(self, body: bytes) -> None:
        """Remember a portal by the body of its Bind: fields asked for as bytes stay as they are."""
        portal, offset = wire.cstring(body, 0)
        name, offset = wire.cstring(body, offset)
        count, places = self.statements.get(name, NONE)
        formats = result_formats(body, offset) if places else []
        if len(formats) == 1:
            formats *= count
        self.portals[portal] = {
            place: change for place, change in places.items() if place >= len(formats) or formats[place] == 0
        }

    def executes(self, portal: str) -> None:
        """The rows of this portal come next."""
        self.places = self.portals.get(portal, {})

    def described(self, body: bytes) -> bytes:
        """Return a RowDescription's body as the client gets it; its rows come next, unless a portal is executed first."""
        self.places = shape(body)[1]
        # A cast without a name gives its type's to the column, which is of no table.
        return wire.with_type(wire.with_type(body, JSONB, SUPER), BYTEA, VARBYTE).replace(
            b"bytea\0\0\0\0\0", b"varbyte\0\0\0\0\0"
        )

    def row(self, body: bytes) -> bytes:
        """Return the body of a DataRow as the client gets it."""
        return changed(body, self.places) if self.places else body


def shape(description: bytes) -> Shape:
    """Return how many columns a RowDescription has, and what becomes of those that are shown as text, by position."""
    columns = wire.row_description(description)
    return len(columns), {
        place: CHANGES[column.kind]
        for place, column in enumerate(columns)
        if column.kind in CHANGES and column.form == 0
    }


def result_formats(body: bytes, offset: int) -> list[int]:
    """Return the formats that a Bind asks for, from where its parameters begin."""
    (count,) = struct.unpack_from("!H", body, offset)
    offset += 2 + 2 * count
    (values,) = struct.unpack_from("!H", body, offset)
    offset += 2
    for _ in range(values):
        (length,) = struct.unpack_from("!i", body, offset)
        offset += 4 + max(length, 0)
    (results,) = struct.unpack_from("!H", body, offset)
    return list(struct.unpack_from(f"!{results}H", body, offset + 2))


def changed(body: bytes, places: Places) -> bytes:
    """Return a DataRow's body with the fields at these positions changed."""
    (count,) = struct.unpack_from("!H", body)
    parts, offset = [body[:2]], 2
    for place in range(count):
        (length,) = struct.unpack_from("!i", body, offset)
        end = offset + 4 + max(length, 0)
        if place in places and length >= 0:
            value = places[place](body[offset + 4 : end])
            parts += [struct.pack("!i", len(value)), value]
        else:
            parts.append(body[offset:end])
        offset = end
    return b"".join(parts)
