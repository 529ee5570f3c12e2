"""What happens around a statement: checks that PostgreSQL does not make, and the faults that were ordered."""

from __future__ import annotations

import asyncio

from localshift.errors import SqlError
from localshift.faults import DroppedError, Faults
from localshift.lex import quote_literal, quoted
from localshift.plan import Plan
from localshift.upstream import Upstream


async def before(plan: Plan, upstream: Upstream, faults: Faults | None) -> None:
    """Let the faults befall a statement that is about to run; SqlError where it must not run."""
    if faults is not None:
        await _suffer(plan, upstream, faults)
    if plan.guard:
        await upstream.check(plan.guard)
    if plan.relations and upstream.status == b"T":
        names = ", ".join(quote_literal(quoted(name)) for name in plan.relations)
        await upstream.check(f"SELECT rs.check_snapshot(ARRAY[{names}])")


def after(plan: Plan, faults: Faults | None) -> None:
    """Let the faults befall a statement that has been answered."""
    if faults is not None:
        faults.drop(_word(plan), "after")


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
