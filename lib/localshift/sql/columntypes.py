"""Column types: Redshift's, as PostgreSQL's."""

from __future__ import annotations

from localshift.errors import SqlError, refused, syntax_error
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token
from localshift.sql.words import word_set

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
WITH_LENGTH = word_set("varchar nvarchar char nchar character bpchar decimal numeric float")
KNOWN = word_set(
    "smallint integer bigint decimal numeric real double boolean char character varchar date time timestamp"
)


def column_type(cursor: Cursor) -> str:  # noqa: PLR0911 - one return for each family of types
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
    if length and name not in WITH_LENGTH:
        raise syntax_error("(")
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
