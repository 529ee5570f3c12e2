"""A client that speaks the wire protocol by hand, to say what no driver would say."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from localshift import Localshift

SYNC, FLUSH, TERMINATE = b"S\0\0\0\4", b"H\0\0\0\4", b"X\0\0\0\4"
Answer = list[tuple[bytes, bytes]]


def packet(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + struct.pack("!I", len(body) + 4) + body


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def query(sql: str) -> bytes:
    return packet(b"Q", text(sql))


def parse(sql: str, name: str = "", types: tuple[int, ...] = ()) -> bytes:
    return packet(b"P", text(name), text(sql), struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(
    values: tuple[bytes | None, ...] = (), portal: str = "", name: str = "", formats: tuple[int, ...] = (), results: tuple[int, ...] = ()
) -> bytes:  # fmt: skip
    written = b"".join(struct.pack("!i", -1) if v is None else struct.pack("!i", len(v)) + v for v in values)
    head = struct.pack(f"!H{len(formats)}H", len(formats), *formats) + struct.pack("!H", len(values))
    return packet(
        b"B", text(portal), text(name), head, written, struct.pack(f"!H{len(results)}H", len(results), *results)
    )


def describe(what: bytes = b"P", name: str = "") -> bytes:
    return packet(b"D", what, text(name))


def execute(portal: str = "", most: int = 0) -> bytes:
    return packet(b"E", text(portal), struct.pack("!I", most))


def close(what: bytes, name: str) -> bytes:
    return packet(b"C", what, text(name))


def startup(**parameters: str) -> bytes:
    body = b"".join(text(key) + text(value) for key, value in parameters.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, 196608) + body


class Client:
    """A connection that is logged in; `ask` sends bytes and returns what comes up to the next ReadyForQuery."""

    def __init__(self, server: Localshift, **parameters: str) -> None:
        self.server = server
        self.link = socket.create_connection((server.host, server.port), timeout=30)
        self.stream = self.link.makefile("rb")
        user = parameters.get("user", next(iter(server.users)))
        password = server.users[user]
        self.link.sendall(startup(**{"user": user, "database": server.database, **parameters}))
        kind, body = self.receive()
        while kind == b"v":
            kind, body = self.receive()
        if (kind, body[:4]) == (b"R", b"\0\0\0\5"):
            inner = hashlib.md5((password + user).encode(), usedforsecurity=False).hexdigest()
            outer = "md5" + hashlib.md5(inner.encode() + body[4:8], usedforsecurity=False).hexdigest()
            self.link.sendall(packet(b"p", text(outer)))
        self.greeting = [(kind, body), *self.answer()]
        self.key = next((body for kind, body in self.greeting if kind == b"K"), b"")

    def receive(self) -> tuple[bytes, bytes]:
        """Return the next message; an empty kind at the end of the connection."""
        head = self.stream.read(5)
        return (head[:1], self.stream.read(int.from_bytes(head[1:]) - 4)) if len(head) == 5 else (b"", b"")

    def answer(self) -> Answer:
        """Return the messages up to the next ReadyForQuery, or up to the end of the connection."""
        return list(self._answer())

    def ask(self, *packets: bytes) -> Answer:
        self.link.sendall(b"".join(packets))
        return self.answer()

    def rows(self, sql: str) -> list[list[bytes | None]]:
        return [values(body) for kind, body in self.ask(query(sql)) if kind == b"D"]

    def cancel(self) -> None:
        with socket.create_connection((self.server.host, self.server.port), timeout=30) as link:
            link.sendall(struct.pack("!II", 16, 80877102) + self.key)
            link.recv(1)

    def _answer(self) -> Iterator[tuple[bytes, bytes]]:
        while True:
            kind, body = self.receive()
            yield kind, body
            if kind in (b"Z", b""):
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.close()
        self.link.close()


def kinds(answer: Answer) -> str:
    return b"".join(kind for kind, _ in answer).decode()


def error(answer: Answer) -> dict[str, str]:
    """Return the fields of the answer's first error; none when there is none."""
    body = next((body for kind, body in answer if kind == b"E"), b"")
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def status(answer: Answer) -> bytes:
    return answer[-1][1]


def values(body: bytes) -> list[bytes | None]:
    """Return the values of a DataRow."""
    (count,), offset = struct.unpack_from("!H", body), 2
    found: list[bytes | None] = []
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, offset)
        offset += 4
        found.append(None if length < 0 else body[offset : offset + length])
        offset += max(length, 0)
    return found
