"""What happens with a statement: forwarded (translated), run by us as a script of statements, a COPY or an UNLOAD. No I/O."""

from __future__ import annotations

import itertools

from localshift.errors import SYNTAX_ERROR, SqlError, syntax_error
from localshift.loading.copy import parse_copy
from localshift.queries.dialect import translate
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, quote_literal, quoted, tokenize
from localshift.statements import administration
from localshift.statements.ddl import create_table
from localshift.statements.keys import LEAVE_PATH
from localshift.statements.merge import merge
from localshift.statements.plan import Plan
from localshift.unloading.unload import parse_unload

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
        copy = parse_copy(sql)
        return Plan(kind="copy", sql=sql, query_type="COPY", copy=copy, target=copy.target)
    if first == "UNLOAD":
        return Plan(kind="unload", sql=sql, query_type="UNLOAD", unload=parse_unload(Cursor(sql, builtins)))
    if first == "CREATE" and _creates_table(tokens):
        made = create_table(sql, builtins=builtins)
        remember = f"SET redshift.table_attributes = {quote_literal(made.attributes.to_json())}"
        like = f"SELECT set_config('redshift.table_like', to_regclass({quote_literal(made.attributes.like or '')})::oid::text, false)"
        return Plan(
            kind="script",
            sql=made.sql,
            before=(LEAVE_PATH, remember, *((like,) if made.attributes.like else ())),
            after=("RESET redshift.table_attributes", "RESET redshift.table_like"),
            query_type=made.query_type,
        )
    return administration.route(Cursor(sql, builtins))


def _creates_table(tokens: list[Token]) -> bool:
    head = [token.upper for token in tokens[1:4]]
    return "TABLE" in head and "EXTERNAL" not in head


def _query(sql: str, tokens: list[Token], builtins: frozenset[str]) -> Plan:
    first = tokens[0].upper
    if first == "MERGE":
        return merge(sql, tokens, builtins)
    if first == "WITH" and any(a.upper == "MERGE" and b.upper == "INTO" for a, b in itertools.pairwise(tokens)):
        raise syntax_error("merge")
    if first == "DELETE" and len(tokens) > 1 and tokens[1].upper != "FROM":
        sql = "DELETE FROM " + sql[tokens[1].start :]  # noqa: S608 - the statement is the client's own
    translation = translate(sql, builtins=builtins)
    kind = QUERY_TYPES.get(first, "SELECT")
    if kind == "SELECT" and any(token.upper == "INTO" for token in tokens):
        kind = "CTAS"
    written = translation.relations[:1] if kind in ("INSERT", "UPDATE", "DELETE") else ()
    return Plan(
        kind="forward",
        sql=translation.sql,
        query_type=kind,
        system=translation.system,
        relations=translation.relations,
        target="".join(map(quoted, written)),
    )
