"""A plan: what the session does with one statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from localshift.loading.copy import Copy
from localshift.unloading.unload import Unload

Kind = Literal["empty", "forward", "script", "copy", "unload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One statement's way through the front.

    `forward`: PostgreSQL prepares and runs `sql`, its answers go to the client as they come. `script`: the front runs
    `before`, `sql`, `after` in one go and answers with `sql`'s tag, or with `tag`. `label` is a new query_group.
    `outside_transaction` names what may not run in a transaction block. `guard` is a query that fails where the statement
    must, run before it; `relations` are the tables it names, none of which may be newer than the snapshot.
    `target` is the table it writes to, quoted, whose turn it takes first.
    `fault` is an order to the faults, given when the statement runs and not when it is prepared.
    `names` tells which words of a GRANT name groups, roles or users, for error messages.
    """

    kind: Kind
    sql: str
    query_type: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    tag: str = ""
    label: str | None = None
    system: bool = False
    commits: bool = False
    late_view: bool = False
    outside_transaction: str = ""
    guard: str = ""
    target: str = ""
    fault: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    copy: Copy | None = None
    unload: Unload | None = None
    names: Mapping[str, str] = field(default_factory=dict)


def forward(sql: str, query_type: str = "UTILITY") -> Plan:
    """Return the plan of a statement that PostgreSQL runs as it is written here."""
    return Plan(kind="forward", sql=sql, query_type=query_type)
