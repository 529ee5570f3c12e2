"""COPY and UNLOAD of one client: run, recorded, answered, and stopped when the client cancels or goes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from localshift import wire
from localshift.backend.upstream import Upstream
from localshift.errors import FatalError, SqlError
from localshift.faults import DroppedError
from localshift.front.mishaps import client_fields
from localshift.front.surroundings import Surroundings
from localshift.front.turns import Turn
from localshift.history import Entry, Who
from localshift.loading.copy import Copy
from localshift.loading.load import begin_load, run_copy
from localshift.transfers import record_load, record_unload
from localshift.unloading.stream import begin_unload, run_unload
from localshift.unloading.unload import Unload
from localshift.wire import ClientReader


def _none() -> dict[str, int]:
    return {"copy_count": 0, "copy_id": 0, "query_id": 0, "unload_count": 0}


@dataclass(slots=True, kw_only=True)
class Transferring:
    """What a client's COPY and UNLOAD run with.

    `cancelled` is set by a cancel request and read by what runs; `numbers` is what pg_last_copy_count() and its siblings tell.
    """

    reader: ClientReader
    writer: asyncio.StreamWriter
    upstream: Upstream
    turn: Turn
    who: Who
    shared: Surroundings
    numbers: dict[str, int] = field(default_factory=_none)
    cancelled: bool = False

    async def copy(self, copy: Copy, entry: Entry) -> None:
        """Run a COPY, record what it loaded, and answer it; SqlError when it failed and left nothing."""
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
            entry.error = client_fields(error, {})["M"]
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

    async def unload(self, unload: Unload, entry: Entry) -> None:
        """Run an UNLOAD, record what it wrote, and answer it; SqlError when it failed."""
        self.cancelled = False
        done = begin_unload(unload)
        self._remember_unload(0)
        try:
            await run_unload(unload, self.upstream, self.shared.stores, done, self._stopped)
        except SqlError as error:
            entry.error = client_fields(error, {})["M"]
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
