"""What Redshift's leader node lets queries of system tables do and PostgreSQL does not: text in, text out.

A name given in a select list may be used by WHERE and by a later item, where no column has that name; `WHERE 1` is true.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from localshift.errors import SqlError
from localshift.sql.lex import tokenize
from localshift.sql.scan import View, is_system

SYSTEM = re.compile(r"\b(pg_|svv_|svl_|stl_|stv_|sys_|information_schema)\w", re.IGNORECASE)
SET_WORDS = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS"})
AFTER_WHERE = SET_WORDS | {"GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "WINDOW"}
# Catalogue queries are shorter; what is longer is data.
MAX_LENGTH = 200_000
LOGIC = frozenset({"WHERE", "AND", "OR", "NOT"})

Columns = Mapping[str, frozenset[str]]
Change = tuple[int, int, str]


def with_aliases(sql: str, columns: Columns) -> str:
    """Return a query of system tables as PostgreSQL takes it; `columns` are those of each system table by its bare name."""
    if len(sql) > MAX_LENGTH or not SYSTEM.search(sql):
        return sql
    try:
        view = View(tokenize(sql))
    except SqlError:
        return sql
    changes: list[Change] = []
    for i in range(len(view.tokens)):
        if view.upper(i) == "SELECT":
            changes += _of_select(sql, view, i, columns)
    for start, end, text in sorted(changes, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _of_select(sql: str, view: View, select: int, columns: Columns) -> list[Change]:
    """Return what changes in one SELECT, without those inside of it."""
    closing = view.pairs.get(view.openers[select], len(view.tokens))
    level = [i for i in range(select, closing) if view.openers[i] == view.openers[select]]
    level = level[: next((k for k, i in enumerate(level) if view.upper(i) in SET_WORDS), len(level))]
    source = next((i for i in level if view.upper(i) == "FROM"), None)
    if source is None:
        return []
    last = level[-1] + 1
    last = view.pairs.get(last - 1, last - 1) + 1
    where = next((i for i in level if view.upper(i) == "WHERE"), last)
    end = next((i for i in level if i > where and view.upper(i) in AFTER_WHERE), last)
    known = _columns(view, (source, min(where, end)), columns)
    if known is None:
        return []
    changes, named = _items(sql, view, [i for i in level if select < i < source], source, known)
    for i in range(where + 1, end):
        if _is_bare_name(view, i) and view.tokens[i].name in named:
            changes.append((view.tokens[i].start, view.tokens[i].end, named[view.tokens[i].name]))
        elif (
            view.tokens[i].text == "1"
            and view.upper(i - 1) in LOGIC
            and (i + 1 == end or view.upper(i + 1) in LOGIC | {")"})
        ):
            changes.append((view.tokens[i].start, view.tokens[i].end, "true"))
    return changes


def _columns(view: View, span: tuple[int, int], columns: Columns) -> frozenset[str] | None:
    """Return every name that may be a column of this FROM clause; None when it reads from what is no system table."""
    known: set[str] = set()
    for i in range(*span):
        token = view.tokens[i]
        if view.openers[i] != view.openers[span[0]]:
            known.add(token.name)
        elif view.upper(i) in ("FROM", "JOIN", ","):
            at = i + 1
            while view.upper(at + 1) == ".":
                at += 2
            name = view.at(at)
            if name is None or name.is_op("(") or view.upper(at + 1) == "(":
                continue
            if name.name not in columns or not is_system(
                ".".join(view.tokens[k].name for k in range(i + 1, at + 1, 2))
            ):
                return None
            known |= columns[name.name]
    return frozenset(known)


def _items(
    sql: str, view: View, level: list[int], end: int, known: frozenset[str]
) -> tuple[list[Change], dict[str, str]]:
    """Return what changes in the select list, and its names with the expressions they stand for."""
    changes: list[Change] = []
    named: dict[str, str] = {}
    start = level[0] if level else end
    for edge in [*(i for i in level if view.tokens[i].is_op(",")), end]:
        if view.upper(start) in ("DISTINCT", "ALL"):
            start += 1
        given = edge - 2 > start and view.upper(edge - 2) == "AS"
        last = edge - 2 if given else edge
        own = [
            (view.tokens[i].start, view.tokens[i].end, named[view.tokens[i].name])
            for i in range(start, last)
            if _is_bare_name(view, i) and view.tokens[i].name in named
        ]
        changes += own
        if given and view.tokens[edge - 1].name not in known:
            text, offset = sql[view.tokens[start].start : view.tokens[last - 1].end], view.tokens[start].start
            for first, behind, expression in reversed(own):
                text = text[: first - offset] + expression + text[behind - offset :]
            named[view.tokens[edge - 1].name] = f"({text})"
        start = edge + 1
    return changes, named


def _is_bare_name(view: View, i: int) -> bool:
    return (
        view.tokens[i].kind in ("word", "quoted")
        and view.upper(i - 1) not in (".", "::", "AS")
        and view.upper(i + 1) not in (".", "(")
    )
