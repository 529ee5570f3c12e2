"""SET, RESET and SHOW: Redshift's settings live in PostgreSQL under the prefix `redshift.`; PostgreSQL's own are let through by list."""

from __future__ import annotations

from localshift import words
from localshift.errors import SqlError, refused, syntax_error
from localshift.lex import Token, quote_identifier, quote_literal
from localshift.plan import Plan, forward


def set_parameter(cursor: Cursor) -> Plan:
    rest = cursor.tokens[1:]
    if rest and rest[0].upper in ("SESSION", "LOCAL") and len(rest) > 1:
        scope, rest = rest[0].upper + " ", rest[1:]
    else:
        scope = ""
    if not rest:
        raise syntax_error("")
    name = rest[0].name
    if name in ("authorization", "transaction", "characteristics", "role", "constraints"):
        raise refused(f"SET {name.upper()} is not supported by localshift")
    value = cursor.source[rest[1].end :].strip() if len(rest) > 2 else ""
    if len(rest) < 3 or not (rest[1].upper == "TO" or rest[1].is_op("=")):
        raise syntax_error(rest[-1].text)
    if name == "enable_case_sensitive_identifier" and rest[2].text.strip("'").lower() in ("true", "on", "1"):
        raise refused("enable_case_sensitive_identifier is not supported by localshift")
    if name in words.SETTINGS:
        text = rest[2].value if rest[2].kind == "string" else rest[2].text
        label = ("" if rest[2].upper == "DEFAULT" else text) if name == "query_group" else None
        return Plan(
            kind="forward",
            sql=f"SET {scope}redshift.{name} TO {_setting_value(rest[2])}",
            query_type="UTILITY",
            label=label,
        )
    if name not in words.POSTGRES_SETTINGS and "." not in [token.text for token in rest]:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    return forward(f"SET {scope}{rest[0].text} TO {value}")


def _setting_value(token: Token) -> str:
    if token.upper == "DEFAULT":
        return "DEFAULT"
    return quote_literal(token.value if token.kind == "string" else token.text)


def reset_parameter(cursor: Cursor) -> Plan:
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
    if name not in words.POSTGRES_SETTINGS:
        raise SqlError("42704", f'unrecognized configuration parameter "{name}"')
    return forward(cursor.source)


def show_parameter(cursor: Cursor) -> Plan:
    name = cursor.tokens[1].name if len(cursor.tokens) == 2 else ""
    if name in words.SETTINGS:
        # As a select, because SHOW would name the column with the prefix.
        shown = f"SELECT coalesce(nullif(current_setting('redshift.{name}', true), ''), 'unset')"
        return forward(f"{shown} AS {quote_identifier(name)}")
    if name not in words.POSTGRES_SETTINGS:
        raise refused("SHOW of this kind is not supported by localshift")
    return forward(f"SHOW {cursor.tokens[1].text}")
