"""The scales of a statement's divisions, asked of PostgreSQL before the statement goes there."""

from __future__ import annotations

import re
from dataclasses import replace

from localshift.backend.readings import NO_TYPES, reading
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import SqlError, refused
from localshift.queries.correlated import doubtful, refuse_correlated
from localshift.queries.scaling import computed_columns, divides, scales, with_scales, with_types
from localshift.queries.trees import parsed
from localshift.statements.plan import Plan

# What PostgreSQL prints of a statement is many times as long as the statement.
LONGEST_READ = 100_000
# PostgreSQL reads the query of a view, and of PREPARE, only when they run. What the others make has columns of a type.
BEFORE_QUERY = re.compile(
    r'\s*(?P<makes>CREATE\s(?:OR\s+REPLACE\s+|TEMP\s+|MATERIALIZED\s+)?(?:TABLE|VIEW)\s(?:[^"(]|"[^"]*"|\([^)]*\))*?|PREPARE\s.*?)'
    r"\sAS\s+(?=[(]*\s*(?:SELECT|WITH)\b)",
    re.IGNORECASE | re.DOTALL,
)


async def scaled(plan: Plan, upstream: Upstream, types: bytes = NO_TYPES, *, pipelined: bool = False) -> Plan:
    """Return the plan with Redshift's scales in its divisions of decimals, and in the columns it makes.

    It is as it was where there are none. `types` are those of the parameters as in a Parse message. What PostgreSQL
    refuses stays, to be refused when it runs; but in a pipeline, see `reading`, it is raised.
    """
    sql = plan.unload.query if plan.unload is not None else plan.sql
    if plan.copy is not None or upstream.status == b"E" or len(sql) > LONGEST_READ:
        return plan
    head = BEFORE_QUERY.match(sql) if sql[:10].lstrip()[:2].upper() in ("CR", "PR") else None
    makes = plan.unload is not None or (head is not None and head["makes"][:1] in "cC")
    if not makes and (plan.system or not (divides(sql) or doubtful(sql))):
        return plan
    start = head.end() if head else 0
    try:
        changed = await _scaled(sql[start:], upstream, types, makes=makes, pipelined=pipelined)
    except UpstreamError:
        if pipelined:
            raise
        return plan
    except RecursionError:
        raise SqlError("54001", "stack depth limit exceeded: the statement nests too deeply") from None
    if plan.unload is not None:
        return replace(plan, unload=replace(plan.unload, query=changed))
    return replace(plan, sql=sql[:start] + changed)


async def _scaled(query: str, upstream: Upstream, types: bytes, *, makes: bool, pipelined: bool) -> str:
    tree = parsed(await reading(upstream, query, types, pipelined=pipelined))
    if doubtful(query):
        refuse_correlated(query, tree)
    changed, alike = with_scales(query, scales(query, tree)) if divides(query) else (query, False)
    if alike and changed != query:
        await _check(changed, upstream, types, pipelined=pipelined)
    return with_types(changed, computed_columns(query, tree)) if makes else changed


async def _check(query: str, upstream: Upstream, types: bytes, *, pipelined: bool) -> None:
    try:
        await reading(upstream, query, types, pipelined=pipelined)
    except UpstreamError as error:
        raise refused(
            "a decimal division in GROUP BY or ORDER BY that is written otherwise in the select list is not supported by "
            "localshift: name the column or its number there"
        ) from error
