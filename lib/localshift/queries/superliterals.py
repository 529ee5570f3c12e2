"""String literals in the VALUES or SELECT of an INSERT: in a SUPER column they become strings; PostgreSQL would read JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localshift.queries.qualify import items, select_list
from localshift.sql.lex import Token, tokenize
from localshift.sql.scan import View

JOINED = frozenset({"(", "UNION", "ALL", "INTERSECT", "EXCEPT", "MINUS"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Literals:
    """The string literals of an INSERT with the column each is for, by position; `probe` is a query of these columns."""

    probe: str
    found: tuple[tuple[int, Token], ...]


def string_literals(sql: str) -> Literals | None:
    """Return the literals that stand alone in the rows of an INSERT; None for another statement, or one without any."""
    if sql.lstrip()[:6].upper() != "INSERT" or "'" not in sql:
        return None
    view = View(tokenize(sql))
    probe, i = _target(sql, view)
    found = _of_rows(view, i) if view.upper(i) == "VALUES" else _of_queries(view, i)
    return Literals(probe=probe, found=tuple(found)) if probe and found else None


def filled_columns(sql: str) -> str:
    """Return a query of the columns that an INSERT fills, in its order."""
    return _target(sql, View(tokenize(sql)))[0]


def _target(sql: str, view: View) -> tuple[str, int]:
    """Return a query of the columns that an INSERT fills, empty for another statement, and where its rows begin."""
    name = i = 2
    while view.upper(i + 1) == ".":
        i += 2
    end, i = i, i + 1
    columns = "*"
    if view.upper(i) == "(" and view.upper(view.pairs[i] + 1) in ("VALUES", "SELECT", "(", "WITH"):
        columns = sql[view.tokens[i].end : view.tokens[view.pairs[i]].start]
        i = view.pairs[i] + 1
    if view.upper(1) != "INTO":
        return "", i
    table = sql[view.tokens[name].start : view.tokens[end].end]
    return f"SELECT {columns} FROM {table}", i  # noqa: S608 - the client's own names


def _of_rows(view: View, values: int) -> list[tuple[int, Token]]:
    return [
        (position, view.tokens[first])
        for opener in sorted(view.pairs)
        if opener > values and view.openers[opener] == -1
        for position, (first, last) in enumerate(view.arguments(opener))
        if last - first == 1 and view.tokens[first].kind == "string"
    ]


def _of_queries(view: View, start: int) -> list[tuple[int, Token]]:
    """Return the literals that are items of the lists of the query's own SELECTs, those that UNION joins; not behind a star."""
    found: list[tuple[int, Token]] = []
    for select in (i for i in range(start, len(view.tokens)) if view.upper(i) == "SELECT" and _is_own(view, i, start)):
        level, end = select_list(view, select)
        first = select + 1 + (view.upper(select + 1) in ("DISTINCT", "ALL"))
        for position, (begin, behind) in enumerate(items(view, level, first, end)):
            if view.upper(behind - 1) == "*":
                break
            if begin < behind and view.tokens[begin].kind == "string" and _is_alone(view, begin, behind):
                found.append((position, view.tokens[begin]))
    return found


def _is_own(view: View, select: int, start: int) -> bool:
    """Whether only parentheses that hold the query, or what a UNION joins, are around a SELECT."""
    opener = view.openers[select]
    while opener >= start:
        if opener != start and view.upper(opener - 1) not in JOINED:
            return False
        opener = view.openers[opener]
    return True


def _is_alone(view: View, begin: int, behind: int) -> bool:
    names = [view.tokens[i] for i in range(begin + 1, behind)]
    named = names[1:] if names and names[0].upper == "AS" else names
    return not names or (len(named) == 1 and named[0].kind in ("word", "quoted"))


def as_strings(sql: str, literals: Literals, positions: Sequence[int]) -> str:
    """Return the statement with the literals for these columns cast to text first."""
    parts, start = [], 0
    for position, token in literals.found:
        if position in positions:
            parts += [sql[start : token.end], "::varchar"]
            start = token.end
    return "".join([*parts, sql[start:]])
