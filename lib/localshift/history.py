"""What the system views tell: one row per statement and per load, written on a connection of its own so that rollbacks keep it."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from localshift.lex import quote_literal
from localshift.upstream import Upstream


@dataclass(slots=True, kw_only=True)
class Who:
    """The session a row is about; `label` is its query_group."""

    user: str
    database: str
    pid: int
    label: str = "default"
    transaction: int = 0


@dataclass(slots=True, kw_only=True)
class Entry:
    """One statement on its way: filled when it begins, completed when it ends."""

    query_id: int
    text: str
    query_type: str
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    rows: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One COPY as the load views show it; `files` are (url, rows, bytes)."""

    table: str
    table_id: int
    source: str
    file_format: str
    files: list[tuple[str, int, int]]
    current: str


class History:
    """Writes rows one after the other; a slow or failed write never fails a client's statement."""

    def __init__(self, connection: Upstream, sessions: Path) -> None:
        self.connection = connection
        self.sessions = sessions
        self.next_id = 0
        self.next_transaction = int(time.time()) % 1_000_000
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Continue the numbers of an earlier life; marks of its sessions are removed."""
        rows = await self.connection.fetch("SELECT coalesce(max(query_id), 99) + 1 FROM rs.query_history")
        self.next_id = int(rows[0][0] or 100)
        for file in self.sessions.iterdir():
            file.unlink()

    def begin(self, text: str, query_type: str) -> Entry:
        """Return the entry of a statement that begins now, with the next number."""
        entry = Entry(query_id=self.next_id, text=text, query_type=query_type)
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
        values += ["failed" if entry.error else "success", _time(entry.started), _time(datetime.now(UTC))]
        values += [entry.error[:512], entry.rows, entry.text[:4000]]
        await self._insert("query_history", [values])

    async def load(self, entry: Entry, who: Who, load: Load) -> None:
        """Write the rows of a finished COPY: its line, its files, and its error if it failed."""
        now = _time(datetime.now(UTC))
        rows, size = sum(file[1] for file in load.files), sum(file[2] for file in load.files)
        status = "aborted" if entry.error else "completed"
        values = [
            entry.query_id,
            who.user,
            who.database,
            who.transaction,
            who.pid,
            status,
            load.table,
            _time(entry.started),
            now,
        ]
        values += [
            load.source,
            load.file_format,
            0 if entry.error else rows,
            0 if entry.error else size,
            len(load.files),
            entry.error[:512],
        ]
        await self._insert("load_history", [values])
        if entry.error:
            failure = [entry.query_id, load.table_id, load.table, now, load.current or load.source, 0, "", "", 0]
            await self._insert("load_errors", [[*failure, entry.error[:512], who.user, who.pid]])
        else:
            await self._insert(
                "load_files", [[entry.query_id, url, count, length, now] for url, count, length in load.files]
            )

    async def _insert(self, table: str, rows: list[list[object]]) -> None:
        texts = ["(" + ", ".join(quote_literal(str(value).replace("\0", "")) for value in row) + ")" for row in rows]
        if texts:
            async with self._lock:
                await self.connection.query(f"INSERT INTO rs.{table} VALUES {', '.join(texts)}")  # noqa: S608 - values are quoted, the table is ours


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
