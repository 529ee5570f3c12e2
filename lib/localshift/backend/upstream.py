"""A connection to our PostgreSQL over its unix socket: raw messages for a client's session, small queries for ourselves."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from localshift import wire
from localshift.errors import LostError, SqlError
from localshift.wire import Message

SYNC = wire.message(b"S")


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement answered: rows in text form and the command tag."""

    rows: list[list[str | None]]
    tag: str


class UpstreamError(SqlError):
    """PostgreSQL answered an error; `pg_fields` are its fields as sent."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("C", ""), fields.get("M", ""))
        self.pg_fields = dict(fields)


class Upstream:
    """One PostgreSQL connection. `status` is the transaction status of the last ReadyForQuery: b'I', b'T' or b'E'."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, socket: str) -> None:
        self.reader = reader
        self.writer = writer
        self.socket = socket
        self.status = b"I"
        self.pid = 0
        self.secret = 0
        self.parameters: dict[str, str] = {}
        self.notices: list[bytes] = []
        self._copy: asyncio.Task[list[Result]] | None = None
        self._turn = asyncio.Lock()

    async def send(self, data: bytes | memoryview) -> None:
        """Write bytes and wait until they are on their way; LostError when nobody takes them."""
        self.writer.write(data)
        try:
            await self.writer.drain()
        except ConnectionError as exc:
            raise LostError from exc

    async def receive(self) -> Message:
        """Return the next message; keeps the transaction status when it is a ReadyForQuery. LostError at the end."""
        try:
            message = await wire.read_message(self.reader)
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            raise LostError from exc
        if message.kind == b"Z":
            self.status = message.body
        return message

    async def query(self, sql: str) -> list[Result]:
        """Run `sql` by the simple protocol and return each statement's result; UpstreamError for the first that fails."""
        async with self._turn:
            await self.send(wire.message(b"Q", wire.text(sql)))
            return await self._collect()

    async def fetch(self, sql: str, values: Sequence[str | None] = ()) -> list[list[str | None]]:
        """Run one statement with text parameters and return its rows. Of several callers each waits for its turn."""
        types = struct.pack("!H", 0)
        async with self._turn:
            await self.send(
                wire.parse_message("", sql, types)
                + wire.bind_text("", values)
                + wire.message(b"E", wire.text("") + struct.pack("!I", 0))
                + wire.message(b"S")
            )
            results = await self._collect()
        return results[0].rows if results else []

    async def check(self, *statements: str) -> list[Result]:
        """Run statements one after the other, up to the first that fails, and return what each answered.

        The client's unnamed statement and portal stay.
        """
        name = "rs_check"
        bind = wire.message(b"B", wire.text(name) + wire.text(name) + struct.pack("!HHH", 0, 0, 0))
        close = wire.message(b"C", b"P" + wire.text(name)) + wire.message(b"C", b"S" + wire.text(name))
        run = bind + wire.message(b"E", wire.text(name) + struct.pack("!I", 0)) + close
        async with self._turn:
            types = struct.pack("!H", 0)
            await self.send(b"".join(wire.parse_message(name, sql, types) + run for sql in statements) + SYNC)
            try:
                return await self._collect()
            except UpstreamError:
                # The error skipped the Close.
                await self.send(close + SYNC)
                with contextlib.suppress(UpstreamError):
                    await self._collect()
                raise

    async def describe(self, sql: str) -> bytes:
        """Return the body of the RowDescription of a statement that is not run; empty when it gives no rows."""
        name, found = "rs_describe", b""
        async with self._turn:
            await self.send(
                wire.parse_message(name, sql, struct.pack("!H", 0))
                + wire.message(b"D", b"S" + wire.text(name))
                + wire.message(b"C", b"S" + wire.text(name))
                + SYNC
            )
            error: UpstreamError | None = None
            async for message in self.until_ready():
                if message.kind == b"T":
                    found = message.body
                elif message.kind == b"E":
                    error = UpstreamError(wire.parse_fields(message.body))
        if error is not None:
            raise error
        return found

    async def sync(self) -> None:
        """End what runs outside of a transaction block; a client's prepared statements stay."""
        async with self._turn:
            await self.send(SYNC)
            await self._collect()

    async def _collect(self) -> list[Result]:
        results: list[Result] = []
        rows: list[list[str | None]] = []
        error: UpstreamError | None = None
        async for message in self.until_ready():
            if message.kind == b"D":
                rows.append(wire.parse_data_row(message.body))
            elif message.kind == b"C":
                results.append(Result(rows, wire.cstring(message.body, 0)[0]))
                rows = []
            elif message.kind == b"E" and error is None:
                error = UpstreamError(wire.parse_fields(message.body))
            elif message.kind == b"N":
                self.notices.append(message.encode())
        if error is not None:
            raise error
        return results

    async def until_ready(self) -> AsyncIterator[Message]:
        """Yield messages up to, and without, the next ReadyForQuery."""
        while True:
            message = await self.receive()
            if message.kind == b"Z":
                return
            yield message

    async def begin_copy(self, sql: str) -> None:
        """Start a COPY FROM STDIN; UpstreamError when PostgreSQL refuses it."""
        await self.send(wire.message(b"Q", wire.text(sql)))
        message = await self.receive()
        while message.kind == b"N":
            message = await self.receive()
        if message.kind != b"G":
            error = wire.parse_fields(message.body)
            async for _ in self.until_ready():
                pass
            raise UpstreamError(error)
        # PostgreSQL may answer an error at any moment while data is still being sent.
        self._copy = asyncio.create_task(self._collect())

    def copy_failed(self) -> bool:
        """Tell whether PostgreSQL has already given up the running COPY."""
        return self._copy is not None and self._copy.done()

    async def copy_data(self, data: memoryview | bytes) -> None:
        """Send one piece of data of the running COPY."""
        self.writer.write(b"d" + struct.pack("!I", len(data) + 4))
        await self.send(data)

    async def end_copy(self) -> int:
        """Finish a COPY and return the rows taken; UpstreamError when PostgreSQL found fault with one."""
        if not self.copy_failed():
            await self.send(wire.message(b"c"))
        results = await self._copy_result()
        return int(results[-1].tag.split()[-1])

    async def abort_copy(self, reason: str) -> None:
        """Undo a running COPY: its transaction is failed afterwards."""
        await self.send(wire.message(b"f", wire.text(reason)))
        with contextlib.suppress(UpstreamError):
            await self._copy_result()

    async def _copy_result(self) -> list[Result]:
        task, self._copy = self._copy, None
        return await task if task is not None else []

    async def cancel(self) -> None:
        """Ask PostgreSQL to cancel what this connection is running, and wait until it was told."""
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_unix_connection(self.socket)
            writer.write(struct.pack("!IIII", 16, wire.CANCEL_REQUEST, self.pid, self.secret))
            # PostgreSQL closes when the signal is on its way: one that comes later would hit the next statement.
            await reader.read()
            writer.close()
            await writer.wait_closed()

    async def leave_copy(self) -> None:
        """Wait for the end of a COPY that has been broken off, if there is one, whatever it is."""
        task, self._copy = self._copy, None
        if task is not None:
            await asyncio.wait({task})

    async def close(self) -> None:
        """Say goodbye and close; a connection that is already gone is no error."""
        with contextlib.suppress(OSError):
            self.writer.write(wire.message(b"X"))
            self.writer.close()
            await self.writer.wait_closed()


async def connect(socket: str, parameters: Mapping[str, str]) -> Upstream:
    """Open a connection with these startup parameters; UpstreamError when PostgreSQL refuses them."""
    reader, writer = await asyncio.open_unix_connection(socket, limit=1 << 20)
    upstream = Upstream(reader, writer, socket)
    try:
        await upstream.send(wire.startup_message(parameters))
        refusal = await _greet(upstream)
    except BaseException:
        writer.close()
        raise
    if refusal is not None:
        writer.close()
        raise refusal
    return upstream


async def _greet(upstream: Upstream) -> UpstreamError | None:
    """Read what PostgreSQL says to a new connection, up to its first ReadyForQuery or its refusal."""
    async for message in upstream.until_ready():
        if message.kind == b"E":
            return UpstreamError(wire.parse_fields(message.body))
        if message.kind == b"S":
            name, offset = wire.cstring(message.body, 0)
            upstream.parameters[name] = wire.cstring(message.body, offset)[0]
        elif message.kind == b"K":
            upstream.pid, upstream.secret = struct.unpack("!II", message.body[:8])
    return None
