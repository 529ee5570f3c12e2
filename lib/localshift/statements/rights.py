"""GRANT, REVOKE and default privileges. Users, groups and roles are all PostgreSQL's roles; `principals` makes them. No I/O."""

from __future__ import annotations

from localshift.errors import SqlError, refused
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, quote_identifier
from localshift.sql.words import word_set
from localshift.statements.plan import Plan

PRINCIPALS = word_set("ROLE GROUP USER")
BEFORE_PRINCIPALS = word_set("TO FROM IN GRANT REVOKE FOR")
# What Redshift knows to grant, or to grant on, and this double does not.
UNKNOWN_OBJECTS = word_set(
    "ASSUMEROLE DATASHARE LANGUAGE MODEL MASKING RLS CATALOG JOB COPY TEMPLATE PROCEDURE PROCEDURES FUNCTION FUNCTIONS"
)
# Who may insert must be able to wait for the table before his snapshot, as all writers do: PostgreSQL asks this right of him.
LOCKING = ", MAINTAIN"
TABLE_RIGHTS = word_set("DROP ALTER")


def grant(cursor: Cursor) -> Plan:
    """Return the plan of GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""
    tokens = cursor.tokens
    upper = [token.upper for token in tokens]
    verb = "ALTER DEFAULT PRIVILEGES" if upper[0] == "ALTER" else upper[0]
    _check_supported(upper, verb)
    if "GRANT" in upper and upper[-3:] == ["WITH", "GRANT", "OPTION"]:
        _check_grant_option(tokens)
    names: dict[str, str] = {}
    out: list[str] = []
    for i, token in enumerate(tokens):
        if _is_kind(tokens, i) and not (upper[0] == "ALTER" and upper[i - 1] == "FOR"):
            continue
        if i and upper[i - 1] in PRINCIPALS and token.kind in ("word", "quoted"):
            names[token.name] = upper[i - 1].lower()
        out.append(_written(token))
        if token.upper == "INSERT" and "ON" in upper[i:]:
            out.append(LOCKING)
    return Plan(kind="forward", sql=" ".join(out), query_type="DDL", names=names)


def _check_supported(upper: list[str], verb: str) -> None:
    unknown = next((word for word in upper if word in UNKNOWN_OBJECTS), "")
    if unknown:
        raise refused(f"{verb} of this kind ({unknown}) is not supported by localshift")
    if "ON" not in upper:
        # GRANT ROLE a TO b, REVOKE ADMIN OPTION FOR a FROM b: else it is for all tables to come, or for the whole system.
        if upper[1:2] not in (["ROLE"], ["ADMIN"]):
            what = "scoped permissions" if "FOR" in upper else "system privileges"
            raise refused(f"{verb} of {what} is not supported by localshift")
        return
    granted = [] if upper[0] == "ALTER" else upper[1 : upper.index("ON")]
    table_right = next((word for word in granted if word in TABLE_RIGHTS), "")
    if table_right:
        raise refused(f"{verb} {table_right} is not supported by localshift")


def _check_grant_option(tokens: list[Token]) -> None:
    to = max(i for i, token in enumerate(tokens) if token.upper == "TO")
    receivers = [token.upper for token in tokens[to + 1 : -3]]
    if any(word in ("GROUP", "ROLE", "PUBLIC") for word in receivers):
        raise SqlError("0LP01", "grant options can only be granted to individual users")


def _is_kind(tokens: list[Token], i: int) -> bool:
    """Whether this word only tells what kind of principal follows."""
    if not i or tokens[i].upper not in PRINCIPALS:
        return False
    return tokens[i - 1].upper in BEFORE_PRINCIPALS or tokens[i - 1].is_op(",")


def _written(token: Token) -> str:
    return quote_identifier(token.name) if token.kind == "quoted" or token.text[:1] == "#" else token.text
