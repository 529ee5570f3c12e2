"""Users, groups and roles: all are PostgreSQL's roles, and a comment tells which of the three a role is. No I/O."""

from __future__ import annotations

import re

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_identifier, quote_literal
from localshift.statements.plan import Plan

HASHED = re.compile(r"md5[0-9a-f]{32}")
CLASSES = ((r"[a-z]", "a lower case letter"), (r"[A-Z]", "an upper case letter"), (r"[0-9]", "a number"))


def create_principal(cursor: Cursor) -> Plan:
    """Return the plan of CREATE USER, ROLE or GROUP."""
    kind = cursor.tokens[1].upper
    cursor.i = 2
    name = quote_identifier(cursor.identifier())
    options = "NOLOGIN"
    if kind == "ROLE" and not cursor.done():
        raise refused("CREATE ROLE with options is not supported by localshift")
    if kind == "USER":
        cursor.accept("WITH")
        options = f"LOGIN {user_options(cursor)}"
        if "PASSWORD" not in options:
            raise SqlError(SYNTAX_ERROR, "CREATE USER needs a PASSWORD, or PASSWORD DISABLE")
    elif not cursor.done():
        cursor.accept("WITH")
        cursor.expect("USER")
        options = f"NOLOGIN ROLE {_names(cursor)}"
        cursor.end()
    comment = () if kind == "USER" else (f"COMMENT ON ROLE {name} IS '{kind.lower()}'",)
    # What else is named here: the groups of a user, or the users of a group.
    others = "group" if kind == "USER" else "user"
    names = {token.name: others for token in cursor.tokens[3:] if token.kind in ("word", "quoted")}
    sql = f"CREATE ROLE {name} {options}"
    return Plan(kind="script", sql=sql, after=comment, query_type="DDL", tag=f"CREATE {kind}", names=names)


def alter_principal(cursor: Cursor, kind: str) -> Plan:
    """Return the plan of an ALTER USER, GROUP or ROLE whose first two words are taken."""
    name = quote_identifier(cursor.identifier())
    names = {name[1:-1]: kind.lower()}
    if cursor.accept("RENAME", "TO"):
        text = f"ALTER ROLE {name} RENAME TO {quote_identifier(cursor.identifier())}"
    elif kind == "GROUP" and cursor.peek() in ("ADD", "DROP"):
        verb, word = ("GRANT", "TO") if cursor.take().upper == "ADD" else ("REVOKE", "FROM")
        cursor.expect("USER")
        text = f"{verb} {name} {word} {_names(cursor)}"
    elif kind == "USER":
        text = f"ALTER ROLE {name} {_change(cursor)}"
    elif kind == "ROLE":
        raise refused("ALTER ROLE other than RENAME TO is not supported by localshift")
    else:
        raise syntax_error("" if cursor.done() else cursor.take().text)
    cursor.end()
    return Plan(kind="forward", sql=text, query_type="DDL", names=names)


def _change(cursor: Cursor) -> str:
    if cursor.peek() in ("SET", "RESET"):
        verb, parameter = cursor.take().upper, quote_identifier(cursor.identifier())
        if verb == "RESET":
            return f"RESET {parameter}"
        if not cursor.accept("TO"):
            cursor.expect("=")
        return f"SET {parameter} TO {cursor.rest()}"
    cursor.accept("WITH")
    return user_options(cursor)


def drop_principal(cursor: Cursor, kind: str) -> Plan:
    """Return the plan of a DROP USER, GROUP or ROLE whose first two words are taken."""
    exists = "IF EXISTS " if cursor.accept("IF", "EXISTS") else ""
    names = [cursor.identifier()]
    while cursor.accept(","):
        names.append(cursor.identifier())
    force = kind == "ROLE" and cursor.accept("FORCE")
    if kind == "ROLE" and not force:
        cursor.accept("RESTRICT")
    cursor.end()
    listed = ", ".join(map(quote_identifier, names))
    granted = ", ".join(map(quote_literal, names))
    return Plan(
        kind="forward",
        sql=f"DROP ROLE {exists}{listed}",
        query_type="DDL",
        names=dict.fromkeys(names, kind.lower()),
        guard=f"SELECT rs.check_ungranted(ARRAY[{granted}])" if kind == "ROLE" and not force else "",
    )


def user_options(cursor: Cursor) -> str:
    """Take the options of CREATE or ALTER USER to the end of the statement and return PostgreSQL's."""
    options: list[str] = []
    while not cursor.done():
        word = cursor.take().upper
        if word == "PASSWORD":
            options.append("PASSWORD NULL" if cursor.accept("DISABLE") else f"PASSWORD {_password(cursor)}")
        elif word == "CREATEUSER":
            options.append("SUPERUSER")
        elif word in ("NOCREATEUSER", "CREATEDB", "NOCREATEDB"):
            options.append(word.replace("NOCREATEUSER", "NOSUPERUSER"))
        elif word == "IN":
            cursor.expect("GROUP")
            options.append(f"IN ROLE {_names(cursor)}")
        else:
            options.append(_limit(cursor, word))
    return " ".join(options)


def _limit(cursor: Cursor, word: str) -> str:
    """Take an option of how long and how often a user may be there; empty for what has no effect here."""
    if word == "CONNECTION" and cursor.accept("LIMIT"):
        return f"CONNECTION LIMIT {-1 if cursor.accept('UNLIMITED') else _number(cursor.take().text)}"
    if word == "VALID" and cursor.accept("UNTIL"):
        return f"VALID UNTIL {quote_literal(cursor.string())}"
    if word == "SYSLOG" and cursor.accept("ACCESS") and cursor.peek() in ("RESTRICTED", "UNRESTRICTED"):
        cursor.take()
    elif word == "SESSION" and cursor.accept("TIMEOUT"):
        _number(cursor.take().text)
    elif not (word == "RESET" and cursor.accept("SESSION", "TIMEOUT")):
        raise refused(f"user option {word} is not supported by localshift")
    return ""


def _number(text: str) -> str:
    if not text.isdigit():
        raise syntax_error(text)
    return text


def _names(cursor: Cursor) -> str:
    names = [quote_identifier(cursor.identifier())]
    while cursor.accept(","):
        names.append(quote_identifier(cursor.identifier()))
    return ", ".join(names)


def _password(cursor: Cursor) -> str:
    """Take a password and return it as a literal; SqlError, without the password, for one that Redshift would not take."""
    password = cursor.string()
    if HASHED.fullmatch(password):
        return quote_literal(password)
    if password.startswith("sha256|"):
        raise refused("passwords given as a SHA-256 digest are not supported by localshift")
    if not 8 <= len(password) <= 64:
        raise SqlError("22023", "password must have between 8 and 64 characters")
    for pattern, what in CLASSES:
        if not re.search(pattern, password):
            raise SqlError("22023", f"password must contain {what}")
    return quote_literal(password)
