"""One client's connection: its messages in order, each answered before the next, over one PostgreSQL connection."""

from __future__ import annotations

import re
import struct

from localshift import wire
from localshift.catalog.latecolumns import WANTED, leave_columns
from localshift.errors import FatalError, SqlError
from localshift.faults import ordered
from localshift.front.execution import BEGINS, SEND_BUFFER, Executor
from localshift.front.guards import take_turn
from localshift.front.router import route
from localshift.history import Entry
from localshift.queries.lateral import with_aliases
from localshift.queries.resolving import outline, resolved
from localshift.sql.databases import without_database
from localshift.sql.lex import split_statements
from localshift.statements.plan import Plan
from localshift.statements.views import with_late_views

FLUSH = wire.message(b"H")
QUERY = re.compile(r"(?i)[\s(]*(select|show|with|insert|update|delete|merge|create|declare|explain|unload|--|/\*)")
LATE = re.compile(r"no\s+schema\s+binding", re.IGNORECASE)
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

    async def run(self) -> None:
        """Answer messages until the client says goodbye or goes; FatalError for what is no protocol."""
        handlers = {
            b"Q": self._simple_query,
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
        }
        while True:
            message = await wire.read_message(self.reader, from_client=True)
            if message.kind == b"X":
                return
            if message.kind == b"S":
                await self._sync()
            elif message.kind == b"H":
                await self.writer.drain()
            elif message.kind in b"dcf" and not self.skipping:
                continue
            elif message.kind == b"Q" or not self.skipping:
                handler = handlers.get(message.kind)
                if handler is None:
                    await self._fail(SqlError("0A000", "this protocol message is not supported"))
                    continue
                try:
                    await handler(message.body)
                except SqlError as error:
                    if isinstance(error, FatalError):
                        raise
                    await self._fail(error)
            await self.writer.drain()

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
            who.transaction, who.committed = 0, True
        self.writer.write(wire.ready_for_query(self.upstream.status))

    async def _route(self, sql: str) -> Plan:
        faults = self.executor.shared.faults
        order = ordered(sql) if faults is not None else None
        if faults is not None and order is not None:
            if self.upstream.parameters.get("is_superuser") != "on":
                raise SqlError("42501", "must be superuser to order faults")
            sql = "SELECT 'ok'::varchar AS localshift_fault"
            return Plan(kind="forward", sql=sql, query_type="OTHER", fault=tuple(order))
        builtins = self.executor.shared.builtins
        sql = with_aliases(without_database(sql, self.executor.who.database), self.executor.shared.columns)
        plan = route(outline(sql), builtins=builtins)
        if self.upstream.status == b"T":
            # PostgreSQL takes the snapshot when it parses, and so does the look at the views.
            await take_turn(plan, self.executor.turn)
        if self.upstream.status != b"E" and LATE.search(sql) is None and QUERY.match(sql):
            if self.executor.shared.history.late_views and WANTED.search(sql):
                await leave_columns(self.upstream, self.executor.shared.history.connection, builtins)
            views = await self._late_views()
            whole = await resolved(with_late_views(sql, views) if views else sql, self.upstream, builtins)
            plan = route(whole, builtins=builtins) if whole != sql else plan
        return plan

    async def _late_views(self) -> dict[str, str | None]:
        history = self.executor.shared.history
        if not history.late_views:
            return {}
        (result,) = await self.upstream.query("SELECT name, query, readable FROM rs.visible_late_views()")
        return {name: query if readable == "t" else None for name, query, readable in result.rows if name}

    async def _simple_query(self, body: bytes) -> None:
        self.skipping = False
        try:
            statements = split_statements(wire.cstring(body, 0)[0])
            if not statements:
                self.writer.write(wire.message(b"I"))
            await self._run_simple(statements)
        except SqlError as error:
            if isinstance(error, FatalError):
                raise
            self.writer.write(wire.error_response(self.executor.fields(error, {})))
            await self.executor.fail_transaction()
        await self._ready()

    async def _run_simple(self, statements: list[str]) -> None:
        plans = [(await self._route(sql), sql) for sql in statements]
        controls = any(plan.sql in (*BEGINS, "COMMIT", "ROLLBACK") or plan.commits for plan, _ in plans)
        # Several statements in one message are one transaction, unless they say otherwise.
        wrapped = len(plans) > 1 and not controls and self.upstream.status == b"I"
        if wrapped:
            await self.upstream.query("BEGIN")
        for plan, sql in plans:
            if not await self.executor.run(plan, sql):
                break
        if wrapped:
            await self.upstream.query("COMMIT" if self.upstream.status == b"T" else "ROLLBACK")

    async def _parse(self, body: bytes) -> None:
        name, offset = wire.cstring(body, 0)
        sql, offset = wire.cstring(body, offset)
        plan = await self._route(sql)
        if plan.kind == "forward":
            await self._exchange(b"P", wire.parse_message(name, plan.sql, body[offset:]), plan)
            if self.skipping:
                await self.executor.record_failure(plan, sql)
                return
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
