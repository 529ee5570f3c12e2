"""The message codec of PostgreSQL's frontend/backend protocol 3.0: bytes to values and back, no sockets but the reader."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from localshift.errors import PROTOCOL_VIOLATION, FatalError

PROTOCOL_3 = 0x0003_0000
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_STARTUP = 10_000
# Redshift takes SQL of up to 16 MB; parameters come on top.
MAX_MESSAGE = 64 * 1024 * 1024
CLIENT_TYPES = frozenset(b"BCDEFHPQSXcdfp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Startup:
    """A client's first packet: the protocol number or request code, the body after it."""

    code: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Message:
    """One protocol message: type byte and body without the length."""

    kind: bytes
    body: bytes

    def encode(self) -> bytes:
        """Return the message as bytes."""
        return message(self.kind, self.body)


class ClientReader(asyncio.StreamReader):
    """A reader that knows that its client has gone even while messages of it still wait to be read."""

    gone = False
    _waiter_of_end: asyncio.Future[None] | None = None

    def holds_more(self) -> bool:
        """Whether bytes have come that nobody has read yet."""
        return bool(self._buffer)  # type: ignore[attr-defined]

    async def ended(self) -> None:
        """Return when the client sends no more, or its connection broke; for one caller."""
        if not self.gone:
            self._waiter_of_end = asyncio.get_running_loop().create_future()
            await self._waiter_of_end

    def feed_eof(self) -> None:
        """Note the end of what the client sends."""
        self._end()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """Note that the connection broke."""
        self._end()
        super().set_exception(exc)

    def _end(self) -> None:
        self.gone = True
        if self._waiter_of_end is not None and not self._waiter_of_end.done():
            self._waiter_of_end.set_result(None)


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return a whole message: type, length (which counts itself), body."""
    return kind + struct.pack("!I", len(body) + 4) + body


async def read_startup(reader: asyncio.StreamReader) -> Startup:
    """Read the packet without a type byte that opens a connection; FatalError when it is not one."""
    (length,) = struct.unpack("!I", await reader.readexactly(4))
    if not 8 <= length <= MAX_STARTUP:
        raise FatalError(PROTOCOL_VIOLATION, "invalid length of startup packet")
    data = await reader.readexactly(length - 4)
    return Startup(code=struct.unpack("!I", data[:4])[0], body=data[4:])


async def read_message(reader: asyncio.StreamReader, *, from_client: bool = False, most: int = MAX_MESSAGE) -> Message:
    """Read one typed message; FatalError for a type or length that cannot be, IncompleteReadError at the end."""
    header = await reader.readexactly(5)
    kind, length = header[:1], struct.unpack("!I", header[1:])[0]
    if from_client and kind[0] not in CLIENT_TYPES:
        raise FatalError(PROTOCOL_VIOLATION, f"invalid frontend message type {kind[0]}")
    if length < 4 or (from_client and length > most):
        raise FatalError(PROTOCOL_VIOLATION, "invalid message length")
    return Message(kind, await reader.readexactly(length - 4))


def parse_parameters(body: bytes) -> dict[str, str]:
    """Return the name/value pairs of a startup packet; FatalError when they are not terminated pairs of UTF-8."""
    parts = body.split(b"\0")
    try:
        texts = [part.decode("utf-8") for part in parts]
    except UnicodeDecodeError as exc:
        raise FatalError(PROTOCOL_VIOLATION, "invalid startup packet layout: not UTF-8") from exc
    names: list[str] = []
    for text in texts:
        if text == "" and len(names) % 2 == 0:
            return dict(zip(names[::2], names[1::2], strict=True))
        names.append(text)
    raise FatalError(PROTOCOL_VIOLATION, "invalid startup packet layout: expected terminator as last byte")


def cstring(body: bytes, start: int) -> tuple[str, int]:
    """Return the zero-terminated string at `start` and the offset behind it; FatalError when there is none."""
    end = body.find(b"\0", start)
    if end < 0:
        raise FatalError(PROTOCOL_VIOLATION, "invalid string in message")
    try:
        return body[start:end].decode("utf-8"), end + 1
    except UnicodeDecodeError as exc:
        raise FatalError(PROTOCOL_VIOLATION, "invalid byte sequence for encoding UTF8 in message") from exc


def text(value: str) -> bytes:
    """Return a string as the protocol writes it."""
    return value.encode("utf-8") + b"\0"


def error_response(fields: Mapping[str, str], *, notice: bool = False) -> bytes:
    """Return an ErrorResponse, or a NoticeResponse, with these fields."""
    body = b"".join(key.encode() + text(value.replace("\0", "")) for key, value in fields.items()) + b"\0"
    return message(b"N" if notice else b"E", body)


def parse_fields(body: bytes) -> dict[str, str]:
    """Return the fields of an ErrorResponse or NoticeResponse."""
    parts = (part for part in body.split(b"\0") if part)
    return {part[:1].decode("ascii"): part[1:].decode("utf-8", "replace") for part in parts}


def command_complete(tag: str) -> bytes:
    """Return a CommandComplete with this tag."""
    return message(b"C", text(tag))


def ready_for_query(status: bytes) -> bytes:
    """Return a ReadyForQuery with this transaction status."""
    return message(b"Z", status)


def parameter_status(name: str, value: str) -> bytes:
    """Return a ParameterStatus."""
    return message(b"S", text(name) + text(value))


def authentication(code: int, payload: bytes = b"") -> bytes:
    """Return an Authentication request of this kind."""
    return message(b"R", struct.pack("!I", code) + payload)


def negotiate(unknown: Iterable[str]) -> bytes:
    """Return what tells a client that protocol 3.0 is all there is, and which of its wishes are not known."""
    names = [text(name) for name in unknown]
    return message(b"v", struct.pack("!II", PROTOCOL_3 & 0xFFFF, len(names)) + b"".join(names))


def backend_key(pid: int, secret: int) -> bytes:
    """Return the key with which this session can be cancelled."""
    return message(b"K", struct.pack("!II", pid, secret))


def startup_message(parameters: Mapping[str, str]) -> bytes:
    """Return the packet that opens a connection to PostgreSQL."""
    body = struct.pack("!I", PROTOCOL_3) + b"".join(text(k) + text(v) for k, v in parameters.items()) + b"\0"
    return struct.pack("!I", len(body) + 4) + body


def parse_message(name: str, sql: str, parameter_types: bytes) -> bytes:
    """Return a Parse message; `parameter_types` is its raw tail (count and OIDs)."""
    return message(b"P", text(name) + text(sql) + parameter_types)


def bind_text(statement: str, values: Iterable[str | None]) -> bytes:
    """Return a Bind of the unnamed portal with text parameters and text results."""
    encoded = [None if value is None else value.encode("utf-8") for value in values]
    body = text("") + text(statement) + struct.pack("!HH", 0, len(encoded))
    for value in encoded:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return message(b"B", body + struct.pack("!H", 0))


def parse_data_row(body: bytes) -> list[str | None]:
    """Return the values of a DataRow in text form."""
    (count,) = struct.unpack_from("!H", body)
    values: list[str | None] = []
    offset = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, offset)
        offset += 4
        values.append(None if length < 0 else body[offset : offset + length].decode("utf-8"))
        offset += max(length, 0)
    return values


class Described(NamedTuple):
    """A column of a result: its name, the numbers of its type and type modifier, and 0 for text or 1 for bytes."""

    name: str
    kind: int
    modifier: int
    form: int


def row_description(body: bytes) -> list[Described]:
    """Return the columns in the body of a RowDescription; empty bytes have none."""
    columns, offset = [], 2
    while offset < len(body):
        name, offset = cstring(body, offset)
        columns.append(Described(name, *struct.unpack_from("!6xI2xiH", body, offset)))
        offset += 18
    return columns


def with_type(body: bytes, old: int, new: int) -> bytes:
    """Return a RowDescription's body with one type OID in place of another."""
    (count,) = struct.unpack_from("!H", body)
    result = bytearray(body)
    offset = 2
    for _ in range(count):
        offset = body.index(b"\0", offset) + 1
        if struct.unpack_from("!I", body, offset + 6)[0] == old:
            struct.pack_into("!I", result, offset + 6, new)
        offset += 18
    return bytes(result)
