"""What happens with a statement: forwarded (translated), run by us as a script of statements, or a COPY. No I/O."""

from __future__ import annotations

import itertools

from localshift import administration
from localshift.copy import parse_copy
from localshift.ddl import create_table
from localshift.dialect import translate
from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.grammar import Cursor
from localshift.lex import Token, quote_literal, tokenize
from localshift.plan import Plan

QUERY_TYPES = {
    "SELECT": "SELECT",
    "WITH": "SELECT",
    "INSERT": "INSERT",
    "UPDATE": "UPDATE",
    "DELETE": "DELETE",
    "MERGE": "MERGE",
}


def route(sql: str, *, builtins: frozenset[str] = frozenset()) -> Plan:
    """Return what to do with one statement; SqlError when it is refused."""
    tokens = tokenize(sql)
    if tokens and tokens[-1].is_op(";"):
        sql, tokens = sql[: tokens[-1].start], tokens[:-1]
    if not tokens:
        return Plan(kind="empty", sql="", query_type="OTHER")
    if any(token.is_op(";") for token in tokens):
        raise SqlError(SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement")
    first = tokens[0].upper or tokens[0].text
    if first == "(" or first in QUERY_TYPES:
        return _query(sql, tokens, builtins)
    if first == "COPY":
        return Plan(kind="copy", sql=sql, query_type="COPY", copy=parse_copy(sql))
    if first == "CREATE" and _creates_table(tokens):
        made = create_table(sql, builtins=builtins)
        remember = f"SET redshift.table_attributes = {quote_literal(made.attributes.to_json())}"
        return Plan(
            kind="script",
            sql=made.sql,
            before=(remember,),
            after=("RESET redshift.table_attributes",),
            query_type=made.query_type,
        )
    return administration.route(Cursor(sql, builtins))


def _creates_table(tokens: list[Token]) -> bool:
    head = [token.upper for token in tokens[1:4]]
    return "TABLE" in head and "EXTERNAL" not in head


def _query(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    first = tokens[0].upper
    if first == "MERGE":
        _check_merge(tokens)
    if first == "DELETE" and len(tokens) > 1 and tokens[1].upper != "FROM":
        sql = "DELETE FROM " + sql[tokens[1].start :]  # noqa: S608 - the statement is the client's own
    translation = translate(sql, builtins=builtins)
    kind = QUERY_TYPES.get(first, "SELECT")
    if kind == "SELECT" and any(token.upper == "INTO" for token in tokens):
        kind = "CTAS"
    return Plan(kind="forward", sql=translation.sql, query_type=kind, system=translation.system)


def _check_merge(tokens: list[Token]) -> None:
    """Refuse what Redshift's MERGE does not take: a target alias, a source that is no table, a one-sided form."""
    upper = [token.upper for token in tokens]
    if "USING" not in upper or upper[1] != "INTO":
        raise syntax_error(tokens[1].text if len(tokens) > 1 else "")
    using = upper.index("USING")
    target = tokens[2:using]
    if any(a.kind != "op" and b.kind != "op" for a, b in itertools.pairwise(target)):
        raise SqlError(
            SYNTAX_ERROR, f'syntax error at or near "{target[-1].text}"', hint="MERGE's target takes no alias."
        )
    if using + 1 < len(tokens) and tokens[using + 1].is_op("("):
        raise refused("MERGE source must be a table: a subquery is not supported")
    if "DUPLICATES" in upper[-1:]:
        raise refused("MERGE with REMOVE DUPLICATES is not supported by localshift yet")
    text = " ".join(upper)
    if "WHEN MATCHED" not in text or "WHEN NOT MATCHED" not in text:
        raise SqlError(SYNTAX_ERROR, "MERGE needs both WHEN MATCHED and WHEN NOT MATCHED")
