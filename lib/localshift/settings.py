"""SET, RESET and SHOW: Redshift's settings live in PostgreSQL under the prefix `redshift.`; PostgreSQL's own are let through by list."""

from __future__ import annotations

from localshift import words
from localshift.errors import SqlError, refused, syntax_error
from localshift.grammar import Cursor
from localshift.lex import quote_identifier, quote_literal
from localshift.plan import Plan, forward


def set_parameter(cursor: Cursor) -> Plan:
    """Return the plan of a SET; SqlError for what Redshift's users cannot set."""
    cursor.expect("SET")
    local = "LOCAL " if cursor.accept("LOCAL") else ""
    if not local:
        cursor.accept("SESSION")
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


def reset_parameter(cursor: Cursor) -> Plan:
    """Return the plan of a RESET."""
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


def show_parameter(cursor: Cursor) -> Plan:
    """Return the plan of a SHOW of a setting."""
    name = cursor.tokens[1].name if len(cursor.tokens) == 2 else ""
    if name in words.SETTINGS:
        # As a select, because SHOW would name the column with the prefix.
        shown = f"SELECT coalesce(nullif(current_setting('redshift.{name}', true), ''), 'unset')"
        return forward(f"{shown} AS {quote_identifier(name)}")
    if name not in words.SETTABLE | words.SHOWN:
        raise refused("SHOW of this kind is not supported by localshift")
    return forward(f"SHOW {cursor.tokens[1].text}")
