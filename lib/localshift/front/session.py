"""One client's connection: its messages in order, each answered before the next, over one PostgreSQL connection."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable, Callable

from localshift import wire
from localshift.errors import FatalError, SqlError
from localshift.front.execution import BEGINS, SEND_BUFFER, Executor
from localshift.front.mishaps import put_right, told
from localshift.front.preparing import beside, prepare
from localshift.front.scaling import scaled
from localshift.history import Entry
from localshift.sql.lex import split_statements
from localshift.statements.plan import Plan
from localshift.wire import Message

FLUSH = wire.message(b"H")
Handler = Callable[[bytes], Awaitable[None]]
ENDS = {b"P": b"1", b"B": b"2", b"C": b"3"}


class Session:
    """The state of one client: its prepared statements and portals as plans, and whether it skips to the next Sync."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self.reader = executor.reader
        self.writer = executor.writer
        self.upstream = executor.upstream
        self.statements: dict[str, tuple[Plan, str]] = {}
        self.portals: dict[str, tuple[Plan, str]] = {}
        self.skipping = False
        self.wrapped = False

    async def run(self) -> None:
        """Answer messages until the client says goodbye or goes; FatalError for what is no protocol."""
        handlers: dict[bytes, Handler] = {
            b"Q": self._simple_query,
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
        }
        while True:
            message = await wire.read_message(self.reader, from_client=True)
            if message.kind == b"X" or self.executor.abandoned:
                return
            handler = handlers.get(message.kind)
            try:
                if message.kind == b"S":
                    await self._sync()
                elif message.kind == b"Q" or not self.skipping:
                    await self._handle(handler, message)
            except SqlError as error:
                if isinstance(error, FatalError):
                    raise
                await self._fail(error)
            except (ConnectionError, asyncio.IncompleteReadError):
                raise
            except Exception as bug:  # noqa: BLE001 - the one place where a bug becomes an answer
                await self._confess(bug, message)
            await self.writer.drain()

    async def _handle(self, handler: Handler | None, message: Message) -> None:
        if handler is not None:
            await handler(message.body)
        elif message.kind not in b"Hdcf":
            raise SqlError("0A000", "this protocol message is not supported")

    async def _confess(self, bug: Exception, message: Message) -> None:
        """Answer a bug of ours as an error of the statement; the client's transaction is failed, the session goes on."""
        error = told(bug, self.executor.sql)
        await put_right(self.upstream)
        await self._unwrap()
        self.writer.write(wire.error_response(error.fields()))
        await self.executor.give_up(error)
        self.skipping = message.kind not in b"QS"
        if not self.skipping:
            await self._ready()

    async def _fail(self, error: SqlError) -> None:
        """Send the error, fail the transaction the client is in, and skip to the next Sync."""
        self.writer.write(wire.error_response(self.executor.fields(error, {})))
        self.skipping = True
        await self.executor.fail_transaction()

    async def _sync(self) -> None:
        self.skipping = False
        await self.upstream.send(wire.message(b"S"))
        async for message in self.upstream.until_ready():
            if message.kind == b"E":
                self.executor.who.committed = False
            self.executor.pass_on(message, {})
        await self._ready()

    async def _ready(self) -> None:
        who, shared = self.executor.who, self.executor.shared
        await self.executor.settle()
        if self.upstream.status == b"I":
            if who.transaction:
                await shared.history.end_transaction(who, shared.isolation)
            self.executor.note_writes()
            who.transaction, who.committed = 0, True
        self.writer.write(wire.ready_for_query(self.upstream.status))

    async def _simple_query(self, body: bytes) -> None:
        self.skipping = False
        try:
            self.executor.sql = wire.cstring(body, 0)[0]
            text = self.executor.sql
            statements = await beside(text, lambda: split_statements(text))
            if not statements:
                self.writer.write(wire.message(b"I"))
            await self._run_simple(statements)
        except SqlError as error:
            if isinstance(error, FatalError):
                raise
            self.writer.write(wire.error_response(self.executor.fields(error, {})))
            await self.executor.fail_transaction()
            await self._unwrap()
        await self._ready()

    async def _run_simple(self, statements: list[str]) -> None:
        plans = [(await prepare(sql, self.executor, ahead=i > 0), sql) for i, sql in enumerate(statements)]
        controls = any(plan.sql in (*BEGINS, "COMMIT", "ROLLBACK") or plan.commits for plan, _ in plans)
        # Several statements in one message are one transaction, unless they say otherwise.
        self.wrapped = len(plans) > 1 and not controls and self.upstream.status == b"I"
        if self.wrapped:
            await self.upstream.query("BEGIN")
        for i, (plan, sql) in enumerate(plans):
            if not await self.executor.run(await prepare(sql, self.executor) if i else plan, sql):
                break
        await self._unwrap()

    async def _unwrap(self) -> None:
        wrapped, self.wrapped = self.wrapped, False
        if wrapped:
            await self.upstream.query("COMMIT" if self.upstream.status == b"T" else "ROLLBACK")

    async def _parse(self, body: bytes) -> None:
        name, offset = wire.cstring(body, 0)
        sql, offset = wire.cstring(body, offset)
        plan = await prepare(sql, self.executor)
        if plan.kind == "forward":
            plan = await scaled(plan, self.upstream, body[offset:], pipelined=self.executor.turn.busy)
            await self._exchange(b"P", wire.parse_message(name, plan.sql, body[offset:]), plan)
            if self.skipping:
                await self.executor.record_failure(plan, sql)
                return
            if plan.query_type not in ("INSERT", "UPDATE", "DELETE"):
                self.skipping = not await self.executor.learn_columns(name)
        else:
            if len(body) >= offset + 2 and struct.unpack_from("!H", body, offset)[0]:
                raise SqlError("0A000", f"{plan.query_type} takes no parameters")
            # A forwarded statement of this name, if there is one, must give way.
            if name and name in self.statements:
                raise SqlError("42P05", f'prepared statement "{name}" already exists')
            self.writer.write(wire.message(b"1"))
        self.statements[name] = (plan, sql)

    async def _bind(self, body: bytes) -> None:
        portal, offset = wire.cstring(body, 0)
        name, _ = wire.cstring(body, offset)
        known = self.statements.get(name)
        if known is None:
            raise SqlError("26000", f'prepared statement "{name}" does not exist')
        if known[0].kind == "forward":
            await self.executor.before(known[0])
            self.executor.turn.busy = True
            self.executor.shown.bound(body)
            await self._exchange(b"B", wire.message(b"B", body), known[0])
            if self.skipping:
                await self.executor.record_failure(*known)
                return
        else:
            self.writer.write(wire.message(b"2"))
        self.portals[portal] = known

    async def _describe(self, body: bytes) -> None:
        what = body[:1]
        name, _ = wire.cstring(body, 1)
        known = (self.statements if what == b"S" else self.portals).get(name)
        if known is None and what == b"P" and name:
            # A cursor that DECLARE opened is a portal too.
            known = (Plan(kind="forward", sql="", query_type="SELECT"), "")
        if known is None:
            kind, code = ("prepared statement", "26000") if what == b"S" else ("portal", "34000")
            raise SqlError(code, f'{kind} "{name}" does not exist')
        if known[0].kind == "forward":
            await self._exchange(b"D", wire.message(b"D", body), known[0])
            return
        if what == b"S":
            self.writer.write(wire.message(b"t", struct.pack("!H", 0)))
        self.writer.write(wire.message(b"n"))

    async def _execute(self, body: bytes) -> None:
        name, _ = wire.cstring(body, 0)
        known = self.portals.get(name)
        if known is None:
            raise SqlError("34000", f'portal "{name}" does not exist')
        plan, sql = known
        if plan.kind != "forward":
            if not await self.executor.run(plan, sql):
                self.skipping = True
            return
        entry = self.executor.begin(plan, sql)
        self.executor.shown.executes(name)
        await self._exchange(b"E", wire.message(b"E", body), plan, entry)
        await self.executor.end(entry, plan)
        if not self.skipping and self.executor.shared.faults is not None:
            await self.writer.drain()
            await self.executor.after(plan)

    async def _close(self, body: bytes) -> None:
        what = body[:1]
        name, _ = wire.cstring(body, 1)
        known = (self.statements if what == b"S" else self.portals).pop(name, None)
        if known is not None and known[0].kind == "forward":
            await self._exchange(b"C", wire.message(b"C", body), known[0])
        else:
            self.writer.write(wire.message(b"3"))

    async def _exchange(self, kind: bytes, data: bytes, plan: Plan, entry: Entry | None = None) -> None:
        """Forward one message of the extended protocol and pass its whole answer on; an error begins the skipping."""
        await self.upstream.send(data + FLUSH)
        while True:
            message = await self.upstream.receive()
            self.executor.pass_on(message, plan.names, entry)
            if message.kind == b"E":
                self.skipping = True
                return
            if message.kind == ENDS.get(kind) or _ends(kind, message.kind):
                return
            if message.kind == b"D" and self.writer.transport.get_write_buffer_size() > SEND_BUFFER:
                await self.writer.drain()


def _ends(request: bytes, answer: bytes) -> bool:
    if request == b"D":
        return answer in (b"T", b"n")
    return request == b"E" and answer in (b"C", b"I", b"s")
