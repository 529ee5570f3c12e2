"""CREATE VIEW in its three kinds: bound to its tables, bound late (by name, at each use), and materialized. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.queries.dialect import translate
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, folded, quote_identifier, quote_literal, tokenize
from localshift.sql.scan import is_system, relations
from localshift.sql.words import word_set
from localshift.statements.ddl import Attributes, table_attributes
from localshift.statements.plan import Plan, forward

UNBOUND = ["WITH", "NO", "SCHEMA", "BINDING"]
AFTER = word_set(
    "WHERE GROUP ORDER HAVING LIMIT OFFSET UNION INTERSECT EXCEPT MINUS JOIN INNER LEFT RIGHT FULL CROSS NATURAL ON QUALIFY"
)


def create_view(cursor: Cursor) -> Plan:
    """Return the plan of a CREATE [OR REPLACE] VIEW."""
    late = [token.upper for token in cursor.tokens[-4:]] == UNBOUND
    as_position = next((i for i, token in enumerate(cursor.tokens) if token.upper == "AS"), None)
    last = len(cursor.tokens) - (4 if late else 0)
    if as_position is None or as_position + 1 >= last:
        raise syntax_error("")
    head = folded(cursor.source[: cursor.tokens[as_position].end], cursor.tokens[: as_position + 1])
    query = cursor.source[cursor.tokens[as_position + 1].start : cursor.tokens[last - 1].end]
    translated = translate(query, builtins=cursor.builtins).sql
    if not late:
        return forward(f"{head} {translated}", "DDL")
    return _late_binding(cursor, query)


def _late_binding(cursor: Cursor, query: str) -> Plan:
    if any("." not in name for name in relations(tokenize(query)) if not is_system(name)):
        raise SqlError(
            SYNTAX_ERROR, "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING."
        )
    cursor.expect("CREATE")
    replace = " OR REPLACE" if cursor.accept("OR", "REPLACE") else ""
    cursor.expect("VIEW")
    name = cursor.table_name()
    if cursor.peek() == "(":
        columns = ", ".join(map(quote_identifier, cursor.names()))
        query = f"SELECT * FROM ({query}) AS named ({columns})"  # noqa: S608 - the query is the client's own
    # A view of the name stands in the catalogue, so that it is shown, granted and dropped; who queries it gets its text.
    return Plan(
        kind="script",
        sql=f"CREATE{replace} VIEW {name} AS SELECT rs.late_binding() AS late_binding",
        after=(f"SELECT rs.remember_view({quote_literal(name)}, {quote_literal(query)})",),
        query_type="DDL",
        tag="CREATE VIEW",
        late_view=True,
    )


def create_materialized_view(cursor: Cursor) -> Plan:
    """Return the plan of a CREATE MATERIALIZED VIEW; its storage clauses are read and left out."""
    for word in ("CREATE", "MATERIALIZED", "VIEW"):
        cursor.expect(word)
    name = cursor.table_name()
    table_attributes(cursor, Attributes())
    if cursor.accept("AUTO", "REFRESH") and not cursor.accept("NO"):
        raise refused("AUTO REFRESH YES is not supported by localshift")
    cursor.expect("AS")
    query = translate(cursor.rest(), builtins=cursor.builtins).sql
    return forward(f"CREATE MATERIALIZED VIEW {name} AS {query}", "DDL")


def refresh(cursor: Cursor) -> Plan:
    """Return the plan of a REFRESH MATERIALIZED VIEW."""
    for word in ("REFRESH", "MATERIALIZED", "VIEW"):
        cursor.expect(word)
    name = cursor.table_name()
    cursor.end()
    return forward(f"REFRESH MATERIALIZED VIEW {name}", "DDL")


def late_views_in(sql: str, names: Collection[str]) -> set[str]:
    """Return which of these late-binding views, dotted or bare names, a query reads."""
    return set(relations(tokenize(sql))) & set(names)


def with_late_views(sql: str, views: Mapping[str, str]) -> str:
    """Return a query with its late-binding views, dotted or bare name to text, in place of their names."""
    used = late_views_in(sql, views)
    if not used:
        return sql
    tokens = tokenize(sql)
    out, position, i = [], 0, 0
    while i < len(tokens):
        length = 3 if i + 2 < len(tokens) and tokens[i + 1].is_op(".") else 1
        name = ".".join(token.name for token in tokens[i : i + length : 2])
        if name in used and i and _is_table(tokens, i, length):
            after = tokens[i + length] if i + length < len(tokens) else None
            aliased = after is not None and (after.upper == "AS" or (after.kind != "op" and after.upper not in AFTER))
            alias = "" if aliased else f" AS {quote_identifier(tokens[i + length - 1].name)}"
            out += [sql[position : tokens[i].start], f"({views[name]}){alias}"]
            position = tokens[i + length - 1].end
        i += length if name in used else 1
    return "".join([*out, sql[position:]])


def _is_table(tokens: list[Token], i: int, length: int) -> bool:
    before = tokens[i - 1]
    qualifies = i + length < len(tokens) and tokens[i + length].is_op(".")
    return not qualifies and (before.upper in ("FROM", "JOIN", "USING") or before.is_op(","))
