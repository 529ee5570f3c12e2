"""Late-binding views put into a query: by their text where the reader may read what stands below, else as their owner.

Redshift asks of the reader SELECT on the view, and of the view's owner the rights on what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localshift import wire
from localshift.catalog.latecolumns import MAX_DEPTH
from localshift.errors import SqlError
from localshift.front.execution import Executor
from localshift.queries.dialect import translate
from localshift.queries.resolving import resolved
from localshift.sql.lex import quote_identifier, quote_literal, tokenize
from localshift.sql.scan import is_system, relations
from localshift.statements.views import late_views_in, with_late_views

CALLERS = frozenset({"CURRENT_USER", "USER"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LateView:
    """A view: its number, its owner, its text, and what of it this session is denied, empty for nothing."""

    number: str
    owner: str
    query: str
    denied: str


async def with_late_views_of(executor: Executor, sql: str) -> str:
    """Return a query with the late-binding views it reads put in; SqlError where rights are missing."""
    if not executor.shared.history.late_views:
        return sql
    (result,) = await executor.upstream.query(
        "SELECT name, view_id, owner, query, coalesce(denied, '') FROM rs.visible_late_views()"
    )
    views = {
        row[0]: LateView(number=row[1], owner=row[2], query=row[3], denied=row[4])
        for row in ([value or "" for value in row] for row in result.rows)
    }
    for name in late_views_in(sql, views):
        _check(views[name].denied)
    return await _put_in(sql, views, executor, reader="", depth=0)


def _check(denied: str) -> None:
    if denied:
        raise SqlError("42501", f"permission denied for {denied}")


async def _put_in(sql: str, views: Mapping[str, LateView], executor: Executor, *, reader: str, depth: int) -> str:
    """Return a query that `reader`, or the session's user, sends with its views put in."""
    if depth > MAX_DEPTH:
        raise SqlError("54001", f"late-binding views stand on one another more than {MAX_DEPTH} deep")
    texts = {}
    for name in sorted(late_views_in(sql, views)):
        view = views[name]
        below = [quote_literal(name) for name in relations(tokenize(view.query)) if not is_system(name)]
        asked = f"{view.number}, {quote_literal(reader)}, ARRAY[{', '.join(below)}]::text[]"
        (result,) = await executor.upstream.query(f"SELECT * FROM rs.late_access({asked})")  # noqa: S608 - all quoted
        denied, direct, entered = result.rows[0]
        _check(denied or "")
        owner = reader if direct == "t" else view.owner
        text = await _put_in(view.query, views, executor, reader=owner, depth=depth + 1)
        texts[name] = text if direct == "t" else await _as_owner(view, text, executor, entered=entered == "t")
    return with_late_views(sql, texts)


async def _as_owner(view: LateView, query: str, executor: Executor, *, entered: bool) -> str:
    """Return the query that reads a view by the function that runs as its owner.

    A session that may not `enter` the schemas below cannot ask for the columns: then they are those of what is committed.
    """
    builtins, own = executor.shared.builtins, executor.shared.history.connection
    sql = translate(await resolved(_by_session(query), executor.upstream, builtins), builtins=builtins).sql
    columns = wire.row_description(await (executor.upstream if entered else own).describe(sql))
    types = ", ".join(f"format_type({column.kind}, {column.modifier})" for column in columns)
    ((ticket, *named),) = await own.fetch(f"SELECT rs.ticket({view.number}, $1), {types}", [sql])
    defined = ", ".join(f"{quote_identifier(column.name)} {kind}" for column, kind in zip(columns, named, strict=True))
    called = f"rs.late_{view.number}({quote_literal(sql)}, {quote_literal(ticket or '')})"
    return f"SELECT * FROM {called} AS late ({defined})"  # noqa: S608 - quoted, and types as PostgreSQL writes them


def _by_session(query: str) -> str:
    """Return a query whose user is the one who asks, also where another's rights hold."""
    out, position = [], 0
    tokens = tokenize(query)
    for i, token in enumerate(tokens):
        if token.upper in CALLERS and not (i and (tokens[i - 1].is_op(".") or tokens[i - 1].upper == "AS")):
            out += [query[position : token.start], "session_user"]
            position = token.end
    return "".join([*out, query[position:]])
