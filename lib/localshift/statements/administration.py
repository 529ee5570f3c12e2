"""Statements other than queries and CREATE TABLE: transactions, upkeep, objects, and the table of who handles what. No I/O."""

from __future__ import annotations

from collections.abc import Callable

from localshift.errors import refused, syntax_error
from localshift.loading.copy import no_jobs
from localshift.queries.dialect import translate
from localshift.sql.grammar import Cursor
from localshift.sql.lex import folded, quote_identifier, quote_literal, quoted
from localshift.statements.alter import alter_table
from localshift.statements.plan import Plan, forward
from localshift.statements.principals import alter_principal, create_principal, drop_principal
from localshift.statements.rights import grant
from localshift.statements.settings import reset_parameter, set_parameter
from localshift.statements.shows import show
from localshift.statements.views import create_materialized_view, create_view, refresh

Handler = Callable[[Cursor], Plan]
CONTROL = {
    "BEGIN": "BEGIN",
    "START": "BEGIN",
    "COMMIT": "COMMIT",
    "END": "COMMIT",
    "ROLLBACK": "ROLLBACK",
    "ABORT": "ROLLBACK",
}


def route(cursor: Cursor) -> Plan:
    """Return the plan for a statement by its first word; SqlError when nothing here knows it."""
    handler = HANDLERS.get(cursor.peek())
    if handler is None:
        raise syntax_error(cursor.take().text)
    return handler(cursor)


def _control(cursor: Cursor) -> Plan:
    rest = [token.upper for token in cursor.tokens[1:]]
    if rest[:1] in (["PREPARED"], ["TO"]) or "SAVEPOINT" in rest:
        raise syntax_error(cursor.tokens[1].text)
    # Redshift takes isolation levels here and ignores them: the database's own holds.
    control = CONTROL[cursor.peek()]
    return forward("BEGIN READ ONLY" if control == "BEGIN" and "READ ONLY" in " ".join(rest) else control)


def _lock(cursor: Cursor) -> Plan:
    cursor.expect("LOCK")
    cursor.accept("TABLE")
    tables = [cursor.table_name()]
    while cursor.accept(","):
        tables.append(cursor.table_name())
    cursor.end()
    return forward(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")


def _comment(cursor: Cursor) -> Plan:
    if (
        len(cursor.tokens) < 5
        or cursor.tokens[1].upper != "ON"
        or cursor.tokens[2].upper not in ("TABLE", "COLUMN", "VIEW", "SCHEMA", "DATABASE")
    ):
        raise syntax_error(cursor.tokens[2].text if len(cursor.tokens) > 2 else "")
    return forward(folded(cursor.source, cursor.tokens), "DDL")


def _truncate(cursor: Cursor) -> Plan:
    cursor.expect("TRUNCATE")
    cursor.accept("TABLE")
    table = cursor.table_name()
    cursor.end()
    return Plan(kind="script", sql=f"TRUNCATE TABLE {table}", query_type="UTILITY", tag="TRUNCATE TABLE", commits=True)


def _vacuum(cursor: Cursor) -> Plan:
    cursor.expect("VACUUM")
    for option in (("FULL",), ("SORT", "ONLY"), ("DELETE", "ONLY"), ("REINDEX",), ("RECLUSTER",)):
        if cursor.accept(*option):
            break
    table = "" if cursor.done() or cursor.peek() == "TO" else " " + cursor.table_name()
    if cursor.accept("TO"):
        cursor.take()
        cursor.expect("PERCENT")
    cursor.accept("BOOST")
    cursor.end()
    return Plan(kind="script", sql=f"VACUUM (SKIP_LOCKED){table}", query_type="UTILITY", tag="VACUUM")


def _analyze(cursor: Cursor) -> Plan:
    cursor.take()
    cursor.accept("VERBOSE")
    if cursor.peek() == "COMPRESSION":
        raise refused("ANALYZE COMPRESSION is not supported by localshift")
    table = "" if cursor.done() or cursor.peek() in ("PREDICATE", "ALL") else " " + cursor.table_name()
    if table and cursor.peek() == "(":
        table += " (" + ", ".join(map(quote_identifier, cursor.names())) + ")"
    if not cursor.accept("PREDICATE", "COLUMNS"):
        cursor.accept("ALL", "COLUMNS")
    cursor.end()
    # Neither waits for a writer in Redshift.
    return forward(f"ANALYZE (SKIP_LOCKED){table}")


def _create(cursor: Cursor) -> Plan:
    upper = [token.upper for token in cursor.tokens]
    if upper[1:2] == ["SCHEMA"]:
        return _create_schema(cursor)
    if "VIEW" in upper[1:4] and "MATERIALIZED" not in upper[1:4]:
        return create_view(cursor)
    if upper[1:3] == ["MATERIALIZED", "VIEW"]:
        return create_materialized_view(cursor)
    if upper[1:2] in (["USER"], ["ROLE"], ["GROUP"]):
        return create_principal(cursor)
    raise refused(f"CREATE {upper[1] if len(upper) > 1 else ''} is not supported by localshift".replace("  ", " "))


def _create_schema(cursor: Cursor) -> Plan:
    cursor.i = 2
    exists = "IF NOT EXISTS " if cursor.accept("IF", "NOT", "EXISTS") else ""
    name = "" if cursor.peek() == "AUTHORIZATION" else quote_identifier(cursor.identifier()) + " "
    owner = f"AUTHORIZATION {quote_identifier(cursor.identifier())}" if cursor.accept("AUTHORIZATION") else ""
    if cursor.accept("QUOTA") and not cursor.accept("UNLIMITED"):
        cursor.take()
        cursor.take()
    cursor.end()
    return forward(f"CREATE SCHEMA {exists}{name}{owner}".strip(), "DDL")


def _drop(cursor: Cursor) -> Plan:
    kind = cursor.tokens[1].upper if len(cursor.tokens) > 1 else ""
    if kind == "MATERIALIZED":
        return forward(folded(cursor.source, cursor.tokens), "DDL")
    if kind not in ("TABLE", "VIEW", "SCHEMA", "USER", "GROUP", "ROLE"):
        raise refused(f"DROP {kind} is not supported by localshift")
    if kind in ("USER", "GROUP", "ROLE"):
        cursor.i = 2
        return drop_principal(cursor, kind)
    guard = ""
    if kind == "TABLE" and cursor.tokens[-1].upper != "CASCADE":
        cursor.i = 2
        cursor.accept("IF", "EXISTS")
        names = [cursor.name_parts()]
        while cursor.accept(","):
            names.append(cursor.name_parts())
        listed = ", ".join(quote_literal(quoted(".".join(parts))) for parts in names)
        guard = f"SELECT rs.check_unreferenced(ARRAY[{listed}])"
    return Plan(kind="forward", sql=folded(cursor.source, cursor.tokens), query_type="DDL", guard=guard)


def _alter(cursor: Cursor) -> Plan:
    cursor.expect("ALTER")
    kind = cursor.take().upper
    if kind == "SCHEMA":
        return _alter_schema(cursor)
    if kind == "DEFAULT":
        return grant(cursor)
    if kind in ("USER", "GROUP", "ROLE"):
        return alter_principal(cursor, kind)
    if kind == "COPY" and cursor.peek() == "JOB":
        raise no_jobs()
    if kind != "TABLE":
        raise refused(f"ALTER {kind} is not supported by localshift")
    return alter_table(cursor)


def _alter_schema(cursor: Cursor) -> Plan:
    name = quote_identifier(cursor.identifier())
    if cursor.accept("QUOTA"):
        if not cursor.accept("UNLIMITED"):
            cursor.take()
            cursor.take()
        cursor.end()
        # Nothing is counted here, but the schema must be there.
        found = f"SELECT {quote_literal(name)}::regnamespace"
        return Plan(kind="script", sql=found, query_type="DDL", tag="ALTER SCHEMA")
    return forward(folded(cursor.source, cursor.tokens), "DDL")


def _cancel(cursor: Cursor) -> Plan:
    cursor.expect("CANCEL")
    pid = cursor.take().text
    if not pid.isdigit():
        raise syntax_error(pid)
    if not cursor.done():
        cursor.string()
    cursor.end()
    return Plan(kind="script", sql=f"SELECT rs.cancel({pid})", query_type="UTILITY", tag="CANCEL")


def _explain(cursor: Cursor) -> Plan:
    skip = 2 if cursor.tokens[1:2] and cursor.tokens[1].upper == "VERBOSE" else 1
    if len(cursor.tokens) <= skip or cursor.tokens[skip].upper in ("ANALYZE", ""):
        raise syntax_error(cursor.tokens[skip].text if len(cursor.tokens) > skip else "")
    return forward("EXPLAIN " + translate(cursor.source[cursor.tokens[skip].start :], builtins=cursor.builtins).sql)


def _translated(cursor: Cursor) -> Plan:
    return forward(translate(cursor.source, builtins=cursor.builtins).sql)


def _no(cursor: Cursor) -> Plan:
    raise refused(f"{cursor.tokens[0].upper} is not supported by localshift yet")


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(CONTROL, _control),
    "ALTER": _alter,
    "ANALYSE": _analyze,
    "ANALYZE": _analyze,
    "CALL": _no,
    "USE": _no,
    "CANCEL": _cancel,
    "CLOSE": _translated,
    "COMMENT": _comment,
    "CREATE": _create,
    "DEALLOCATE": _translated,
    "DECLARE": _translated,
    "DROP": _drop,
    "EXECUTE": _translated,
    "EXPLAIN": _explain,
    "FETCH": _translated,
    "GRANT": grant,
    "LOCK": _lock,
    "PREPARE": _translated,
    "REFRESH": refresh,
    "RESET": reset_parameter,
    "REVOKE": grant,
    "SET": set_parameter,
    "SHOW": show,
    "TRUNCATE": _truncate,
    "VACUUM": _vacuum,
}
