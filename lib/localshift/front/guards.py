"""What happens around a statement: checks that PostgreSQL does not make, and the faults that were ordered."""

from __future__ import annotations

import asyncio

from localshift.backend.upstream import Upstream
from localshift.errors import SqlError
from localshift.faults import DroppedError, Faults
from localshift.front.turns import Turn
from localshift.sql.lex import quote_literal, quoted
from localshift.statements.plan import Plan

VIEW_VERBS = {"INSERT": "insert into", "UPDATE": "update", "DELETE": "delete from"}


async def before(plan: Plan, turn: Turn, faults: Faults | None) -> None:
    """Let the faults befall a statement that is about to run, and wait for its table; SqlError where it must not run."""
    upstream = turn.upstream
    if faults is not None:
        if plan.fault:
            faults.order(list(plan.fault))
        await _suffer(plan, upstream, faults)
    if plan.sql.startswith("BEGIN"):
        turn.hand_over()
    if plan.copy is None or upstream.status == b"T":
        await take_turn(plan, turn)
    if plan.guard:
        await upstream.check(plan.guard)
    if plan.relations and upstream.status == b"T":
        names = ", ".join(quote_literal(quoted(name)) for name in plan.relations)
        await upstream.check(f"SELECT rs.check_snapshot(ARRAY[{names}])")


async def take_turn(plan: Plan, turn: Turn) -> None:
    """Wait for the table a statement writes to; SqlError when it is a view, which PostgreSQL would write through."""
    verb = VIEW_VERBS.get(plan.query_type)
    check = f"SELECT rs.check_no_view({quote_literal(plan.target)}, '{verb}')" if verb else ""
    await turn.take(plan.target, check)


async def after(plan: Plan, turn: Turn, faults: Faults | None) -> None:
    """Let the faults befall a statement that has been answered; outside of a transaction block it is committed before."""
    if faults is None:
        return
    try:
        faults.drop(_word(plan), "after")
    except DroppedError:
        await turn.upstream.sync()
        await turn.settle()
        raise


async def _suffer(plan: Plan, upstream: Upstream, faults: Faults) -> None:
    word = _word(plan)
    await asyncio.sleep(faults.seconds(word))
    faults.drop(word, "before")
    if word == "COMMIT" and upstream.status == b"T":
        try:
            faults.conflict()
        except SqlError:
            # A commit that fails ends the transaction.
            await upstream.query("ROLLBACK")
            raise
    if plan.kind == "forward" and faults.dropping(word):
        await upstream.query(plan.sql)
        raise DroppedError


def _word(plan: Plan) -> str:
    """Return the word by which faults name a statement: COMMIT, or its type."""
    return plan.sql if plan.sql in ("BEGIN", "COMMIT", "ROLLBACK") else plan.query_type
