"""ALTER TABLE: one change a statement, and changes of attributes PostgreSQL does not know."""

from __future__ import annotations

import json

from localshift.errors import FEATURE_NOT_SUPPORTED, SYNTAX_ERROR, SqlError, syntax_error
from localshift.sql.columntypes import column_type
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.statements.ddl import Attributes, column_definition
from localshift.statements.keys import LEAVE_PATH, drop_key, table_key
from localshift.statements.plan import Plan, forward


def alter_table(cursor: Cursor) -> Plan:
    """Return the plan of an ALTER TABLE whose first two words are taken."""
    table = cursor.table_name()
    head = f"ALTER TABLE {table} "
    if cursor.accept("APPEND"):
        return _append(cursor, table)
    if cursor.accept("ADD"):
        plan = _add_column(cursor, table)
    elif cursor.accept("DROP"):
        if cursor.accept("CONSTRAINT"):
            sql = drop_key(table, cursor.identifier())
            _ = cursor.accept("CASCADE") or cursor.accept("RESTRICT")
            return Plan(kind="script", sql=sql, query_type="DDL", tag="ALTER TABLE")
        cursor.accept("COLUMN")
        column = quote_identifier(cursor.identifier())
        tail = " CASCADE" if cursor.accept("CASCADE") else " RESTRICT" if cursor.accept("RESTRICT") else ""
        plan = forward(f"{head}DROP COLUMN {column}{tail}", "DDL")
    elif cursor.accept("RENAME"):
        plan = _rename(cursor, head)
    elif cursor.accept("OWNER", "TO"):
        plan = forward(f"{head}OWNER TO {quote_identifier(cursor.identifier())}", "DDL")
    elif cursor.accept("ALTER"):
        plan = _alter_attributes(cursor, table)
    else:
        raise syntax_error("" if cursor.done() else cursor.take().text)
    if not cursor.done():
        hint = "Redshift takes one change in an ALTER TABLE." if cursor.peek() == "," else ""
        raise SqlError(SYNTAX_ERROR, f'syntax error at or near "{cursor.take().text}"', hint=hint)
    return plan


def _append(cursor: Cursor, table: str) -> Plan:
    cursor.expect("FROM")
    source = cursor.table_name()
    mode = "ignoreextra" if cursor.accept("IGNOREEXTRA") else "filltarget" if cursor.accept("FILLTARGET") else ""
    cursor.end()
    return Plan(
        kind="script",
        # Both tables are taken before the snapshot, as the turn of a writer is.
        before=(f"LOCK TABLE {table}, {source} IN ACCESS EXCLUSIVE MODE",),
        sql=f"SELECT rs.append_table({quote_literal(table)}, {quote_literal(source)}, '{mode}')",
        query_type="DDL",
        tag="ALTER TABLE APPEND",
        outside_transaction="ALTER TABLE APPEND",
    )


def _add_column(cursor: Cursor, table: str) -> Plan:
    if cursor.peek() in ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN"):
        key = quote_literal(json.dumps(table_key(cursor)))
        sql = f"SELECT rs.add_key({quote_literal(table)}, {key})"
        return Plan(kind="script", sql=sql, before=(LEAVE_PATH,), query_type="DDL", tag="ALTER TABLE")
    cursor.accept("COLUMN")
    attributes = Attributes()
    definition = column_definition(cursor, attributes)
    if "NOT NULL" in definition and " DEFAULT " not in definition:
        raise SqlError(
            SYNTAX_ERROR, "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        )
    after = (_remember(table, {"encode": attributes.encode}),) if attributes.encode else ()
    return Plan(
        kind="script",
        sql=f"ALTER TABLE {table} ADD COLUMN {definition}",
        after=after,
        query_type="DDL",
        tag="ALTER TABLE",
    )


def _rename(cursor: Cursor, head: str) -> Plan:
    if cursor.accept("TO"):
        return forward(f"{head}RENAME TO {quote_identifier(cursor.identifier())}", "DDL")
    cursor.accept("COLUMN")
    old = quote_identifier(cursor.identifier())
    cursor.expect("TO")
    return forward(f"{head}RENAME COLUMN {old} TO {quote_identifier(cursor.identifier())}", "DDL")


def _alter_attributes(cursor: Cursor, table: str) -> Plan:
    changes: dict[str, object] = {}
    if cursor.accept("DISTSTYLE"):
        changes = {"diststyle": cursor.take().upper}
        if cursor.accept("DISTKEY"):
            changes["distkey"] = cursor.identifier()
    elif cursor.accept("DISTKEY"):
        changes = {"diststyle": "KEY", "distkey": cursor.identifier()}
    elif cursor.accept("SORTKEY", "AUTO") or cursor.accept("SORTKEY", "NONE"):
        changes = {"sortstyle": "AUTO", "sortkey": []}
    elif cursor.accept("COMPOUND", "SORTKEY") or cursor.accept("SORTKEY"):
        changes = {"sortstyle": "COMPOUND", "sortkey": cursor.names()}
    elif cursor.accept("ENCODE", "AUTO"):
        changes = {}
    else:
        cursor.accept("COLUMN")
        column = cursor.identifier()
        if cursor.accept("TYPE"):
            return _widen(cursor, table, column)
        cursor.expect("ENCODE")
        changes = {"encode": {column: cursor.identifier()}}
    return Plan(kind="script", sql=_remember(table, changes), query_type="DDL", tag="ALTER TABLE")


def _widen(cursor: Cursor, table: str, column: str) -> Plan:
    to = column_type(cursor)
    if not to.startswith("varchar"):
        raise SqlError(FEATURE_NOT_SUPPORTED, "ALTER COLUMN TYPE: only the size of a VARCHAR column can be changed")
    return Plan(
        kind="script",
        sql=f"ALTER TABLE {table} ALTER COLUMN {quote_identifier(column)} TYPE {to}",
        query_type="DDL",
        tag="ALTER TABLE",
        outside_transaction="ALTER TABLE ALTER COLUMN",
    )


def _remember(table: str, changes: dict[str, object]) -> str:
    return f"SELECT rs.alter_attributes({quote_literal(table)}, {quote_literal(json.dumps(changes))})"
