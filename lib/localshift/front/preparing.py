"""What a statement is to become: routed, its late-binding views put in, and what only PostgreSQL can tell asked of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from localshift.backend.upstream import Upstream
from localshift.catalog.latecolumns import WANTED, leave_columns
from localshift.errors import SqlError
from localshift.faults import ordered
from localshift.front.execution import Executor
from localshift.front.guards import take_turn
from localshift.front.lateviews import with_late_views_of
from localshift.front.router import route
from localshift.queries.dialect import translate
from localshift.queries.lateral import with_aliases
from localshift.queries.manyrows import without_rows
from localshift.queries.resolving import JSONB, column_types, outline, resolved
from localshift.queries.superliterals import filled_columns
from localshift.sql.databases import without_database
from localshift.statements.plan import Plan

QUERY = re.compile(r"(?i)[\s(]*(select|show|with|insert|update|delete|merge|create|declare|explain|unload|--|/\*)")
LATE = re.compile(r"no\s+schema\s+binding", re.IGNORECASE)

LONG = 1 << 16
Made = TypeVar("Made")


async def prepare(sql: str, executor: Executor, *, ahead: bool = False) -> Plan:
    """Return the plan of one statement of a client; SqlError when it is refused.

    `ahead` of those before it in its message only what its text says is looked at: they may make its tables.
    """
    executor.sql = sql
    faults, upstream, history = executor.shared.faults, executor.upstream, executor.shared.history
    order = ordered(sql) if faults is not None else None
    if faults is not None and order is not None:
        if upstream.parameters.get("is_superuser") != "on":
            raise SqlError("42501", "must be superuser to order faults")
        sql = "SELECT 'ok'::varchar AS localshift_fault"
        return Plan(kind="forward", sql=sql, query_type="OTHER", fault=tuple(order))
    builtins = executor.shared.builtins
    sql = with_aliases(without_database(sql, executor.who.database), executor.shared.columns)
    if ahead:
        return await beside(sql, lambda: route(outline(sql), builtins=builtins))
    head, rows = without_rows(sql)
    plan = await beside(head, lambda: route(outline(head), builtins=builtins))
    if upstream.status == b"T":
        # PostgreSQL takes the snapshot when it parses, and so does the look at the views.
        await take_turn(plan, executor.turn)
    if rows and upstream.status != b"E" and not await _takes_super(head, upstream, builtins):
        return replace(plan, sql=plan.sql + rows)
    if rows:
        plan = await beside(sql, lambda: route(sql, builtins=builtins))
    if upstream.status != b"E" and LATE.search(sql) is None and QUERY.match(sql):
        if history.late_views and WANTED.search(sql):
            await leave_columns(upstream, history.connection, builtins)
        whole = await resolved(await with_late_views_of(executor, sql), upstream, builtins)
        plan = await beside(whole, lambda: route(whole, builtins=builtins)) if whole != sql else plan
    return plan


async def _takes_super(sql: str, upstream: Upstream, builtins: frozenset[str]) -> bool:
    """Tell whether an INSERT fills a SUPER column."""
    asked = translate(filled_columns(sql), builtins=builtins).sql
    return JSONB in column_types(await upstream.describe(asked))


async def beside(sql: str, work: Callable[[], Made]) -> Made:
    """Return what the work on a text makes; a long one is worked on in a thread, so that other clients are served meanwhile."""
    return work() if len(sql) < LONG else await asyncio.to_thread(work)
