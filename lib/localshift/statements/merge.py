"""MERGE: what Redshift's form allows of PostgreSQL's, and REMOVE DUPLICATES, which PostgreSQL lacks. No I/O."""

from __future__ import annotations

import itertools

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.queries.dialect import translate
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, quote_literal
from localshift.statements.plan import Plan


def merge(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    """Return the plan of a MERGE; SqlError for what Redshift's does not take."""
    upper = [token.upper for token in tokens]
    if "USING" not in upper or upper[1] != "INTO":
        raise syntax_error(tokens[1].text if len(tokens) > 1 else "")
    using = upper.index("USING")
    _check_target(tokens[2:using])
    if using + 1 < len(tokens) and tokens[using + 1].is_op("("):
        raise refused("MERGE source must be a table: a subquery is not supported")
    cursor = Cursor(sql, builtins)
    cursor.i = 2
    target = cursor.table_name()
    cursor.expect("USING")
    source = cursor.table_name()
    if source == target:
        raise refused("MERGE source and target must be different tables")
    guard = f"SELECT rs.check_merge({quote_literal(source)})"
    if upper[-2:] == ["REMOVE", "DUPLICATES"]:
        return _remove_duplicates(cursor, target, source)
    text = " ".join(upper)
    if "WHEN MATCHED" not in text or "WHEN NOT MATCHED" not in text:
        raise SqlError(SYNTAX_ERROR, "MERGE needs both WHEN MATCHED and WHEN NOT MATCHED")
    if text.count("WHEN ") > 2 or " AND " in _between(text, "WHEN MATCHED", " THEN"):
        raise SqlError(SYNTAX_ERROR, 'syntax error at or near "WHEN"', hint="MERGE takes one clause of each kind.")
    made = translate(sql, builtins=builtins)
    return Plan(kind="forward", sql=made.sql, query_type="MERGE", guard=guard, relations=made.relations, target=target)


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0] + " "


def _check_target(target: list[Token]) -> None:
    if any(a.kind != "op" and b.kind != "op" for a, b in itertools.pairwise(target)):
        raise SqlError(
            SYNTAX_ERROR, f'syntax error at or near "{target[-1].text}"', hint="MERGE's target takes no alias."
        )


def _remove_duplicates(cursor: Cursor, target: str, source: str) -> Plan:
    cursor.accept("AS")
    alias = "" if cursor.peek() == "ON" else " AS " + cursor.table_name()
    cursor.expect("ON")
    condition = translate(cursor.expression(lambda at: at.peek() == "REMOVE"), builtins=cursor.builtins).sql
    cursor.expect("REMOVE")
    cursor.expect("DUPLICATES")
    cursor.end()
    return Plan(
        kind="script",
        before=(
            f"SELECT rs.check_merge({quote_literal(source)})",
            f"SELECT rs.check_same_columns({quote_literal(target)}, {quote_literal(source)})",
        ),
        sql=f"DELETE FROM {target} USING {source}{alias} WHERE {condition}",  # noqa: S608 - names are quoted
        after=(f"INSERT INTO {target} SELECT DISTINCT * FROM {source}",),  # noqa: S608 - names are quoted
        query_type="MERGE",
        tag="MERGE",
        target=target,
    )
