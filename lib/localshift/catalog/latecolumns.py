"""The columns of late-binding views: asked of PostgreSQL when a catalogue query wants them, since a view is bound at each use."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from localshift import wire
from localshift.backend.upstream import Upstream
from localshift.errors import SqlError
from localshift.queries.dialect import translate
from localshift.statements.views import with_late_views

WANTED = re.compile(r"pg_get_late_binding_view_cols|svv_(all_|redshift_)?columns|show\s+columns", re.IGNORECASE)
# A late-binding view may name another one.
MAX_DEPTH = 16


async def leave_columns(session: Upstream, own: Upstream, builtins: frozenset[str]) -> None:
    """Leave the columns of all late-binding views where rs.late_columns() reads them; a view whose tables are gone has none.

    `session` is the client's connection, `own` one of ours that is in no transaction, so that a view that cannot be bound
    fails nobody.
    """
    (result,) = await session.query("SELECT name, query FROM rs.visible_late_views() WHERE denied IS NULL")
    views = {name: query for name, query in result.rows if name and query}
    found = []
    for name, query in views.items():
        if "." in name:
            schema, _, view = name.partition(".")
            columns = await _columns(query, views, own, builtins)
            found += [[schema, view, *column[:3], n] for n, column in enumerate(columns, 1)]
    await session.fetch("SELECT set_config('redshift.late_columns', $1, false)", [json.dumps(found)])


async def _columns(
    query: str, views: Mapping[str, str], own: Upstream, builtins: frozenset[str]
) -> list[wire.Described]:
    """Return the columns of a query; none when it cannot be bound."""
    try:
        for _ in range(MAX_DEPTH):
            expanded = with_late_views(query, views)
            if expanded == query:
                break
            query = expanded
        return wire.row_description(await own.describe(translate(query, builtins=builtins).sql))
    except SqlError:
        return []
