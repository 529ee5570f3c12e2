"""VARBYTE as clients see it: its own type number, and hexadecimal digits without the prefix that PostgreSQL writes.

A row does not tell the types of its fields, so what each statement and portal returns is remembered. No I/O.
"""

from __future__ import annotations

import struct

from localshift import wire

BYTEA, VARBYTE = 17, 6551
PREFIX = b"\\x"
# Of a statement that returns VARBYTE: how many columns it has, and which of them, by position.
Shape = tuple[int, tuple[int, ...]]
NONE: Shape = (0, ())


class Varbytes:
    """What one client's statements and portals return. `shown` are the positions to change in the rows that come now."""

    def __init__(self) -> None:
        self.statements: dict[str, Shape] = {}
        self.portals: dict[str, tuple[int, ...]] = {}
        self.shown: tuple[int, ...] = ()

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
        self.portals[portal] = tuple(place for place in places if place >= len(formats) or formats[place] == 0)

    def executes(self, portal: str) -> None:
        """The rows of this portal come next."""
        self.shown = self.portals.get(portal, ())

    def described(self, body: bytes) -> bytes:
        """Return a RowDescription's body as the client gets it; its rows come next, unless a portal is executed first."""
        self.shown = shape(body)[1]
        # A cast without a name gives its type's to the column, which is of no table.
        return wire.with_type(body, BYTEA, VARBYTE).replace(b"bytea\0\0\0\0\0", b"varbyte\0\0\0\0\0")

    def row(self, body: bytes) -> bytes:
        """Return the body of a DataRow as the client gets it."""
        return without_prefix(body, self.shown) if self.shown else body


def shape(description: bytes) -> Shape:
    """Return how many columns a RowDescription has, and the positions of those that are bytes and shown as text."""
    count, offset, places = struct.unpack_from("!H", description)[0], 2, []
    for place in range(count):
        offset = description.index(b"\0", offset) + 1
        kind, form = (
            struct.unpack_from("!I", description, offset + 6)[0],
            struct.unpack_from("!H", description, offset + 16)[0],
        )
        if kind == BYTEA and form == 0:
            places.append(place)
        offset += 18
    return count, tuple(places)


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


def without_prefix(body: bytes, places: tuple[int, ...]) -> bytes:
    """Return a DataRow's body with the fields at these positions without their prefix."""
    (count,) = struct.unpack_from("!H", body)
    parts, offset = [body[:2]], 2
    for place in range(count):
        (length,) = struct.unpack_from("!i", body, offset)
        end = offset + 4 + max(length, 0)
        if place in places and body.startswith(PREFIX, offset + 4):
            parts += [struct.pack("!i", length - len(PREFIX)), body[offset + 4 + len(PREFIX) : end]]
        else:
            parts.append(body[offset:end])
        offset = end
    return b"".join(parts)
