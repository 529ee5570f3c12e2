"""A session that keeps the statements it is given and answers by a small script; it fails where a test says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lakemart.publish import statements as st
from lakemart.publish.mart import Mart, catalog_type


@dataclass
class Warehouse:
    """What the recorded warehouse holds, across sessions. `fails` may raise before a statement takes effect."""

    mart: Mart
    recorded: int | None = None
    exists: bool = True
    copied: int = 0
    held: int = 0
    statements: list[st.Statement] = field(default_factory=list)
    sessions: int = 0
    closed: int = 0
    fails: Callable[[st.Statement, int], None] = lambda *_: None
    before_lock_is_held: Callable[[Warehouse], None] = lambda _: None

    def open(self) -> Session:
        self.sessions += 1
        return Session(self)

    @property
    def kinds(self) -> list[str]:
        return [type(statement).__name__ for statement in self.statements]


class Session:
    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.pending: int | None = None

    def execute(self, statement: st.Statement) -> list[tuple[Any, ...]]:  # noqa: C901, PLR0911 - an answer for each kind
        here = self.warehouse
        here.statements.append(statement)
        here.fails(statement, sum(1 for one in here.statements if type(one) is type(statement)))
        match statement:
            case st.CountSchemas():
                return [(1 if here.exists else 0,)]
            case st.DescribeTable(table=table):
                if not here.exists:
                    return []
                known = table == here.mart.table
                return (
                    [(c.name, catalog_type(c.type), c.not_null) for c in here.mart.columns]
                    if known
                    else [("project", "x", True)]
                )
            case st.CreateTable():
                here.exists = True
            case st.LockLoads():
                here.before_lock_is_held(here)
            case st.LastLoad():
                return [] if here.recorded is None else [(here.recorded, here.copied)]
            case st.LastCopyCount():
                return [(here.copied,)]
            case st.CountSlices():
                return [(here.held,)]
            case st.InsertLoad(number=number):
                self.pending = number
            case st.Commit():
                here.recorded = self.pending
        return []

    def close(self) -> None:
        self.warehouse.closed += 1
