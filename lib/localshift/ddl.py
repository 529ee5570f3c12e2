"""CREATE TABLE and ALTER TABLE: Redshift's clauses taken out of the text and handed back as attributes to remember."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from localshift.dialect import translate
from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.lex import Token, quote_identifier, tokenize

MAX_VARCHAR = 65535
MAX_CHAR = 4096
TYPES = {
    "super": "jsonb",
    "text": "varchar(256)",
    "nvarchar": "varchar",
    "nchar": "char",
    "bpchar": "char(256)",
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "float": "double precision",
    "bool": "boolean",
    "timestamptz": "timestamptz",
    "timetz": "timetz",
}
KNOWN = frozenset(
    "smallint integer bigint decimal numeric real double boolean char character varchar date time timestamp".split()
)
COLUMN_WORDS = frozenset(
    "DEFAULT IDENTITY GENERATED ENCODE DISTKEY SORTKEY NOT NULL UNIQUE PRIMARY REFERENCES COLLATE CHECK CONSTRAINT".split()
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

    def to_json(self) -> str:
        """Return the attributes that were given as JSON."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps({name: value for name, value in values.items() if value not in (None, {})})

    def add_sortkey(self, columns: list[str], style: str = "COMPOUND") -> None:
        self.sortkey = [*(self.sortkey or []), *columns]
        self.sortstyle = style

    def set_distkey(self, column: str) -> None:
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


class Cursor:
    """A position in the tokens of one statement."""

    def __init__(self, tokens: list[Token], builtins: frozenset[str], source: str) -> None:
        self.tokens = tokens
        self.builtins = builtins
        self.source = source
        self.i = 0

    def peek(self, ahead: int = 0) -> str:
        """Return the upper-case word or the operator at the position; empty at the end and for anything else."""
        i = self.i + ahead
        token = self.tokens[i] if i < len(self.tokens) else None
        return "" if token is None else token.upper or (token.text if token.kind == "op" else "")

    def done(self) -> bool:
        return self.i >= len(self.tokens)

    def take(self) -> Token:
        if self.done():
            raise syntax_error("")
        self.i += 1
        return self.tokens[self.i - 1]

    def accept(self, *words: str) -> bool:
        """Take these words when they all stand here, in this order."""
        if all(self.peek(ahead) == word for ahead, word in enumerate(words)):
            self.i += len(words)
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise syntax_error("" if self.done() else self.tokens[self.i].text)

    def identifier(self) -> str:
        token = self.take()
        if token.kind not in ("word", "quoted"):
            raise syntax_error(token.text)
        return token.name

    def table_name(self) -> str:
        """Take a name of up to two parts and return it quoted."""
        parts = [self.identifier()]
        while self.accept("."):
            parts.append(self.identifier())
        if len(parts) > 2:
            raise refused("names with a database part are not supported by localshift")
        return ".".join(quote_identifier(part) for part in parts)

    def names(self) -> list[str]:
        """Take a parenthesised list of names."""
        self.expect("(")
        found = [self.identifier()]
        while self.accept(","):
            found.append(self.identifier())
        self.expect(")")
        return found

    def expression(self, stop: Callable[[Cursor], bool]) -> str:
        """Take tokens up to a top-level place where `stop` holds and return them translated."""
        start, depth = self.i, 0
        while not self.done() and not (depth == 0 and (self.peek() in (",", ")") or stop(self))):
            depth += (self.peek() == "(") - (self.peek() == ")")
            self.i += 1
        if self.i == start:
            raise syntax_error("" if self.done() else self.tokens[self.i].text)
        text = self.source[self.tokens[start].start : self.tokens[self.i - 1].end]
        return translate(text, builtins=self.builtins).sql

    def rest(self) -> str:
        """Return what is left of the statement, untranslated, and go to its end."""
        text = "" if self.done() else self.source[self.tokens[self.i].start :]
        self.i = len(self.tokens)
        return text


def create_table(sql: str, *, builtins: frozenset[str] = frozenset()) -> CreateTable:
    """Return the statement for PostgreSQL and what to remember; SqlError for what Redshift refuses."""
    cursor = Cursor(tokenize(sql), builtins, sql)
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
    if cursor.peek() == "(":
        columns = _column_names(cursor) if _is_ctas(cursor) else _definitions(cursor, attributes)
    table_attributes(cursor, attributes)
    if cursor.accept("AS"):
        query = translate(cursor.rest(), builtins=builtins).sql
        return CreateTable(sql=f"{head}{columns} AS {query}", attributes=attributes, query_type="CTAS")
    if not cursor.done() or not columns:
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
    if cursor.accept("CONSTRAINT"):
        cursor.identifier()
    if cursor.peek() in ("PRIMARY", "UNIQUE", "FOREIGN") and cursor.peek(1) in ("KEY", "("):
        _table_key(cursor)
        return ""
    if cursor.peek() == "CHECK":
        raise SqlError(SYNTAX_ERROR, "CHECK constraints are not supported", hint="Amazon Redshift has none.")
    return column_definition(cursor, attributes)


def _table_key(cursor: Cursor) -> None:
    foreign = cursor.accept("FOREIGN")
    if not foreign and not cursor.accept("UNIQUE"):
        cursor.expect("PRIMARY")
    cursor.accept("KEY")
    cursor.names()
    if foreign:
        cursor.expect("REFERENCES")
        cursor.table_name()
        if cursor.peek() == "(":
            cursor.names()


def column_definition(cursor: Cursor, attributes: Attributes) -> str:
    """Take one column: name, type and its clauses; return it for PostgreSQL."""
    name = cursor.identifier()
    out = [quote_identifier(name), column_type(cursor)]
    while not cursor.done() and cursor.peek() not in (",", ")"):
        if cursor.accept("NOT", "NULL"):
            out.append("NOT NULL")
        elif cursor.accept("DEFAULT"):
            out.append("DEFAULT " + cursor.expression(lambda at: at.peek() in COLUMN_WORDS))
        elif cursor.accept("ENCODE"):
            attributes.encode[name] = cursor.identifier()
        elif cursor.accept("DISTKEY"):
            attributes.set_distkey(name)
        elif cursor.accept("SORTKEY"):
            attributes.add_sortkey([name])
        elif cursor.peek() in ("IDENTITY", "GENERATED"):
            out.append(_identity(cursor))
        elif not _informational(cursor):
            raise syntax_error(cursor.take().text)
    return " ".join(out)


def _informational(cursor: Cursor) -> bool:
    if cursor.accept("NULL") or cursor.accept("UNIQUE") or cursor.accept("COLLATE", "CASE_SENSITIVE"):
        return True
    if cursor.accept("PRIMARY", "KEY"):
        return True
    if cursor.accept("REFERENCES"):
        cursor.table_name()
        if cursor.peek() == "(":
            cursor.names()
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


def column_type(cursor: Cursor) -> str:
    """Take a Redshift type and return PostgreSQL's; SqlError for a type Redshift does not have."""
    token = cursor.take()
    name = token.name
    if token.kind != "word" or (name not in TYPES and name not in KNOWN):
        raise _no_type(token)
    if name == "double":
        cursor.expect("PRECISION")
        return "double precision"
    varying = name == "character" and cursor.accept("VARYING")
    length = _length(cursor)
    if name in ("time", "timestamp"):
        zone = cursor.accept("WITH", "TIME", "ZONE")
        if not zone:
            cursor.accept("WITHOUT", "TIME", "ZONE")
        return name + ("tz" if zone else "")
    if name in ("varchar", "nvarchar") or varying:
        return "varchar" + _checked_length(length or ["256"], MAX_VARCHAR, "varchar")
    if name in ("char", "nchar", "character"):
        return "char" + _checked_length(length or ["1"], MAX_CHAR, "char")
    if name in ("decimal", "numeric"):
        return _decimal(length)
    if name == "float" and length:
        return "real" if int(length[0]) <= 24 else "double precision"
    return TYPES.get(name, name)


def _no_type(token: Token) -> SqlError:
    if token.name in ("varbyte", "varbinary", "binary", "hllsketch", "geometry", "geography", "interval"):
        return refused(f"type {token.name} is not supported by localshift")
    return SqlError("42704", f'type "{token.name}" does not exist', hint="Amazon Redshift has no such type.")


def _length(cursor: Cursor) -> list[str]:
    found: list[str] = []
    if cursor.accept("("):
        found.append(cursor.take().text)
        while cursor.accept(","):
            found.append(cursor.take().text)
        cursor.expect(")")
    if cursor.peek() == "[":
        raise refused("arrays are not supported")
    return found


def _checked_length(length: list[str], maximum: int, name: str) -> str:
    text = str(maximum) if length[0].upper() == "MAX" else length[0]
    if not text.isdigit() or len(length) > 1:
        raise syntax_error(text)
    if not 1 <= int(text) <= maximum:
        raise SqlError(
            "22023",
            f"length for type {name} cannot exceed {maximum}"
            if int(text)
            else f"length for type {name} must be at least 1",
        )
    return f"({text})"


def _decimal(length: list[str]) -> str:
    digits = length or ["18", "0"]
    if not all(digit.isdigit() for digit in digits) or len(digits) > 2:
        raise syntax_error(digits[0])
    precision, scale = int(digits[0]), int(digits[1]) if len(digits) == 2 else 0
    if not 1 <= precision <= 38 or not 0 <= scale <= min(precision, 37):
        raise SqlError(
            "22023", f"DECIMAL precision {precision} must be between 1 and 38, scale {scale} between 0 and it"
        )
    return f"numeric({precision},{scale})"


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
