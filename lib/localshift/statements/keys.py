"""Keys in CREATE and ALTER TABLE: information for clients and planners, remembered and shown, enforced by nobody. No I/O."""

from __future__ import annotations

from localshift.errors import SqlError
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_literal

Key = dict[str, object]
# The database remembers keys in a function of its own search path, and must find the referenced table by the client's.
LEAVE_PATH = "SELECT set_config('redshift.search_path', current_setting('search_path'), false)"


def table_key(cursor: Cursor) -> Key:
    """Take a table's key, its name included; a syntax error for what is none."""
    name = cursor.identifier() if cursor.accept("CONSTRAINT") else None
    if cursor.accept("FOREIGN"):
        kind = "f"
    elif cursor.accept("UNIQUE"):
        kind = "u"
    else:
        cursor.expect("PRIMARY")
        kind = "p"
    if kind != "u":
        cursor.expect("KEY")
    columns = cursor.names()
    if kind == "f":
        cursor.expect("REFERENCES")
        return _named(name, _reference(cursor, columns))
    return _named(name, {"kind": kind, "columns": columns})


def column_key(cursor: Cursor, column: str) -> Key | None:
    """Take the key a column's definition gives; None when none stands here."""
    if cursor.accept("UNIQUE"):
        return {"kind": "u", "columns": [column]}
    if cursor.accept("PRIMARY", "KEY"):
        return {"kind": "p", "columns": [column]}
    return _reference(cursor, [column]) if cursor.accept("REFERENCES") else None


def begins_key(cursor: Cursor) -> bool:
    """Whether a table's key without a name stands here, and no column that is called like one."""
    return cursor.peek() in ("PRIMARY", "UNIQUE", "FOREIGN") and cursor.peek(1) in ("KEY", "(")


def check_keys(keys: list[Key]) -> None:
    """Raise the SqlError for a table with several primary keys."""
    if sum(key["kind"] == "p" for key in keys) > 1:
        raise SqlError("42P16", "multiple primary keys for a table are not allowed")


def _reference(cursor: Cursor, columns: list[str]) -> Key:
    key: Key = {"kind": "f", "columns": columns, "target": cursor.table_name()}
    if cursor.peek() == "(":
        key["target_columns"] = cursor.names()
    return key


def _named(name: str | None, key: Key) -> Key:
    return key if name is None else {"name": name, **key}


def drop_key(table: str, name: str) -> str:
    """Return the statement that forgets the key of this name."""
    return f"SELECT rs.drop_key({quote_literal(table)}, {quote_literal(name)})"
