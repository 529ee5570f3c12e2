"""String literals in the VALUES of an INSERT: in a SUPER column they become strings, which PostgreSQL would read as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localshift.sql.lex import Token, tokenize
from localshift.sql.scan import View


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
    name = i = 2
    while view.upper(i + 1) == ".":
        i += 2
    end, i = i, i + 1
    columns = "*"
    if view.upper(i) == "(" and view.upper(view.pairs[i] + 1) == "VALUES":
        columns = sql[view.tokens[i].end : view.tokens[view.pairs[i]].start]
        i = view.pairs[i] + 1
    if view.upper(1) != "INTO" or view.upper(i) != "VALUES":
        return None
    found = [
        (position, view.tokens[first])
        for opener in sorted(view.pairs)
        if opener > i and view.openers[opener] == -1
        for position, (first, last) in enumerate(view.arguments(opener))
        if last - first == 1 and view.tokens[first].kind == "string"
    ]
    table = sql[view.tokens[name].start : view.tokens[end].end]
    return Literals(probe=f"SELECT {columns} FROM {table}", found=tuple(found)) if found else None  # noqa: S608 - the client's


def as_strings(sql: str, literals: Literals, positions: Sequence[int]) -> str:
    """Return the statement with the literals for these columns cast to text first."""
    parts, start = [], 0
    for position, token in literals.found:
        if position in positions:
            parts += [sql[start : token.end], "::varchar"]
            start = token.end
    return "".join([*parts, sql[start:]])
