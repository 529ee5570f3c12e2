"""What can be written for PostgreSQL only when columns are known: PIVOT, EXCLUDE, names used by later items, strings for SUPER.

In place of a name of the select list Redshift puts the expression, unless a column has the name. Which columns there are
PostgreSQL knows: it is asked to prepare the query, and what it does not find is put in.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import SqlError
from localshift.queries.dialect import translate
from localshift.queries.excluding import first_excluded, without_excluded
from localshift.queries.pivot import first_turned, without_turned
from localshift.queries.qualify import item_name, items, select_list
from localshift.queries.superliterals import as_strings, string_literals
from localshift.sql.lex import Token, quote_literal, tokenize
from localshift.sql.scan import View

SELECT = re.compile(r"\bselect\b.*,", re.IGNORECASE | re.DOTALL)
NO_COLUMN = re.compile(r'column "(.+)" does not exist')
UNBOUND = ["WITH", "NO", "SCHEMA", "BINDING"]
UNDEFINED_COLUMN = "42703"
JSONB = 3802
Change = tuple[int, int, str]
Use = tuple[int, str]


async def resolved(sql: str, upstream: Upstream, builtins: frozenset[str]) -> str:
    """Return the statement without PIVOT, and with expressions in place of names that are no columns."""
    if (inner := _unloaded(sql)) is not None:
        return _with_literal(sql, inner, await resolved(inner.value, upstream, builtins))
    if (literals := string_literals(sql)) is not None:
        kinds = column_types(await upstream.describe(translate(literals.probe, builtins=builtins).sql))
        sql = as_strings(sql, literals, [i for i, kind in enumerate(kinds) if kind == JSONB])
    while (turned := first_turned(sql)) is not None:
        columns = column_names(await upstream.describe(translate(turned.probe, builtins=builtins).sql))
        sql = without_turned(sql, turned, columns)
    while (excluded := first_excluded(sql)) is not None:
        columns = column_names(await upstream.describe(translate(excluded.probe, builtins=builtins).sql))
        sql = without_excluded(sql, excluded, columns)
    return await _with_lateral_aliases(sql, upstream, builtins)


def outline(sql: str) -> str:
    """Return the statement with something else in place of every PIVOT: enough to tell what kind it is and where it writes."""
    if (inner := _unloaded(sql)) is not None:
        return _with_literal(sql, inner, outline(inner.value))
    while (turned := first_turned(sql)) is not None:
        sql = f"{sql[: turned.start]}{turned.source} {sql[turned.end :]}"
    while (excluded := first_excluded(sql)) is not None:
        sql = f"{sql[: excluded.start]}{excluded.star} {sql[excluded.end :]}"
    return sql


def _unloaded(sql: str) -> Token | None:
    """Return the literal that holds an UNLOAD's query; None for every other statement."""
    tokens = tokenize(sql) if "unload" in sql.lower() else []
    is_unload = len(tokens) > 2 and tokens[0].upper == "UNLOAD" and tokens[1].is_op("(") and tokens[2].kind == "string"
    return tokens[2] if is_unload else None


def _with_literal(sql: str, token: Token, value: str) -> str:
    return sql if value == token.value else sql[: token.start] + quote_literal(value) + sql[token.end :]


def column_names(description: bytes) -> list[str]:
    """Return the names in the body of a RowDescription."""
    return [column.name for column in wire.row_description(description)]


def column_types(description: bytes) -> list[int]:
    """Return the numbers of the types in the body of a RowDescription."""
    return [column.kind for column in wire.row_description(description)]


async def _with_lateral_aliases(sql: str, upstream: Upstream, builtins: frozenset[str]) -> str:
    uses = used_names(sql) if SELECT.search(sql) else frozenset()
    if not uses or await _missing(sql, upstream, builtins) not in {name for _, name in uses}:
        return sql
    needed = set()
    for use in uses:
        # With all the others put in, this name alone can be missing: in its own list, whatever another list calls so.
        if await _missing(inlined(sql, uses - {use}), upstream, builtins) == use[1]:
            needed.add(use)
    return inlined(sql, needed)


def used_names(sql: str) -> frozenset[Use]:
    """Return the names of select lists that a later item of the list uses, each with the position of its SELECT."""
    found: set[Use] = set()
    _changes(sql, View(tokenize(sql)), frozenset(), found)
    return frozenset(found)


def inlined(sql: str, uses: Collection[Use]) -> str:
    """Return the statement with these names, where a later item uses them, as the expressions they stand for."""
    for start, end, text in sorted(_changes(sql, View(tokenize(sql)), uses, set()), reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _changes(sql: str, view: View, uses: Collection[Use], found: set[Use]) -> list[Change]:
    changes: list[Change] = []
    for select in (i for i in range(len(view.tokens)) if view.upper(i) == "SELECT"):
        level, end = select_list(view, select)
        first = select + 1 + (view.upper(select + 1) in ("DISTINCT", "ALL"))
        names = {name for position, name in uses if position == select}
        used: set[str] = set()
        changes += _of_list(sql, view, items(view, level, first, end), names, used)
        found |= {(select, name) for name in used}
    return changes


def _of_list(
    sql: str, view: View, spans: list[tuple[int, int]], names: Collection[str], found: set[str]
) -> list[Change]:
    changes: list[Change] = []
    named: dict[str, str] = {}
    for first, last in spans:
        if first >= last:
            continue
        length, name, given = item_name(view.tokens[first:last])
        used = [
            i for i in range(first, first + length) if _is_bare_name(view, i, first) and view.tokens[i].name in named
        ]
        found |= {view.tokens[i].name for i in used}
        own = [
            (view.tokens[i].start, view.tokens[i].end, named[view.tokens[i].name])
            for i in used
            if view.tokens[i].name in names
        ]
        changes += own
        if given:
            offset = view.tokens[first].start
            text = sql[offset : view.tokens[first + length - 1].end]
            for start, end, expression in reversed(own):
                text = text[: start - offset] + expression + text[end - offset :]
            named[name] = f"({text})"
    return changes


def _is_bare_name(view: View, i: int, first: int) -> bool:
    """Whether a name stands at `i` that can be a column or an alias of this list, and not of a query within it."""
    if view.tokens[i].kind not in ("word", "quoted") or view.upper(i + 1) in (".", "("):
        return False
    opener = view.openers[i]
    while opener >= first:
        if view.upper(opener + 1) in ("SELECT", "WITH"):
            return False
        opener = view.openers[opener]
    return view.upper(i - 1) not in (".", "::", "AS")


async def _missing(sql: str, upstream: Upstream, builtins: frozenset[str]) -> str:
    """Return the name of the column that PostgreSQL does not find in the query of a statement; empty when that is not it."""
    query = _query(sql)
    save, back = (("SAVEPOINT rs_probe",), ("ROLLBACK TO SAVEPOINT rs_probe", "RELEASE SAVEPOINT rs_probe"))
    within = upstream.status == b"T"
    try:
        prepare = f"PREPARE rs_probe AS {translate(query, builtins=builtins).sql}"
        release = ("RELEASE SAVEPOINT rs_probe",) if within else ()
        await upstream.check(*(save if within else ()), prepare, "DEALLOCATE rs_probe", *release)
    except UpstreamError as error:
        if within:
            await upstream.check(*back)
        missing = NO_COLUMN.fullmatch(error.message) if error.code == UNDEFINED_COLUMN else None
        return missing.group(1) if missing else ""
    except SqlError:
        return ""
    return ""


def _query(sql: str) -> str:
    """Return the query that a statement runs: itself, or what stands behind CREATE ... AS, INSERT INTO and the like."""
    view = View(tokenize(sql))
    count = len(view.tokens) - (4 if [view.upper(i) for i in range(len(view.tokens))][-4:] == UNBOUND else 0)
    if count and view.tokens[count - 1].is_op(";"):
        count -= 1
    starts = (i for i in range(count) if view.openers[i] == -1 and view.upper(i) in ("SELECT", "WITH"))
    start = next(starts, 0)
    return sql[view.tokens[start].start : view.tokens[count - 1].end]
