"""QUALIFY as a query around the query: PostgreSQL has no such clause. Text in, text out, both in Redshift's dialect."""

from __future__ import annotations

from localshift.errors import SYNTAX_ERROR, SqlError, refused
from localshift.sql.lex import Token, quote_identifier, tokenize
from localshift.sql.scan import View

ENDS = frozenset({"ORDER", "LIMIT", "OFFSET", "UNION", "INTERSECT", "EXCEPT", "MINUS"})
FROM_ENDS = frozenset({"WHERE", "GROUP", "HAVING", "QUALIFY"})
NOT_AN_ALIAS = frozenset({"END", "NULL", "TRUE", "FALSE"})
LIST_ENDS = frozenset({"FROM", "WHERE", "INTO", "UNION", "INTERSECT", "EXCEPT", "MINUS", "ORDER", "LIMIT", ";"})
JOINS = frozenset({"ON", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "JOIN", "WHERE", "GROUP", "HAVING", "QUALIFY"})


def without_qualify(sql: str) -> str:
    """Return the statement with every QUALIFY rewritten; SqlError for one that cannot be."""
    while "qualify" in sql.lower():
        view = View(tokenize(sql))
        at = next((i for i in range(len(view.tokens) - 1, 0, -1) if _is_clause(view, i)), None)
        if at is None:
            return sql
        sql = _rewritten(sql, view, at)
    return sql


def _is_clause(view: View, i: int) -> bool:
    return view.upper(i) == "QUALIFY" and view.upper(i - 1) not in (",", "AS", ".", "SELECT")


def _rewritten(sql: str, view: View, at: int) -> str:
    level = [i for i in range(len(view.tokens)) if view.openers[i] == view.openers[at]]
    start = next((i for i in reversed(level) if i < at and view.upper(i) == "SELECT"), None)
    source = next((i for i in level if start is not None and start < i < at and view.upper(i) == "FROM"), None)
    if start is None or source is None or at + 1 >= len(view.tokens):
        raise SqlError(SYNTAX_ERROR, 'syntax error at or near "QUALIFY"')
    head, begin = _head(view, level, start, source)
    closing = view.pairs.get(view.openers[at], len(view.tokens))
    end = next((i for i in level if i > at and view.upper(i) in ENDS), closing)

    def text(first: int, last: int) -> str:
        return sql[view.tokens[first].start : view.tokens[last - 1].end]

    inner: list[str] = []
    outer: list[str] = []
    named: dict[str, str] = {}
    for first, last in items(view, level, begin, source):
        if view.upper(last - 1) == "*" and last - first in (1, 3):
            rows = [view.tokens[first].name] if last - first == 3 else _aliases(view, level, source, at)
        else:
            rows = []
            stop, name, given = item_name(view.tokens[first:last])
            expression = text(first, first + stop)
            inner.append(f"{expression} AS rs_c{len(inner)}")
            outer.append(f"rs_q.rs_c{len(inner) - 1} AS {quote_identifier(name)}")
            if given:
                named[name] = expression
        for row in rows:
            inner.append(f"{quote_identifier(row)} AS rs_c{len(inner)}")
            outer.append(f"(rs_q.rs_c{len(inner) - 1}).*")
    condition = _condition(sql, view, (at + 1, end), named)
    tail = " " + text(end, closing) if end < closing else ""
    rest = sql[view.tokens[closing].start :] if closing < len(view.tokens) else ""
    query = (
        f"SELECT {head}{', '.join(outer)} FROM (SELECT {', '.join(inner)}, ({condition}) AS rs_qualify"  # noqa: S608 - the client's own text
        f" {text(source, at)}) AS rs_q WHERE rs_qualify{tail}"
    )
    return sql[: view.tokens[start].start] + query + rest


def _head(view: View, level: list[int], start: int, source: int) -> tuple[str, int]:
    """Return what stands before the list of the SELECT, and where the list begins; SqlError for one that cannot be rewritten.

    Distinct, and first, are rows of what QUALIFY has left.
    """
    if any(view.upper(i) == "INTO" for i in level if start < i < source):
        raise refused("QUALIFY together with INTO is not supported by localshift")
    begin = start + 1
    while view.upper(begin) in ("DISTINCT", "ALL", "TOP"):
        begin += 2 if view.upper(begin) == "TOP" else 1
    return "".join(f"{token.text} " for token in view.tokens[start + 1 : begin]), begin


def select_list(view: View, select: int) -> tuple[list[int], int]:
    """Return the positions of a select list that are not within parentheses, and where it ends."""
    level, i = [], select
    while i < len(view.tokens) and not view.tokens[i].is_op(")"):
        if i > select and view.upper(i) in LIST_ENDS:
            break
        level.append(i)
        i = view.pairs[i] + 1 if view.upper(i) == "(" else i + 1
    return level, i


def items(view: View, level: list[int], first: int, last: int) -> list[tuple[int, int]]:
    """Return the token ranges between the commas of one level."""
    commas = [i for i in level if first <= i < last and view.tokens[i].is_op(",")]
    return list(zip([first, *(i + 1 for i in commas)], [*commas, last], strict=True))


def item_name(tokens: list[Token]) -> tuple[int, str, bool]:
    """Return how many tokens are the expression, the column's name, and whether it was given."""
    last = tokens[-1]
    if len(tokens) > 2 and tokens[-2].upper == "AS":
        return len(tokens) - 2, last.name, True
    is_name = last.kind in ("word", "quoted") and last.upper not in NOT_AN_ALIAS
    if len(tokens) > 1 and is_name and (tokens[-2].kind != "op" or tokens[-2].text in (")", "]")):
        return len(tokens) - 1, last.name, True
    if is_name and all(token.kind in ("word", "quoted") or token.is_op(".") for token in tokens):
        return len(tokens), last.name, False
    called = len(tokens) > 1 and tokens[0].kind == "word" and tokens[1].is_op("(")
    return len(tokens), tokens[0].name if called else "?column?", False


def _aliases(view: View, level: list[int], source: int, at: int) -> list[str]:
    """Return the names by which the relations of a FROM clause are called."""
    found: list[str] = []
    within = [i for i in level if source <= i < at]
    end = next((i for i in within if view.upper(i) in FROM_ENDS), at)
    for i in (i for i in within if i < end):
        if view.upper(i) in ("NATURAL", "USING"):
            raise refused(f"QUALIFY over * and {view.upper(i)} is not supported by localshift")
        if view.upper(i) in ("FROM", "JOIN", ","):
            found.append(_alias(view, i + 1))
    return found


def _alias(view: View, i: int) -> str:
    behind = view.pairs[i] + 1 if view.upper(i) == "(" else i + 1
    while view.upper(behind) == ".":
        behind += 2
    if view.upper(behind) == "AS":
        behind += 1
    token = view.at(behind)
    if token is not None and token.kind in ("word", "quoted") and token.upper not in JOINS:
        return token.name
    return view.tokens[behind - 1].name


def _condition(sql: str, view: View, span: tuple[int, int], named: dict[str, str]) -> str:
    out, position = [], view.tokens[span[0]].start
    for i in range(*span):
        token = view.tokens[i]
        if (
            token.kind in ("word", "quoted")
            and token.name in named
            and "." not in (view.upper(i - 1), view.upper(i + 1))
        ):
            out += [sql[position : token.start], f"({named[token.name]})"]
            position = token.end
    return "".join([*out, sql[position : view.tokens[span[1] - 1].end]])
