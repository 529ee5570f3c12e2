"""Runs statements for one client over its PostgreSQL connection: answers, errors in Redshift's words, COPY, history."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import (
    CANCELLED,
    SERIALIZATION,
    UNKNOWN_CYCLE,
    FatalError,
    SqlError,
    cycle,
    redshift_fields,
)
from localshift.faults import DroppedError
from localshift.front import guards
from localshift.front.mishaps import client_fields
from localshift.front.scaling import scaled
from localshift.front.shown import Shown
from localshift.front.surroundings import Surroundings
from localshift.front.transferring import Transferring
from localshift.front.turns import Turn
from localshift.history import Entry, Who
from localshift.statements.plan import Plan
from localshift.wire import ClientReader, Message

# What PostgreSQL tells of itself and Redshift would not.
UNREPORTED = frozenset({"server_version", "default_transaction_read_only", "in_hot_standby", "scram_iterations"})
LAST_QUERY = re.compile(r"pg_last_query_id", re.IGNORECASE)
SEND_BUFFER = 1 << 16
BEGINS = ("BEGIN", "BEGIN READ ONLY")


class Executor:
    """What one client's statements run with."""

    def __init__(
        self, reader: ClientReader, writer: asyncio.StreamWriter, upstream: Upstream, who: Who, shared: Surroundings
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.upstream = upstream
        self.turn = Turn(upstream=upstream)
        self.who = who
        self.shared = shared
        self.transferring = Transferring(
            reader=reader, writer=writer, upstream=upstream, turn=self.turn, who=who, shared=shared
        )
        self.numbers = self.transferring.numbers
        self.last_error = ""
        self.shown = Shown()
        self.abandoned = False
        # What is being served, for the history and for what is said of a bug.
        self.sql = ""
        self.current: tuple[Entry, Plan] | None = None

    async def run(self, plan: Plan, sql: str) -> bool:
        """Run one statement and answer it; False when it failed (the error is already sent)."""
        entry = self.begin(plan, sql)
        try:
            await self.before(plan)
            plan = await scaled(plan, self.upstream)
            if plan.kind == "empty":
                self.writer.write(wire.message(b"I"))
            elif plan.copy is not None:
                await self.transferring.copy(plan.copy, entry)
            elif plan.unload is not None:
                await self.transferring.unload(plan.unload, entry)
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
            entry.error, entry.cancelled = fields["M"], fields["C"] == CANCELLED
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
        self.sql, self.current = sql, (entry, plan)
        return entry

    async def before(self, plan: Plan) -> None:
        """Check what must hold before a statement runs, and let the faults that were ordered befall it."""
        await guards.before(plan, self.turn, self.shared.faults)

    async def after(self, plan: Plan) -> None:
        """Let the faults befall a statement that has been answered."""
        await guards.after(plan, self.turn, self.shared.faults)

    async def end(self, entry: Entry, plan: Plan) -> None:
        """Write the history entry of a statement that has ended."""
        self.current = None
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

    async def give_up(self, error: SqlError) -> None:
        """Write the history of the statement that a bug of ours broke off, and leave no wish to cancel it behind."""
        self.transferring.cancelled = False
        if self.current is not None:
            entry, plan = self.current
            entry.error, entry.cancelled = error.message, error.code == CANCELLED
            await self.end(entry, plan)

    async def leave(self) -> None:
        """Write the history of what the client's end broke off: its statement, and its transaction, which is rolled back."""
        with contextlib.suppress(SqlError):
            if self.current is not None:
                await self.give_up(SqlError("57014", "Connection to the client was lost"))
            if self.who.transaction:
                self.who.committed = False
                await self.shared.history.end_transaction(self.who, self.shared.isolation)

    async def _answer(self, entry: Entry, plan: Plan) -> None:
        """Pass PostgreSQL's answer to a simple query on, up to its ReadyForQuery."""
        async for message in self.upstream.until_ready():
            self.pass_on(message, plan.names, entry)
            if message.kind == b"D" and self.writer.transport.get_write_buffer_size() > SEND_BUFFER:
                await self.writer.drain()

    def pass_on(self, message: Message, names: Mapping[str, str], entry: Entry | None = None) -> None:
        """Hand one message of PostgreSQL's to the client, reworded where Redshift says it differently."""
        kind = message.kind
        if kind == b"D":
            if entry is not None:
                entry.rows += 1
            self.writer.write(wire.message(kind, self.shown.row(message.body)))
        elif kind == b"E":
            fields = self.numbered(redshift_fields(wire.parse_fields(message.body), names))
            self.last_error = fields["M"]
            if entry is not None:
                entry.error, entry.cancelled = fields["M"], fields["C"] == CANCELLED
            self.writer.write(wire.error_response(fields))
        elif kind == b"T":
            self.writer.write(wire.message(kind, self.shown.described(message.body)))
        elif kind == b"S":
            name, _ = wire.cstring(message.body, 0)
            if name not in UNREPORTED:
                self.writer.write(message.encode())
        else:
            self.writer.write(message.encode())

    async def learn_columns(self, name: str) -> bool:
        """Ask what a prepared statement returns, for its rows; the client hears nothing of it but an error, then False."""
        await self.upstream.send(wire.message(b"D", b"S" + wire.text(name)) + wire.message(b"H"))
        while (message := await self.upstream.receive()).kind not in b"TnE":
            pass
        if message.kind == b"E":
            self.pass_on(message, {})
        self.shown.parsed(name, message.body if message.kind == b"T" else None)
        return message.kind != b"E"

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
        return self.numbered(client_fields(error, names))

    def numbered(self, fields: dict[str, str]) -> dict[str, str]:
        """Return an error's fields with the numbers of table and transactions, where it is 1023 and they are known."""
        if fields["C"] != SERIALIZATION:
            return fields
        tables = self.turn.written
        if self.current is not None and self.current[1].target in self.turn.held:
            tables = {self.turn.held[self.current[1].target]}
        table = max(tables, key=lambda number: self.shared.writers.get(number, 0), default=0)
        known = cycle(table, (self.shared.writers.get(table, 0), self.who.transaction), str(self.who.pid))
        return {key: value.replace(UNKNOWN_CYCLE, known) for key, value in fields.items()}

    def note_writes(self) -> None:
        """The transaction has ended: where it was committed, it is the last that wrote to its tables."""
        if self.who.committed:
            self.shared.writers.update(dict.fromkeys(self.turn.written, self.who.transaction))
        self.turn.written.clear()

    async def fail_transaction(self) -> None:
        """An error of the front's own must leave the client's transaction as failed as one of PostgreSQL's."""
        if self.upstream.status == b"T":
            try:
                await self.upstream.query("ROLLBACK TO SAVEPOINT rs_failed")
            except UpstreamError:
                return
