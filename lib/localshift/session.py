"""One client's connection: its messages in order, each answered before the next, over one PostgreSQL connection."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from localshift import wire
from localshift.errors import FatalError, SqlError, redshift_fields
from localshift.history import Entry, History, Load, Who
from localshift.lex import split_statements
from localshift.load import Loaded, Stores, run_copy
from localshift.plan import Plan
from localshift.router import route
from localshift.upstream import Upstream, UpstreamError
from localshift.wire import Message

JSONB, SUPER = 3802, 4000
LAST_QUERY = re.compile(r"pg_last_query_id", re.IGNORECASE)
FLUSH = wire.message(b"H")
ENDS = {b"P": b"1", b"B": b"2", b"C": b"3"}
SEND_BUFFER = 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all sessions of a server share."""

    history: History
    stores: Stores
    builtins: frozenset[str]


class ClientReader(asyncio.StreamReader):
    """A reader that knows that its client has gone even while messages of it still wait to be read."""

    gone = False

    def feed_eof(self) -> None:
        """Note the end of what the client sends."""
        self.gone = True
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """Note that the connection broke."""
        self.gone = True
        super().set_exception(exc)


class Session:
    """The state of one client: its prepared statements and portals as plans, and whether it skips to the next Sync."""

    def __init__(
        self,
        reader: ClientReader,
        writer: asyncio.StreamWriter,
        upstream: Upstream,
        who: Who,
        shared: Surroundings,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.upstream = upstream
        self.who = who
        self.shared = shared
        self.statements: dict[str, tuple[Plan, str]] = {}
        self.portals: dict[str, tuple[Plan, str]] = {}
        self.numbers = {"copy_count": 0, "copy_id": 0, "query_id": 0}
        self.skipping = False
        self.cancelled = False

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
        self.writer.write(wire.error_response(self._fields(error, {})))
        self.skipping = True
        await self._fail_transaction()

    def _fields(self, error: SqlError, names: Mapping[str, str]) -> dict[str, str]:
        return redshift_fields(error.pg_fields, names) if isinstance(error, UpstreamError) else error.fields()

    async def _fail_transaction(self) -> None:
        """An error of the front's own must leave the client's transaction as failed as one of PostgreSQL's."""
        if self.upstream.status == b"T":
            try:
                await self.upstream.query("ROLLBACK TO SAVEPOINT rs_failed")
            except UpstreamError:
                return

    async def _sync(self) -> None:
        self.skipping = False
        await self.upstream.send(wire.message(b"S"))
        async for message in self.upstream.until_ready():
            self._pass_on(message, {})
        self._ready()

    def _ready(self) -> None:
        if self.upstream.status == b"I":
            self.who.transaction = 0
        self.writer.write(wire.ready_for_query(self.upstream.status))

    def _route(self, sql: str) -> Plan:
        return route(sql, builtins=self.shared.builtins)

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
            self.writer.write(wire.error_response(self._fields(error, {})))
            await self._fail_transaction()
        self._ready()

    async def _run_simple(self, statements: list[str]) -> None:
        plans = [(self._route(sql), sql) for sql in statements]
        controls = any(plan.sql in ("BEGIN", "COMMIT", "ROLLBACK") or plan.commits for plan, _ in plans)
        # Several statements in one message are one transaction, unless they say otherwise.
        wrapped = len(plans) > 1 and not controls and self.upstream.status == b"I"
        if wrapped:
            await self.upstream.query("BEGIN")
        for plan, sql in plans:
            if not await self._run(plan, sql):
                break
        if wrapped:
            await self.upstream.query("COMMIT" if self.upstream.status == b"T" else "ROLLBACK")

    async def _run(self, plan: Plan, sql: str) -> bool:
        """Run one statement and answer it; False when it failed (the error is already sent)."""
        entry = self._begin(plan, sql)
        try:
            if plan.kind == "empty":
                self.writer.write(wire.message(b"I"))
            elif plan.kind == "copy":
                await self._copy(plan, entry)
            elif plan.kind == "script":
                await self._script(plan, entry)
            else:
                await self.upstream.send(wire.message(b"Q", wire.text(plan.sql)))
                await self._answer(entry, plan)
        except SqlError as error:
            fields = self._fields(error, plan.names)
            entry.error = fields["M"]
            self.writer.write(wire.error_response(fields))
            await self._fail_transaction()
        await self._end(entry, plan)
        return not entry.error

    def _begin(self, plan: Plan, sql: str) -> Entry:
        entry = self.shared.history.begin(sql, plan.query_type)
        if self.who.transaction == 0:
            self.who.transaction = self.shared.history.new_transaction()
        if LAST_QUERY.search(sql):
            self.shared.history.remember(self.upstream.pid, self.numbers)
        self.numbers["query_id"] = entry.query_id
        return entry

    async def _end(self, entry: Entry, plan: Plan) -> None:
        if not entry.error and plan.label is not None:
            self.who.label = plan.label or "default"
        if plan.kind != "empty":
            await self.shared.history.end(entry, self.who)

    async def _answer(self, entry: Entry, plan: Plan) -> None:
        """Pass PostgreSQL's answer to a simple query on, up to its ReadyForQuery."""
        async for message in self.upstream.until_ready():
            self._pass_on(message, plan.names, entry)
            if message.kind == b"D" and self.writer.transport.get_write_buffer_size() > SEND_BUFFER:
                await self.writer.drain()

    def _pass_on(self, message: Message, names: Mapping[str, str], entry: Entry | None = None) -> None:
        """Hand one message of PostgreSQL's to the client, reworded where Redshift says it differently."""
        kind = message.kind
        if kind == b"D":
            if entry is not None:
                entry.rows += 1
            self.writer.write(message.encode())
        elif kind == b"E":
            fields = redshift_fields(wire.parse_fields(message.body), names)
            if entry is not None:
                entry.error = fields["M"]
            self.writer.write(wire.error_response(fields))
        elif kind in (b"T", b"t"):
            body = wire.with_type(message.body, JSONB, SUPER) if kind == b"T" else message.body
            self.writer.write(wire.message(kind, body))
        elif kind == b"S":
            name, _ = wire.cstring(message.body, 0)
            if name not in ("server_version", "default_transaction_read_only", "in_hot_standby", "scram_iterations"):
                self.writer.write(message.encode())
        else:
            self.writer.write(message.encode())

    async def _script(self, plan: Plan, entry: Entry) -> None:
        if plan.outside_transaction and self.upstream.status != b"I":
            raise SqlError("25001", f"{plan.tag} ALTER COLUMN cannot run inside a transaction block")
        commit = ("COMMIT",) if plan.commits and self.upstream.status == b"T" else ()
        results = await self.upstream.query(";\n".join([*plan.before, plan.sql, *plan.after, *commit]))
        for notice in self.upstream.notices:
            self.writer.write(notice)
        self.upstream.notices.clear()
        tag = plan.tag or results[len(plan.before)].tag
        found = re.search(r"(\d+)$", tag)
        entry.rows = int(found.group(1)) if found else 0
        self.writer.write(wire.command_complete(tag))

    async def _copy(self, plan: Plan, entry: Entry) -> None:
        copy = plan.copy
        assert copy is not None
        self.cancelled = False
        loaded = Loaded()
        own = self.upstream.status == b"I"
        self._remember_copy(0, entry.query_id)
        try:
            if own:
                await self.upstream.query("BEGIN")
            await run_copy(copy, self.upstream, self.shared.stores, loaded, self._stopped)
            if (stop := self._stopped()) is not None:
                raise stop
            if own:
                await self.upstream.query("COMMIT")
        except SqlError as error:
            entry.error = self._fields(error, {})["M"]
            if own:
                await self.upstream.query("ROLLBACK")
            raise
        finally:
            load = Load(
                table=copy.table, table_id=loaded.table_id, source=copy.source, file_format="Parquet",
                files=loaded.files, current=loaded.current,
            )  # fmt: skip
            await self.shared.history.load(entry, self.who, load)
        entry.rows = loaded.rows
        self._remember_copy(loaded.rows, entry.query_id)
        notice = f"Load into table '{copy.table}' completed, {loaded.rows} record(s) loaded successfully."
        self.writer.write(wire.error_response({"S": "INFO", "C": "00000", "M": notice}, notice=True))
        self.writer.write(wire.command_complete("COPY"))

    def _remember_copy(self, count: int, query_id: int) -> None:
        self.numbers |= {"copy_count": count, "copy_id": query_id}
        self.shared.history.remember(self.upstream.pid, self.numbers)

    def _stopped(self) -> SqlError | None:
        if self.reader.gone:
            return FatalError("08006", "connection to client lost")
        return SqlError("57014", "Query cancelled on user's request") if self.cancelled else None

    async def _parse(self, body: bytes) -> None:
        name, offset = wire.cstring(body, 0)
        sql, offset = wire.cstring(body, offset)
        plan = self._route(sql)
        if plan.kind == "forward":
            await self._exchange(b"P", wire.parse_message(name, plan.sql, body[offset:]), plan)
            if self.skipping:
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
            await self._exchange(b"B", wire.message(b"B", body), known[0])
            if self.skipping:
                return
        else:
            self.writer.write(wire.message(b"2"))
        self.portals[portal] = known

    async def _describe(self, body: bytes) -> None:
        what = body[:1]
        name, _ = wire.cstring(body, 1)
        known = (self.statements if what == b"S" else self.portals).get(name)
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
            if not await self._run(plan, sql):
                self.skipping = True
            return
        entry = self._begin(plan, sql)
        await self._exchange(b"E", wire.message(b"E", body), plan, entry)
        await self._end(entry, plan)

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
            self._pass_on(message, plan.names, entry)
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
