"""Runs statements for one client over its PostgreSQL connection: answers, errors in Redshift's words, COPY, history."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import FatalError, SqlError, redshift_fields
from localshift.faults import DroppedError, Faults
from localshift.front import guards
from localshift.front.turns import Turn
from localshift.history import Entry, History, Who
from localshift.loading.copy import Copy
from localshift.loading.load import Stores, begin_load, run_copy
from localshift.statements.plan import Plan
from localshift.transfers import record_load, record_unload
from localshift.unloading.stream import begin_unload, run_unload
from localshift.unloading.unload import Unload
from localshift.wire import ClientReader, Message

JSONB, SUPER = 3802, 4000
# What PostgreSQL tells of itself and Redshift would not.
UNREPORTED = frozenset({"server_version", "default_transaction_read_only", "in_hot_standby", "scram_iterations"})
LAST_QUERY = re.compile(r"pg_last_query_id", re.IGNORECASE)
SEND_BUFFER = 1 << 16
BEGINS = ("BEGIN", "BEGIN READ ONLY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all sessions of a server share."""

    history: History
    stores: Stores
    builtins: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    faults: Faults | None = None
    isolation: str = "Snapshot Isolation"


class Executor:
    """What one client's statements run with. `cancelled` is set by a cancel request and read by a running COPY."""

    def __init__(
        self, reader: ClientReader, writer: asyncio.StreamWriter, upstream: Upstream, who: Who, shared: Surroundings
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.upstream = upstream
        self.turn = Turn(upstream=upstream)
        self.who = who
        self.shared = shared
        self.numbers = {"copy_count": 0, "copy_id": 0, "query_id": 0, "unload_count": 0}
        self.cancelled = False
        self.last_error = ""

    async def run(self, plan: Plan, sql: str) -> bool:
        """Run one statement and answer it; False when it failed (the error is already sent)."""
        entry = self.begin(plan, sql)
        try:
            await self.before(plan)
            if plan.kind == "empty":
                self.writer.write(wire.message(b"I"))
            elif plan.copy is not None:
                await self._copy(plan.copy, entry)
            elif plan.unload is not None:
                await self._unload(plan.unload, entry)
            elif plan.kind == "script":
                await self._script(plan, entry)
            else:
                await self.upstream.send(wire.message(b"Q", wire.text(plan.sql)))
                await self._answer(entry, plan)
            await self.turn.settle()
            await self.after(plan)
        except SqlError as error:
            if isinstance(error, DroppedError):
                raise
            fields = self.fields(error, plan.names)
            entry.error = fields["M"]
            if isinstance(error, FatalError):
                # The client has gone, and an UNLOAD's rows may still be on their way: only the connection's end stops them.
                await self.end(entry, plan)
                raise
            self.writer.write(wire.error_response(fields))
            await self.fail_transaction()
        await self.end(entry, plan)
        return not entry.error

    def begin(self, plan: Plan, sql: str) -> Entry:
        """Return the history entry of a statement that begins now."""
        entry = self.shared.history.begin(sql, plan.query_type)
        if self.who.transaction == 0:
            self.who.transaction = self.shared.history.new_transaction()
            self.who.transaction_began = entry.started
        if LAST_QUERY.search(sql):
            self.shared.history.remember(self.upstream.pid, self.numbers)
        self.numbers["query_id"] = entry.query_id
        return entry

    async def before(self, plan: Plan) -> None:
        """Check what must hold before a statement runs, and let the faults that were ordered befall it."""
        await guards.before(plan, self.turn, self.shared.faults)

    async def after(self, plan: Plan) -> None:
        """Let the faults befall a statement that has been answered."""
        await guards.after(plan, self.turn, self.shared.faults)

    async def end(self, entry: Entry, plan: Plan) -> None:
        """Write the history entry of a statement that has ended."""
        if plan.sql in ("COMMIT", "ROLLBACK") or plan.sql == "":
            self.who.committed = plan.sql != "ROLLBACK"
        if entry.error or self.upstream.status == b"E":
            self.who.committed = False
        if not entry.error and plan.label is not None:
            self.who.label = plan.label or "default"
        if plan.kind != "empty":
            await self.shared.history.end(entry, self.who)

    async def record_failure(self, plan: Plan, sql: str) -> None:
        """Write the history of a statement that failed before it could run."""
        entry = self.begin(plan, sql)
        entry.error = self.last_error
        await self.end(entry, plan)

    async def _answer(self, entry: Entry, plan: Plan) -> None:
        """Pass PostgreSQL's answer to a simple query on, up to its ReadyForQuery."""
        async for message in self.upstream.until_ready():
            self.pass_on(message, plan.names, entry)
            if message.kind == b"D" and self.writer.transport.get_write_buffer_size() > SEND_BUFFER:
                await self.writer.drain()

    def pass_on(self, message: Message, names: Mapping[str, str], entry: Entry | None = None) -> None:
        """Hand one message of PostgreSQL's to the client, reworded where Redshift says it differently."""
        kind = message.kind
        if kind == b"D" and entry is not None:
            entry.rows += 1
        if kind == b"E":
            fields = redshift_fields(wire.parse_fields(message.body), names)
            self.last_error = fields["M"]
            if entry is not None:
                entry.error = fields["M"]
            self.writer.write(wire.error_response(fields))
        elif kind in (b"T", b"t"):
            body = wire.with_type(message.body, JSONB, SUPER) if kind == b"T" else message.body
            self.writer.write(wire.message(kind, body))
        elif kind == b"S":
            name, _ = wire.cstring(message.body, 0)
            if name not in UNREPORTED:
                self.writer.write(message.encode())
        else:
            self.writer.write(message.encode())

    async def _script(self, plan: Plan, entry: Entry) -> None:
        self.shared.history.late_views |= plan.late_view
        if plan.outside_transaction and self.upstream.status != b"I":
            raise SqlError("25001", f"{plan.outside_transaction} cannot run inside a transaction block")
        commit = ("COMMIT",) if plan.commits and self.upstream.status == b"T" else ()
        results = await self.upstream.query(";\n".join([*plan.before, plan.sql, *plan.after, *commit]))
        for notice in self.upstream.notices:
            self.writer.write(notice)
        self.upstream.notices.clear()
        tag = plan.tag or results[len(plan.before)].tag
        found = re.search(r"(\d+)$", tag)
        entry.rows = int(found.group(1)) if found else 0
        self.writer.write(wire.command_complete(tag))

    async def _copy(self, copy: Copy, entry: Entry) -> None:
        self.cancelled = False
        load = begin_load(copy)
        self._remember_copy(0, entry.query_id)
        try:
            await self.turn.take(copy.target)
            await self.turn.begin()
            await run_copy(copy, self.upstream, self.shared.stores, load, self._stopped)
            if (stop := self._stopped()) is not None:
                raise stop
            await self.turn.settle()
        except SqlError as error:
            entry.error = self.fields(error, {})["M"]
            await self.turn.undo()
            raise
        finally:
            await record_load(self.shared.history, entry, self.who, load)
        entry.rows = load.rows
        self._remember_copy(load.rows, entry.query_id)
        if load.rejected:
            log = self.shared.stores.error_log
            rejected = f"{load.rejected} record(s) could not be loaded.  Check '{log}' system table for details."
            self._inform(f"Load into table '{copy.table}' completed, {rejected}")
        self._inform(f"Load into table '{copy.table}' completed, {load.rows} record(s) loaded successfully.")
        self.writer.write(wire.command_complete("COPY"))

    async def _unload(self, unload: Unload, entry: Entry) -> None:
        self.cancelled = False
        done = begin_unload(unload)
        self._remember_unload(0)
        try:
            await run_unload(unload, self.upstream, self.shared.stores, done, self._stopped)
        except SqlError as error:
            entry.error = self.fields(error, {})["M"]
            raise
        finally:
            await record_unload(self.shared.history, entry, self.who, done)
        entry.rows = done.rows
        self._remember_unload(done.rows)
        self._inform(f"UNLOAD completed, {done.rows} record(s) unloaded successfully.")
        self.writer.write(wire.command_complete("UNLOAD"))

    def _remember_unload(self, count: int) -> None:
        self.numbers["unload_count"] = count
        self.shared.history.remember(self.upstream.pid, self.numbers)

    def _inform(self, text: str) -> None:
        self.writer.write(wire.error_response({"S": "INFO", "C": "00000", "M": text}, notice=True))

    def _remember_copy(self, count: int, query_id: int) -> None:
        self.numbers |= {"copy_count": count, "copy_id": query_id}
        self.shared.history.remember(self.upstream.pid, self.numbers)

    def _stopped(self) -> SqlError | None:
        if self.shared.faults is not None and self.shared.faults.dropping("COPY"):
            return DroppedError()
        if self.reader.gone:
            return FatalError("08006", "connection to client lost")
        return SqlError("57014", "Query cancelled on user's request") if self.cancelled else None

    async def settle(self) -> None:
        """End the transaction begun around the client's statement; what makes it fail is told to the client."""
        self.turn.busy = False
        try:
            await self.turn.settle()
        except SqlError as error:
            self.who.committed = False
            self.writer.write(wire.error_response(self.fields(error, {})))

    def fields(self, error: SqlError, names: Mapping[str, str]) -> dict[str, str]:
        """Return the fields of an error as the client gets them."""
        return redshift_fields(error.pg_fields, names) if isinstance(error, UpstreamError) else error.fields()

    async def fail_transaction(self) -> None:
        """An error of the front's own must leave the client's transaction as failed as one of PostgreSQL's."""
        if self.upstream.status == b"T":
            try:
                await self.upstream.query("ROLLBACK TO SAVEPOINT rs_failed")
            except UpstreamError:
                return
