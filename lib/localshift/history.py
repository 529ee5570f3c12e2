"""What the system views tell: one row per statement and per load, written on a connection of its own so that rollbacks keep it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from localshift.backend.upstream import Upstream
from localshift.sql.lex import quote_literal
from localshift.sql.secrets import without_secrets

MOST = 4000


@dataclass(slots=True, kw_only=True)
class Who:
    """The session a row is about; `label` is its query_group."""

    user: str
    database: str
    pid: int
    label: str = "default"
    transaction: int = 0
    transaction_began: datetime = field(default_factory=lambda: datetime.now(UTC))
    committed: bool = True


@dataclass(slots=True, kw_only=True)
class Entry:
    """One statement on its way: filled when it begins, completed when it ends."""

    query_id: int
    text: str
    query_type: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    rows: int = 0
    error: str = ""
    cancelled: bool = False


class History:
    """Writes rows one after the other; a slow or failed write never fails a client's statement."""

    def __init__(self, connection: Upstream, sessions: Path) -> None:
        self.connection = connection
        self.sessions = sessions
        self.next_id = 0
        self.late_views = False
        self.next_transaction = int(time.time()) % 1_000_000
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Continue the numbers of an earlier life; marks of its sessions are removed."""
        rows = await self.connection.fetch("SELECT coalesce(max(query_id), 99) + 1 FROM rs.query_history")
        self.next_id = int(rows[0][0] or 100)
        self.late_views = bool(await self.connection.fetch("SELECT 1 FROM rs.late_views LIMIT 1"))
        for file in self.sessions.iterdir():
            file.unlink()

    def begin(self, text: str, query_type: str) -> Entry:
        """Return the entry of a statement that begins now, with the next number; its text is kept without secrets."""
        entry = Entry(query_id=self.next_id, text=without_secrets(text[: 2 * MOST])[:MOST], query_type=query_type)
        self.next_id += 1
        return entry

    def new_transaction(self) -> int:
        """Return the next transaction number."""
        self.next_transaction += 1
        return self.next_transaction

    def remember(self, pid: int, values: dict[str, int]) -> None:
        """Keep a session's last numbers where pg_last_copy_count() and its siblings find them."""
        path = self.sessions / str(pid)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(values), encoding="utf-8")
        fresh.chmod(0o644)
        fresh.rename(path)

    def forget(self, pid: int) -> None:
        """Drop what was kept for a session that has ended."""
        (self.sessions / str(pid)).unlink(missing_ok=True)

    async def end(self, entry: Entry, who: Who) -> None:
        """Write the row of a finished statement."""
        values = [entry.query_id, who.user, who.database, who.label[:320], who.transaction, who.pid, entry.query_type]
        status = "canceled" if entry.cancelled else "failed" if entry.error else "success"
        values += [status, _time(entry.started), _time(datetime.now(UTC))]
        values += [entry.error[:512], entry.rows, entry.text]
        await self.insert("query_history", [values])

    async def end_transaction(self, who: Who, isolation: str) -> None:
        """Write the row of a transaction that has ended."""
        row: list[object] = [who.transaction, who.user, who.database, who.pid, isolation]
        row += ["committed" if who.committed else "aborted", _time(who.transaction_began), _time(datetime.now(UTC))]
        await self.insert("transaction_history", [row])

    async def insert(self, table: str, rows: Sequence[list[object]]) -> None:
        """Write rows of values into a table of ours."""
        texts = ["(" + ", ".join(quote_literal(str(value).replace("\0", "")) for value in row) + ")" for row in rows]
        if texts:
            async with self._lock:
                await self.connection.query(f"INSERT INTO rs.{table} VALUES {', '.join(texts)}")  # noqa: S608 - values are quoted, the table is ours


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
