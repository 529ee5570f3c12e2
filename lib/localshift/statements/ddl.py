"""CREATE TABLE: Redshift's clauses taken out of the text and handed back as attributes to remember."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.queries.dialect import translate
from localshift.sql.columntypes import column_type
from localshift.sql.grammar import Cursor
from localshift.sql.lex import quote_identifier
from localshift.sql.words import word_set
from localshift.statements.keys import Key, begins_key, check_keys, column_key, table_key

COLUMN_WORDS = word_set(
    "DEFAULT IDENTITY GENERATED ENCODE DISTKEY SORTKEY NOT NULL UNIQUE PRIMARY REFERENCES COLLATE CHECK CONSTRAINT"
)


@dataclass(slots=True)
class Attributes:
    """What Redshift knows of a table and PostgreSQL does not; None where the statement did not say."""

    diststyle: str | None = None
    distkey: str | None = None
    sortstyle: str | None = None
    sortkey: list[str] | None = None
    encode: dict[str, str] = field(default_factory=dict)
    backup: bool | None = None
    like: str | None = None
    keys: list[Key] | None = None

    def to_json(self) -> str:
        """Return the attributes that were given as JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({name: value for name, value in values.items() if value not in (None, {})})

    def add_key(self, key: Key) -> None:
        """Remember a key; SqlError for a second primary key."""
        self.keys = [*(self.keys or []), key]
        check_keys(self.keys)

    def add_sortkey(self, columns: list[str], style: str = "COMPOUND") -> None:
        """Add columns to the sort key, in this order."""
        self.sortkey = [*(self.sortkey or []), *columns]
        self.sortstyle = style

    def set_distkey(self, column: str) -> None:
        """Distribute by this column; SqlError when the statement said otherwise before."""
        if self.distkey not in (None, column):
            raise SqlError("42P16", "Cannot specify more than one distribution key for a table.")
        if self.diststyle not in (None, "KEY"):
            raise SqlError("42P16", f"DISTKEY cannot be given together with DISTSTYLE {self.diststyle}")
        self.distkey, self.diststyle = column, "KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """A CREATE TABLE for PostgreSQL and the attributes to remember with it; `query_type` is DDL or CTAS."""

    sql: str
    attributes: Attributes
    query_type: str


def create_table(sql: str, *, builtins: frozenset[str] = frozenset()) -> CreateTable:
    """Return the statement for PostgreSQL and what to remember; SqlError for what Redshift refuses."""
    cursor = Cursor(sql, builtins)
    cursor.expect("CREATE")
    attributes = Attributes()
    for word in ("LOCAL", "GLOBAL"):
        cursor.accept(word)
    temporary = cursor.accept("TEMP") or cursor.accept("TEMPORARY")
    cursor.expect("TABLE")
    exists = " IF NOT EXISTS" if cursor.accept("IF", "NOT", "EXISTS") else ""
    name = cursor.table_name()
    head = f"CREATE {'TEMP ' if temporary or name.startswith(chr(34) + '#') else ''}TABLE{exists} {name}"
    columns = ""
    named = cursor.peek() == "(" and _is_ctas(cursor)
    if cursor.peek() == "(":
        columns = _column_names(cursor) if named else _definitions(cursor, attributes)
    table_attributes(cursor, attributes)
    if temporary:
        cursor.accept("ON", "COMMIT", "PRESERVE", "ROWS")
    if cursor.accept("AS"):
        query = translate(cursor.rest(), builtins=builtins).sql
        return CreateTable(sql=f"{head}{columns} AS {query}", attributes=attributes, query_type="CTAS")
    if not cursor.done() or not columns or named:
        raise syntax_error("" if cursor.done() else cursor.take().text)
    return CreateTable(sql=head + columns, attributes=attributes, query_type="DDL")


def _is_ctas(cursor: Cursor) -> bool:
    """Tell a list of bare names (CREATE TABLE t (a, b) AS ...) from definitions."""
    return cursor.peek(2) in (",", ")")


def _column_names(cursor: Cursor) -> str:
    return " (" + ", ".join(quote_identifier(name) for name in cursor.names()) + ")"


def _definitions(cursor: Cursor, attributes: Attributes) -> str:
    cursor.expect("(")
    parts = [_definition(cursor, attributes)]
    while cursor.accept(","):
        parts.append(_definition(cursor, attributes))
    cursor.expect(")")
    # Keys are informational in Redshift: kept out of PostgreSQL, which would enforce them.
    return " (" + ", ".join(part for part in parts if part) + ")"


def _definition(cursor: Cursor, attributes: Attributes) -> str:
    if cursor.accept("LIKE"):
        attributes.like = cursor.table_name()
        defaults = cursor.accept("INCLUDING", "DEFAULTS")
        if not defaults:
            cursor.accept("EXCLUDING", "DEFAULTS")
        return f"LIKE {attributes.like} INCLUDING CONSTRAINTS" + (" INCLUDING DEFAULTS" if defaults else "")
    if cursor.peek() == "CONSTRAINT" or begins_key(cursor):
        key = table_key(cursor)
        attributes.add_key(key)
        # A primary key's columns take no nulls; that alone is enforced.
        names = key["columns"] if key["kind"] == "p" and isinstance(key["columns"], list) else ()
        return ", ".join(f"NOT NULL {quote_identifier(name)}" for name in names)
    if cursor.peek() == "CHECK":
        raise SqlError(SYNTAX_ERROR, "CHECK constraints are not supported", hint="Amazon Redshift has none.")
    return column_definition(cursor, attributes)


def column_definition(cursor: Cursor, attributes: Attributes) -> str:
    """Take one column: name, type and its clauses; return it for PostgreSQL."""
    name = cursor.identifier()
    out = [quote_identifier(name), column_type(cursor)]
    while not cursor.done() and cursor.peek() not in (",", ")"):
        if cursor.accept("NOT", "NULL"):
            out += [] if "NOT NULL" in out else ["NOT NULL"]
        elif cursor.accept("DEFAULT"):
            out.append(
                "DEFAULT "
                + translate(cursor.expression(lambda at: at.peek() in COLUMN_WORDS), builtins=cursor.builtins).sql
            )
        elif cursor.accept("ENCODE"):
            attributes.encode[name] = cursor.identifier()
        elif cursor.accept("DISTKEY"):
            attributes.set_distkey(name)
        elif cursor.accept("SORTKEY"):
            attributes.add_sortkey([name])
        elif cursor.peek() in ("IDENTITY", "GENERATED"):
            out.append(_identity(cursor))
        elif (key := column_key(cursor, name)) is not None:
            attributes.add_key(key)
            out += ["NOT NULL"] if key["kind"] == "p" and "NOT NULL" not in out else []
        elif not _informational(cursor):
            raise syntax_error(cursor.take().text)
    return " ".join(out)


def _informational(cursor: Cursor) -> bool:
    if cursor.accept("NULL") or cursor.accept("COLLATE", "CASE_SENSITIVE"):
        return True
    if cursor.peek() == "COLLATE":
        raise refused("COLLATE CASE_INSENSITIVE is not supported by localshift")
    return False


def _identity(cursor: Cursor) -> str:
    by_default = cursor.accept("GENERATED", "BY", "DEFAULT", "AS")
    cursor.expect("IDENTITY")
    cursor.expect("(")
    seed = cursor.take().text
    cursor.expect(",")
    step = cursor.take().text
    cursor.expect(")")
    if not seed.isdigit() or not step.isdigit():
        raise syntax_error(seed if not seed.isdigit() else step)
    kind = "BY DEFAULT" if by_default else "ALWAYS"
    return f"GENERATED {kind} AS IDENTITY (START WITH {seed} INCREMENT BY {step})"


def table_attributes(cursor: Cursor, attributes: Attributes) -> None:
    """Take the clauses after the column list: BACKUP, DISTSTYLE, DISTKEY, SORTKEY, ENCODE AUTO."""
    while True:
        if cursor.accept("BACKUP"):
            attributes.backup = cursor.take().upper == "YES"
        elif cursor.accept("DISTSTYLE"):
            style = cursor.take().upper
            if style not in ("AUTO", "EVEN", "KEY", "ALL") or (attributes.distkey and style != "KEY"):
                raise syntax_error(style)
            attributes.diststyle = style
        elif cursor.accept("DISTKEY"):
            attributes.set_distkey(_one(cursor.names()))
        elif cursor.accept("SORTKEY", "AUTO"):
            attributes.sortstyle, attributes.sortkey = "AUTO", []
        elif cursor.peek() in ("COMPOUND", "INTERLEAVED", "SORTKEY"):
            style = "INTERLEAVED" if cursor.accept("INTERLEAVED") else "COMPOUND"
            cursor.accept("COMPOUND")
            cursor.expect("SORTKEY")
            attributes.add_sortkey(cursor.names(), style)
        elif not cursor.accept("ENCODE", "AUTO"):
            break
    if attributes.diststyle == "KEY" and attributes.distkey is None:
        raise SqlError("42P16", "DISTSTYLE KEY needs a DISTKEY column")


def _one(names: list[str]) -> str:
    if len(names) != 1:
        raise SqlError("42P16", "Cannot specify more than one distribution key for a table.")
    return names[0]
