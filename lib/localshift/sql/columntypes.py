"""Column types: Redshift's, as PostgreSQL's."""

from __future__ import annotations

from localshift.errors import SqlError, refused, syntax_error
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token
from localshift.sql.words import word_set

# Types whose length is in bytes: PostgreSQL's name, the length without one, and the most there may be.
FAMILIES = {
    "varchar": ("varchar", "256", 65535),
    "char": ("char", "1", 4096),
    "varbyte": ("bytea", "64000", 16_777_216),
}
IN_FAMILY = {
    "varchar": "varchar",
    "nvarchar": "varchar",
    "char": "char",
    "nchar": "char",
    "character": "char",
    "varbyte": "varbyte",
    "varbinary": "varbyte",
    "binary": "varbyte",
}
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
WITH_LENGTH = word_set("varchar nvarchar char nchar character bpchar decimal numeric float varbyte varbinary binary")
KNOWN = word_set(
    "smallint integer bigint decimal numeric real double boolean char character varchar date time timestamp varbyte varbinary binary"
)


def column_type(cursor: Cursor) -> str:
    """Take a Redshift type and return PostgreSQL's; SqlError for a type Redshift does not have."""
    token = cursor.take()
    name = token.name
    if token.kind != "word" or (name not in TYPES and name not in KNOWN):
        raise _no_type(token)
    if name == "double":
        cursor.expect("PRECISION")
        return "double precision"
    family = _family(cursor, name)
    length = _length(cursor)
    if length and name not in WITH_LENGTH:
        raise syntax_error("(")
    if name in ("time", "timestamp"):
        zone = cursor.accept("WITH", "TIME", "ZONE")
        if not zone:
            cursor.accept("WITHOUT", "TIME", "ZONE")
        return name + ("tz" if zone else "")
    if family:
        own, default, maximum = FAMILIES[family]
        return own + _checked_length(length or [default], maximum, family)
    if name in ("decimal", "numeric"):
        return _decimal(length)
    if name == "float" and length:
        return "real" if int(length[0]) <= 24 else "double precision"
    return TYPES.get(name, name)


def _family(cursor: Cursor, name: str) -> str:
    """Return which types with a length in bytes a name belongs to, empty for others; what belongs to the name is taken."""
    if name == "binary":
        cursor.expect("VARYING")
    varying = name == "character" and cursor.accept("VARYING")
    return "varchar" if varying else IN_FAMILY.get(name, "")


def _no_type(token: Token) -> SqlError:
    if token.name in ("hllsketch", "geometry", "geography", "interval"):
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
