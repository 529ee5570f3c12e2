"""COPY: its grammar, as a value. No I/O. What a combination of parameters means stands in `reading`."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.loading.reading import Format, Reading, make_reading
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, quote_identifier
from localshift.sql.words import word_set

FLAGS = word_set(
    """
    MANIFEST BLANKSASNULL EMPTYASNULL EXPLICIT_IDS FILLRECORD IGNOREBLANKLINES NOLOAD REMOVEQUOTES ROUNDEC TRIMBLANKS
    TRUNCATECOLUMNS ESCAPE GZIP BZIP2 LZOP ZSTD ENCRYPTED SSH IGNOREALLERRORS SERIALIZETOJSON ACCEPTANYDATE
    """
)
FORMATS = word_set("PARQUET ORC CSV JSON AVRO FIXEDWIDTH SHAPEFILE")
STRINGS = word_set("DELIMITER QUOTE NULL DATEFORMAT TIMEFORMAT REGION MASTER_SYMMETRIC_KEY KMS_KEY_ID")
NUMBERS = word_set("MAXERROR IGNOREHEADER READRATIO COMPROWS")
UPDATES = word_set("STATUPDATE COMPUPDATE")
KEYS = word_set("CREDENTIALS ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN")
JOB_VERBS = word_set("LIST SHOW DROP RUN ALTER CREATE")
SWITCHES = frozenset({"ON", "OFF", "TRUE", "FALSE"})
ROLE_CREDENTIALS = re.compile(r"\s*aws_iam_role\s*=\s*([^;\s]+)\s*")
# In a null string a backslash before N or 0 is not the escape it is in other literals.
NULL_TEXTS = {r"\N": r"\N", r"\\N": r"\N", r"\0": "\0", r"\000": "\0", r"\\0": "\0", r"\\000": "\0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One COPY statement. `columns` is None without a column list; names are folded to lower case."""

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    source: str
    iam_role: str
    format: Format
    manifest: bool
    options: frozenset[str]
    reading: Reading

    @property
    def target(self) -> str:
        """The target as quoted SQL."""
        parts = (self.schema, self.table) if self.schema else (self.table,)
        return ".".join(quote_identifier(part) for part in parts)


def parse_copy(sql: str) -> Copy:
    """Return the COPY that `sql` is; SqlError for what Redshift, or this double, does not take."""
    cursor = Cursor(sql)
    cursor.expect("COPY")
    if cursor.peek() == "JOB" and cursor.peek(1) in JOB_VERBS:
        raise no_jobs()
    schema, table = ([None, *cursor.name_parts()])[-2:]
    columns = tuple(cursor.names()) if cursor.peek() == "(" else None
    cursor.expect("FROM")
    if cursor.peek() == "STDIN":
        raise refused("LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)")
    source = s3_location(cursor, "COPY from")
    seen: dict[str, str] = {}
    while not cursor.done():
        name, value = _parameter(cursor)
        if name in seen:
            raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {name}")
        seen[name] = value
    word, _, argument = seen.pop("FORMAT", "TEXT").partition(" ")
    role = seen.pop("IAM_ROLE", "")
    if not role:
        raise SqlError(SYNTAX_ERROR, "COPY needs authorization: IAM_ROLE is missing")
    file_format = _format(word)
    reading = make_reading(file_format, _json_argument(argument), seen)
    return Copy(
        schema=schema,
        table=str(table),
        columns=columns,
        source=source,
        iam_role=role,
        format=file_format,
        manifest="MANIFEST" in seen,
        options=frozenset(seen),
        reading=reading,
    )


def no_jobs() -> SqlError:
    """Return the refusal of COPY JOB and all that manages such jobs."""
    return refused("COPY JOB is not supported by localshift")


def s3_location(cursor: Cursor, what: str) -> str:
    """Take the address after FROM or TO; SqlError when it is not in S3."""
    location = cursor.string()
    if location.startswith("s3://") and not location.removeprefix("s3://").partition("/")[0]:
        raise SqlError(SYNTAX_ERROR, f"{what} '{location}': the location names no bucket")
    if not location.startswith("s3://"):
        raise refused(f"{what} {location.partition(':')[0]}: only s3:// locations are supported by localshift")
    return location


def authorization(cursor: Cursor, word: str) -> str:
    """Take what follows IAM_ROLE or one of the key parameters and return the role; keys are refused."""
    if word == "IAM_ROLE":
        return "default" if cursor.accept("DEFAULT") else cursor.string()
    if word == "CREDENTIALS":
        cursor.accept("AS")
        found = ROLE_CREDENTIALS.fullmatch(cursor.string())
        if found:
            return found.group(1)
    raise refused("keys in SQL text are refused by localshift: use IAM_ROLE")


def null_text(token: Token) -> str:
    """Return the string that stands for null."""
    return NULL_TEXTS.get(token.text[token.text.index("'") + 1 : -1] if "'" in token.text else "", token.value)


def first_of_parameter(cursor: Cursor, formats: Container[str]) -> Token:
    """Take the word that says which parameter follows, without the words that may stand before it for nothing."""
    if cursor.accept("FORMAT"):
        cursor.accept("AS")
        if cursor.peek() not in formats:
            raise syntax_error("" if cursor.done() else cursor.take().text)
    if cursor.peek(1) == "CREDENTIALS":
        cursor.accept("WITH")
    return cursor.take()


def _parameter(cursor: Cursor) -> tuple[str, str]:
    token = first_of_parameter(cursor, FORMATS)
    word = token.upper
    if word in FORMATS:
        cursor.accept("AS")
        return "FORMAT", word + (f" {cursor.string()}" if cursor.kind() == "string" else "")
    if word == "IAM_ROLE" or word in KEYS:
        return "IAM_ROLE", authorization(cursor, word)
    if word == "JOB":
        raise no_jobs()
    if word in FLAGS:
        return word, ""
    if word in UPDATES:
        allowed = SWITCHES | {"PRESET"} if word == "COMPUPDATE" else SWITCHES
        return word, cursor.take().upper if cursor.peek() in allowed else "ON"
    return word, _value(cursor, token)


def _value(cursor: Cursor, name: Token) -> str:
    word = name.upper
    cursor.accept("AS")
    if word == "ACCEPTINVCHARS":
        return cursor.string() if cursor.kind() == "string" else ""
    if word == "NULL":
        token = cursor.take()
        if token.kind != "string":
            raise syntax_error(token.text)
        return null_text(token)
    if word in STRINGS:
        return cursor.string()
    if word in NUMBERS and cursor.kind() == "number":
        return cursor.take().text
    if word == "ENCODING" and cursor.kind() in ("word", "string"):
        token = cursor.take()
        return token.value if token.kind == "string" else token.text
    raise syntax_error(name.text if word not in NUMBERS or cursor.done() else cursor.take().text)


def _format(word: str) -> Format:
    if word not in ("PARQUET", "CSV", "JSON", "TEXT"):
        raise refused(f"COPY format {word} is not supported by localshift yet")
    return word  # type: ignore[return-value]  # narrowed by the line above


def _json_argument(argument: str) -> str:
    known = argument in ("", "auto", "auto ignorecase", "noshred") or argument.startswith("s3://")
    if not known:
        raise SqlError(
            SYNTAX_ERROR, f"JSON argument '{argument}' is not 'auto', 'auto ignorecase', 'noshred' or s3://…"
        )
    return argument
