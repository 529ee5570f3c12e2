"""SET and RESET: Redshift's settings live in PostgreSQL under the prefix `redshift.`; PostgreSQL's own are let through by list."""

from __future__ import annotations

from localshift.backend.postgres import SUPERUSER
from localshift.errors import SqlError, refused, syntax_error
from localshift.sql import words
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.statements.plan import Plan, forward


def set_parameter(cursor: Cursor) -> Plan:
    """Return the plan of a SET; SqlError for what Redshift's users cannot set."""
    cursor.expect("SET")
    if cursor.peek() == "TRANSACTION" or cursor.peek(1) in ("AUTHORIZATION", "CHARACTERISTICS"):
        return _session(cursor)
    local = "LOCAL " if cursor.accept("LOCAL") else ""
    if not local:
        cursor.accept("SESSION")
    if cursor.peek() == "NAMES" or (cursor.peek(), cursor.peek(1)) == ("TIME", "ZONE"):
        return forward(f"SET {local}{cursor.rest()}")
    if cursor.peek(1) == ".":
        return _context(cursor, local)
    return _setting(cursor, local)


def _setting(cursor: Cursor, local: str) -> Plan:
    name = cursor.identifier()
    if name not in words.SETTINGS | words.SETTABLE:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    if not cursor.accept("TO"):
        cursor.expect("=")
    if cursor.done():
        raise syntax_error("")
    if name in words.SETTABLE:
        return forward(f"SET {local}{name} TO {cursor.rest()}")
    value = cursor.take()
    cursor.end()
    text = "" if value.upper == "DEFAULT" else value.value if value.kind == "string" else value.text
    if name == "enable_case_sensitive_identifier" and text.lower() in ("true", "on", "1"):
        raise refused("enable_case_sensitive_identifier is not supported by localshift")
    sql = f"SET {local}redshift.{name} TO {quote_literal(text) if text else 'DEFAULT'}"
    return Plan(kind="forward", sql=sql, query_type="UTILITY", label=text if name == "query_group" else None)


def _session(cursor: Cursor) -> Plan:
    """Return the plan of SET TRANSACTION, SET SESSION CHARACTERISTICS and SET SESSION AUTHORIZATION."""
    if cursor.accept("SESSION", "AUTHORIZATION"):
        token = cursor.take()
        cursor.end()
        name = token.value.lower() if token.kind == "string" else token.name
        if name == SUPERUSER:
            raise SqlError("42501", "permission denied to set session authorization")
        return forward(f"SET SESSION AUTHORIZATION {'DEFAULT' if token.upper == 'DEFAULT' else quote_identifier(name)}")
    characteristics = cursor.accept("SESSION", "CHARACTERISTICS", "AS")
    cursor.expect("TRANSACTION")
    words_left = [token.upper for token in cursor.tokens[cursor.i :]]
    # Isolation levels are read and have no effect: the database's own holds.
    mode = next((mode for mode in ("READ ONLY", "READ WRITE") if mode in " ".join(words_left)), "")
    if not mode:
        return Plan(kind="script", sql="SELECT WHERE false", query_type="UTILITY", tag="SET")
    return forward(f"SET {'SESSION CHARACTERISTICS AS ' if characteristics else ''}TRANSACTION {mode}")


def _context(cursor: Cursor, local: str) -> Plan:
    """Return the plan of a SET of a session context variable, a name in two parts."""
    name = ".".join(map(quote_identifier, cursor.context_name()))
    if not cursor.accept("TO"):
        cursor.expect("=")
    value = cursor.take()
    cursor.end()
    text = (
        "DEFAULT" if value.upper == "DEFAULT" else quote_literal(value.value if value.kind == "string" else value.text)
    )
    return forward(f"SET {local}{name} TO {text}")


def reset_parameter(cursor: Cursor) -> Plan:
    """Return the plan of a RESET."""
    if [token.upper for token in cursor.tokens[1:]] == ["SESSION", "AUTHORIZATION"]:
        return forward("RESET SESSION AUTHORIZATION")
    name = cursor.tokens[1].name if len(cursor.tokens) == 2 else ""
    if name in words.SETTINGS:
        return Plan(
            kind="forward",
            sql=f"RESET redshift.{name}",
            query_type="UTILITY",
            label="" if name == "query_group" else None,
        )
    if name == "all":
        return Plan(kind="forward", sql="RESET ALL", query_type="UTILITY", label="")
    if name not in words.SETTABLE:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    return forward(cursor.source)
