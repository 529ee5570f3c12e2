"""What every story needs: the project, who runs it, where the lake is, and how to get at staging and warehouse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from lakemart.config.project import Project, Warehouse
from lakemart.engine.runner import Engine
from lakemart.storage.lease import Holder
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

Progress = Callable[[str, int, int], None]
"""Told what is at work, how many of its tasks are done, and how many there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One invocation: its id is in every record, commit, COPY and SQL tag. `at` is when it began, in UTC."""

    id: str
    at: datetime
    user: str
    host: str

    @property
    def stamp(self) -> str:
        """`at` as text, to the second."""
        return self.at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One run of one project. `staging` and `warehouse` are asked for only when something is to be published.

    `wait` is how many seconds a lease held by another run is waited for; None is without end.
    """

    project: Project
    run: Run
    lake: Location
    raw: Location
    engine: Engine
    staging: Callable[[], Location]
    warehouse: Callable[[], Warehouse]
    wait: float | None = 0.0
    progress: Progress = field(default=lambda *_: None)

    @property
    def store(self) -> Store:
        """The lake as an object store."""
        return open_store(self.lake)

    @property
    def writers(self) -> list[str]:
        """Every writer of the project, in the order their leases are taken."""
        return [
            *(f"source/{name}" for name in sorted(self.project.sources)),
            *(f"model/{name}" for name in sorted(self.project.models)),
            *(f"mart/{name}" for name in sorted(self.project.marts)),
        ]

    @property
    def holder(self) -> Holder:
        """This run as a holder of leases."""
        name = f"run {self.run.id} of {self.run.user} on {self.run.host}"
        return Holder(name=name, since=self.run.stamp, ttl=self.project.lease.ttl.total_seconds())

    def source_tables(self) -> frozenset[str]:
        """The lake tables that sources fill."""
        return frozenset(table for source in self.project.sources.values() for table in source.tables)

    def table_writers(self) -> dict[str, str]:
        """Which writer fills each lake table that a model may read."""
        tables = {table: f"source/{name}" for name, source in self.project.sources.items() for table in source.tables}
        return tables | {name: f"model/{name}" for name in self.project.models}
