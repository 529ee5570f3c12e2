"""PIVOT and UNPIVOT as grouped queries and unions, which PostgreSQL has. Text in, text out, both in Redshift's dialect.

Columns that neither names stay as they are, so the columns of what is turned must be known: `Turned.probe` asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from localshift.errors import refused, syntax_error
from localshift.queries.qualify import FROM_ENDS
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, quote_identifier, quote_literal, tokenize
from localshift.sql.scan import View

AGGREGATES = frozenset({"COUNT", "SUM", "MIN", "MAX", "AVG"})
JOINS = frozenset({"JOIN", "INNER", "LEFT", "RIGHT", "FULL", "CROSS", "NATURAL", "ON", "USING"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Turned:
    """A PIVOT or UNPIVOT: `start` and `end` are offsets of it with its source, `probe` is a query of the source's columns."""

    start: int
    end: int
    source: str
    probe: str
    clause: str
    nulls: bool
    up: bool


def first_turned(sql: str) -> Turned | None:
    """Return the first PIVOT or UNPIVOT of a statement; None when there is none, SqlError for one that cannot be."""
    if "pivot" not in sql.lower():
        return None
    view = View(tokenize(sql))
    at = next((i for i in range(len(view.tokens)) if _is_clause(view, i)), None)
    if at is None:
        return None
    level = [i for i in range(at) if view.openers[i] == view.openers[at]]
    start = next((i for i in reversed(level) if view.upper(i) in ("FROM", ",") or view.upper(i) in JOINS), None)
    if start is None or start + 1 >= at or view.upper(start) in JOINS:
        raise refused(f"{view.upper(at)} of a join is not supported")
    up, opener = view.upper(at) == "UNPIVOT", at + 1
    nulls = up and view.upper(at + 1) == "INCLUDE"
    if up and view.upper(at + 1) in ("INCLUDE", "EXCLUDE") and view.upper(at + 2) == "NULLS":
        opener = at + 3
    if view.upper(opener) != "(":
        raise syntax_error(view.tokens[at].text)
    close = view.pairs[opener]
    source = sql[view.tokens[start + 1].start : view.tokens[at - 1].end]
    select = next((i for i in range(len(view.tokens)) if view.upper(i) == "SELECT" and view.openers[i] == -1), 0)
    head = sql[: view.tokens[select].start] if view.upper(0) == "WITH" else ""
    return Turned(
        start=view.tokens[start + 1].start,
        end=view.tokens[close].end,
        source=source,
        probe=f"{head} SELECT * FROM {source}",  # noqa: S608 - the client's own text
        clause=sql[view.tokens[opener + 1].start : view.tokens[close].start],
        nulls=nulls,
        up=up,
    )


def without_turned(sql: str, turned: Turned, columns: Sequence[str]) -> str:
    """Return the statement with a query in place of the PIVOT or UNPIVOT; `columns` are those of its source."""
    query = _unpivot(turned, columns) if turned.up else _pivot(turned, columns)
    behind = Cursor(sql[turned.end :])
    named = behind.kind() in ("word", "quoted") and behind.peek() not in FROM_ENDS | JOINS | {
        "ORDER",
        "LIMIT",
        "OFFSET",
    }
    return f"{sql[: turned.start]}({query}){'' if named else ' AS rs_turned'}{sql[turned.end :]}"


def _is_clause(view: View, i: int) -> bool:
    if view.upper(i) == "PIVOT":
        return view.upper(i + 1) == "(" and view.upper(i - 1) not in (".", "AS", ",", "SELECT")
    return view.upper(i) == "UNPIVOT" and (view.upper(i + 1) == "(" or view.upper(i + 2) == "NULLS")


def _pivot(turned: Turned, columns: Sequence[str]) -> str:
    cursor = Cursor(turned.clause)
    function = cursor.take()
    if function.upper not in AGGREGATES or cursor.peek() != "(":
        raise refused("PIVOT takes COUNT, SUM, MIN, MAX or AVG")
    cursor.expect("(")
    distinct = "DISTINCT " if cursor.accept("DISTINCT") else ""
    argument = _until_close(cursor)
    suffix = f"_{cursor.identifier()}" if cursor.accept("AS") or cursor.peek() != "FOR" else ""
    cursor.expect("FOR")
    by = cursor.identifier()
    used = {token.name for token in argument if token.kind in ("word", "quoted")} | {by}
    text = "1" if len(argument) == 1 and argument[0].is_op("*") else _text(turned.clause, argument)
    made = []
    for value, name in _values(cursor):
        test = f"{quote_identifier(by)} {'IS NULL' if value.upper() == 'NULL' else f'= {value}'}"
        named = quote_identifier(name + suffix)
        made.append(f"{function.text}({distinct}CASE WHEN {test} THEN {text} END) AS {named}")
    kept = [quote_identifier(column) for column in columns if column not in used]
    group = f" GROUP BY {', '.join(kept)}" if kept else ""
    return f"SELECT {', '.join([*kept, *made])} FROM {turned.source}{group}"  # noqa: S608 - the client's own text


def _unpivot(turned: Turned, columns: Sequence[str]) -> str:
    cursor = Cursor(turned.clause)
    value = cursor.identifier()
    cursor.expect("FOR")
    name = cursor.identifier()
    pairs = _values(cursor)
    turning = {tokenize(text)[0].name for text, _ in pairs}
    kept = [quote_identifier(column) for column in columns if column not in turning]
    parts = []
    for text, shown in pairs:
        column = quote_identifier(tokenize(text)[0].name)
        items = [
            *kept,
            f"{quote_literal(shown)}::varchar AS {quote_identifier(name)}",
            f"{column} AS {quote_identifier(value)}",
        ]
        where = "" if turned.nulls else f" WHERE {column} IS NOT NULL"
        parts.append(f"SELECT {', '.join(items)} FROM {turned.source}{where}")  # noqa: S608 - the client's own text
    return " UNION ALL ".join(parts)


def _values(cursor: Cursor) -> list[tuple[str, str]]:
    """Take `IN (value [AS name], ...)` to the end of the clause: the text of each value, and its name."""
    cursor.expect("IN")
    cursor.expect("(")
    found: list[tuple[str, str]] = []
    while True:
        sign = "-" if cursor.accept("-") else ""
        token = cursor.take()
        if token.kind == "op":
            raise refused("PIVOT by an expression is not supported by localshift")
        text = sign + token.text
        default = token.value if token.kind == "string" else text.lower() if token.kind != "quoted" else token.name
        named = cursor.accept("AS") or cursor.kind() in ("word", "quoted", "string")
        alias = cursor.take() if named else None
        found.append((text, default if alias is None else alias.value if alias.kind == "string" else alias.name))
        if not cursor.accept(","):
            break
    cursor.expect(")")
    cursor.end()
    return found


def _until_close(cursor: Cursor) -> list[Token]:
    """Take tokens up to the parenthesis that closes, and the parenthesis."""
    found: list[Token] = []
    depth = 0
    while depth or cursor.peek() != ")":
        depth += (cursor.peek() == "(") - (cursor.peek() == ")")
        found.append(cursor.take())
    cursor.expect(")")
    return found


def _text(source: str, tokens: Sequence[Token]) -> str:
    if not tokens:
        raise syntax_error(")")
    return source[tokens[0].start : tokens[-1].end]
