"""`SELECT * EXCLUDE`: the columns that are left, by name. Text in, text out, both in Redshift's dialect.

Which columns there are must be known: `Excluded.probe` asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localshift.errors import SqlError, syntax_error
from localshift.sql.lex import Token, quote_identifier, tokenize
from localshift.sql.scan import View

FROM_ENDS = frozenset(
    {"WHERE", "GROUP", "HAVING", "QUALIFY", "ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "MINUS", ";"}
)
UNDEFINED_COLUMN = "42703"


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """A star with EXCLUDE: `start` and `end` are its offsets, `star` is it alone, `probe` is a query of all its columns."""

    start: int
    end: int
    star: str
    names: tuple[str, ...]
    probe: str


def first_excluded(sql: str) -> Excluded | None:
    """Return the first star with EXCLUDE of a statement; None when there is none, SqlError for one that cannot be."""
    if "exclude" not in sql.lower():
        return None
    view = View(tokenize(sql))
    at = next((i for i in range(1, len(view.tokens)) if _is_clause(view, i)), None)
    if at is None:
        return None
    names, end = _names(view, at + 1)
    if view.upper(end) != "FROM":
        raise syntax_error(view.tokens[end].text if end < len(view.tokens) else "")
    closing = view.pairs.get(view.openers[at], len(view.tokens))
    level = (i for i in range(end, closing) if view.openers[i] == view.openers[at] and view.upper(i) in FROM_ENDS)
    stop = next(level, closing)
    first = at - 3 if view.upper(at - 2) == "." else at - 1
    star = sql[view.tokens[first].start : view.tokens[at - 1].end]
    select = next((i for i in range(len(view.tokens)) if view.upper(i) == "SELECT" and view.openers[i] == -1), 0)
    head = sql[: view.tokens[select].start] if view.upper(0) == "WITH" and select < at else ""
    return Excluded(
        start=view.tokens[first].start,
        end=view.tokens[end - 1].end,
        star=star,
        names=tuple(token.name for token in names),
        probe=f"{head} SELECT {star} {sql[view.tokens[end].start : view.tokens[stop - 1].end]}",
    )


def without_excluded(sql: str, excluded: Excluded, columns: Sequence[str]) -> str:
    """Return the statement with the columns that are left in place of the star; `columns` are all of them."""
    for name in excluded.names:
        if name not in columns:
            raise SqlError(UNDEFINED_COLUMN, f'column "{name}" does not exist')
    prefix = excluded.star.removesuffix("*")
    left = [prefix + quote_identifier(column) for column in columns if column not in excluded.names]
    if not left:
        raise SqlError("42601", "EXCLUDE leaves no column")
    return sql[: excluded.start] + ", ".join(left) + sql[excluded.end :]


def _is_clause(view: View, i: int) -> bool:
    if view.upper(i) != "EXCLUDE" or view.upper(i - 1) != "*":
        return False
    return view.upper(i - 2) in ("SELECT", "DISTINCT", "ALL", ",", ".") or view.upper(i - 3) == "TOP"


def _names(view: View, i: int) -> tuple[list[Token], int]:
    """Return the names of the list at `i`, with parentheses or without, and the position behind it."""
    close = view.pairs[i] if view.upper(i) == "(" else len(view.tokens)
    end = i + 1 if view.upper(i) == "(" else i
    names: list[Token] = []
    while end < close and view.tokens[end].kind in ("word", "quoted"):
        names.append(view.tokens[end])
        end += 1
        if view.upper(end) != ",":
            break
        end += 1
    if not names or (view.upper(i) == "(" and end != close):
        raise syntax_error(view.tokens[end].text if end < len(view.tokens) else "")
    return names, end + (view.upper(i) == "(")
