"""SHOW: settings, and the lists of databases, schemas, tables and columns. No I/O."""

from __future__ import annotations

from localshift.errors import SqlError, refused
from localshift.sql import words
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.statements.plan import Plan, forward

LONG_FORMS = {
    "TIME ZONE": "timezone",
    "SESSION AUTHORIZATION": "session_authorization",
    "TRANSACTION ISOLATION LEVEL": "transaction_isolation",
}
# What PostgreSQL behind the front would say otherwise.
OWN = {"server_version": "8.0.2"}
SCHEMA_LIST = (
    "SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, source_database, schema_option "
    "FROM pg_catalog.svv_all_schemas"
)
TABLE_LIST = (
    "SELECT database_name, schema_name, table_name, table_type, table_acl, remarks FROM pg_catalog.svv_redshift_tables"
)
COLUMN_LIST = (
    "SELECT database_name, schema_name, table_name, column_name, ordinal_position, column_default, is_nullable, "
    "data_type, character_maximum_length, numeric_precision, remarks FROM pg_catalog.svv_all_columns"
)
DATABASE_LIST = (
    "SELECT database_name, database_owner, database_type, database_acl, database_options AS parameters, "
    "database_isolation_level FROM pg_catalog.svv_redshift_databases"
)
LISTS: dict[tuple[str, ...], tuple[str, tuple[str, ...], str]] = {
    ("DATABASES",): (DATABASE_LIST, (), "database_name"),
    ("SCHEMAS", "FROM", "DATABASE"): (SCHEMA_LIST, ("database_name",), "schema_name"),
    ("TABLES", "FROM", "SCHEMA"): (TABLE_LIST, ("database_name", "schema_name"), "table_name"),
    ("COLUMNS", "FROM", "TABLE"): (COLUMN_LIST, ("database_name", "schema_name", "table_name"), "column_name"),
}


def show(cursor: Cursor) -> Plan:
    """Return the plan of a SHOW; SqlError for what cannot be shown."""
    cursor.expect("SHOW")
    if cursor.accept("ALL"):
        cursor.end()
        return forward(_all_settings())
    for head, (query, parts, named) in LISTS.items():
        if cursor.accept(*head):
            return _listed(cursor, query, parts, named)
    if cursor.accept("VIEW"):
        view = cursor.table_name()
        cursor.end()
        return forward(f'SELECT rs.pg_get_viewdef({quote_literal(view)}) AS "Show View DDL statement"')
    return _setting(cursor)


def _setting(cursor: Cursor) -> Plan:
    rest = cursor.tokens[cursor.i :]
    name = LONG_FORMS.get(" ".join(token.upper for token in rest), rest[0].name if len(rest) == 1 else "")
    if name in words.SETTINGS:
        # As a select, because SHOW would name the column with the prefix.
        shown = f"SELECT coalesce(nullif(current_setting('redshift.{name}', true), ''), 'unset')"
        return forward(f"{shown} AS {quote_identifier(name)}")
    if len(rest) == 3 and rest[1].is_op("."):
        return forward("SHOW " + ".".join(map(quote_identifier, cursor.context_name())))
    if not name:
        raise refused("SHOW of this kind is not supported by localshift")
    if name not in words.SETTABLE | words.SHOWN:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    if name in OWN:
        return forward(f"SELECT {quote_literal(OWN[name])} AS {name}")
    return forward(f"SHOW {name}")


def _all_settings() -> str:
    own = ", ".join(map(quote_literal, sorted(words.SETTINGS)))
    foreign = ", ".join(map(quote_literal, sorted((words.SETTABLE | words.SHOWN) - set(OWN))))
    told = "".join(
        f"SELECT {quote_literal(name)} AS name, {quote_literal(value)} AS setting UNION ALL "
        for name, value in OWN.items()
    )
    parts = [
        told,
        "SELECT name, coalesce(nullif(current_setting('redshift.' || name, true), ''), 'unset') AS setting",
        f"FROM unnest(ARRAY[{own}]) AS own (name) UNION ALL SELECT name, current_setting(name)",
        f"FROM unnest(ARRAY[{foreign}]) AS others (name) ORDER BY name",
    ]
    return " ".join(parts)


def _listed(cursor: Cursor, query: str, parts: tuple[str, ...], named: str) -> Plan:
    """Return the plan of a list: the names it is limited to, then LIKE and LIMIT."""
    given = [cursor.identifier()] if parts else []
    while parts and cursor.accept("."):
        given.append(cursor.identifier())
    if len(given) > len(parts):
        raise refused("SHOW: too many parts in the name")
    # The database may be left out.
    conditions = [
        f"{column} = {quote_literal(name)}"
        for column, name in zip(parts[len(parts) - len(given) :], given, strict=True)
    ]
    if cursor.accept("LIKE"):
        conditions.append(f"{named} LIKE {quote_literal(cursor.string())}")
    limit = f" LIMIT {int(cursor.take().text)}" if cursor.accept("LIMIT") else ""
    cursor.end()
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    order = ", ".join([*parts, *(() if "column" in named else (named,))])
    return forward(f"{query}{where} ORDER BY {order}{', ordinal_position' if 'column' in named else ''}{limit}")
