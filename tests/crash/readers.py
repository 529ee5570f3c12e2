"""Readers that poll lake and warehouse while runs are killed: what they see is whole, or it is noted."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import redshift_connector

from crash.project import Servers, connected, table_hash

POLL_SECONDS = 0.03
MART_POLL_SECONDS = 0.2
TABLES = ("orders", "orders_quarantine", "orders_duplicates", "daily")


class Readers:
    """While the body runs, a thread reads each table whenever it has a newer version, and another one the mart."""

    def __init__(self, lake: Path, servers: Servers | None) -> None:
        self._lake = lake
        self._servers = servers
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._read_lake)]
        if servers is not None:
            self._threads.append(threading.Thread(target=self._read_mart, args=(servers,)))
        self.seen: dict[str, set[str]] = {name: set() for name in (*TABLES, "mart")}
        self.failures: list[BaseException] = []
        self.reads = 0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def assert_whole(self, states: Iterable[dict[str, Any]], what: object) -> None:
        """Every read gave one of the states, and none failed."""
        assert not self.failures, (what, self.failures)
        assert self.reads, what
        allowed = list(states)
        for table in TABLES:
            whole = {state["tables"][table] for state in allowed} | {"none"}
            assert self.seen[table] <= whole, (what, table, self.seen[table] - whole)
        marts = {str(state["mart"][0]) for state in allowed if state["mart"]} | {"none"}
        if not all(state["mart"] for state in allowed):
            marts.add("[]")  # a table that was never published into is made before its first load
        assert self.seen["mart"] <= marts, (what, self.seen["mart"] - marts)

    def _read_lake(self) -> None:
        newest: dict[str, str] = {}
        last = False
        while not last:
            last = self._stop.wait(POLL_SECONDS)
            try:
                for table in TABLES:
                    found = max((path.name for path in (self._lake / table / "_delta_log").glob("*.json")), default="")
                    if found != newest.get(table):
                        self.seen[table].add(table_hash(self._lake / table))
                        newest[table] = found
                        self.reads += 1
            except Exception as error:  # noqa: BLE001 - whatever a reader meets is the finding
                self.failures.append(error)

    def _read_mart(self, servers: Servers) -> None:
        with closing(connected(servers)) as connection, closing(connection.cursor()) as cursor:
            while not self._stop.wait(MART_POLL_SECONDS):
                try:
                    cursor.execute(f"SELECT * FROM {servers.schema}.daily ORDER BY 1, 2")
                    self.seen["mart"].add(str([str(tuple(row)) for row in cursor.fetchall()]))
                except redshift_connector.ProgrammingError:  # not there yet
                    self.seen["mart"].add("none")
                except Exception as error:  # noqa: BLE001 - whatever a reader meets is the finding
                    self.failures.append(error)
                    return
