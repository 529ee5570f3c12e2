"""Users, groups, roles and their rights: all of them are PostgreSQL roles."""

from __future__ import annotations

from localshift.errors import refused
from localshift.grammar import Cursor
from localshift.lex import quote_identifier, quote_literal
from localshift.plan import Plan, forward


def grant(cursor: Cursor) -> Plan:
    """Return the plan of GRANT, REVOKE and ALTER DEFAULT PRIVILEGES."""
    names: dict[str, str] = {}
    out: list[str] = []
    for i, token in enumerate(cursor.tokens):
        previous = cursor.tokens[i - 1].upper if i else ""
        if token.upper in ("ROLE", "GROUP", "USER") and (
            previous in ("TO", "FROM", "IN", "GRANT", "REVOKE", "FOR") or cursor.tokens[i - 1].is_op(",")
        ):
            continue
        if previous in ("ROLE", "GROUP", "USER") and token.kind in ("word", "quoted"):
            names[token.name] = previous.lower()
        out.append(quote_identifier(token.name) if token.kind == "quoted" or token.text[:1] == "#" else token.text)
    if any(
        word in [token.upper for token in cursor.tokens]
        for word in ("ASSUMEROLE", "DATASHARE", "LANGUAGE", "MODEL", "MASKING")
    ):
        raise refused(f"{cursor.tokens[0].upper} of this kind is not supported by localshift")
    return Plan(kind="forward", sql=" ".join(out), query_type="DDL", names=names)


def create_principal(cursor: Cursor) -> Plan:
    """Return the plan of CREATE USER, ROLE or GROUP."""
    kind = cursor.tokens[1].upper
    cursor.i = 2
    name = quote_identifier(cursor.identifier())
    if kind == "ROLE":
        if not cursor.done():
            raise refused("CREATE ROLE with options is not supported by localshift")
        return forward(f"CREATE ROLE {name} NOLOGIN", "DDL")
    cursor.accept("WITH")
    if kind == "GROUP":
        if cursor.done():
            return forward(f"CREATE ROLE {name} NOLOGIN", "DDL")
        cursor.expect("USER")
        members = [quote_identifier(cursor.identifier())]
        while cursor.accept(","):
            members.append(quote_identifier(cursor.identifier()))
        return forward(f"CREATE ROLE {name} NOLOGIN ROLE {', '.join(members)}", "DDL")
    return forward(f"CREATE ROLE {name} LOGIN {user_options(cursor)}", "DDL")


def user_options(cursor: Cursor) -> str:
    """Take the options of CREATE or ALTER USER and return PostgreSQL's."""
    options: list[str] = []
    while not cursor.done():
        word = cursor.take().upper
        if word == "PASSWORD" and not cursor.accept("DISABLE"):
            options.append(f"PASSWORD {quote_literal(cursor.take().value)}")
        elif word == "CREATEUSER":
            options.append("SUPERUSER")
        elif word in ("NOCREATEUSER", "CREATEDB", "NOCREATEDB"):
            options.append(word.replace("NOCREATEUSER", "NOSUPERUSER"))
        elif word == "IN":
            cursor.expect("GROUP")
            options.append(f"IN ROLE {quote_identifier(cursor.identifier())}")
        elif word != "PASSWORD":
            raise refused(f"user option {word} is not supported by localshift")
    return " ".join(options)
