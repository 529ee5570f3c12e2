"""UNLOAD: its grammar, as a value, and the combinations Redshift refuses. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.loading.copy import KEYS, authorization, first_of_parameter, null_text, s3_location
from localshift.loading.reading import COMPRESSIONS, Compression, Format
from localshift.queries.dialect import translate
from localshift.sql.grammar import Cursor
from localshift.sql.lex import Token, tokenize
from localshift.sql.words import word_set

FORMATS = word_set("CSV PARQUET JSON")
FLAGS = word_set("HEADER BZIP2 GZIP ZSTD ADDQUOTES ESCAPE ALLOWOVERWRITE CLEANPATH")
STRINGS = word_set("DELIMITER REGION KMS_KEY_ID MASTER_SYMMETRIC_KEY EXTENSION FIXEDWIDTH")
SIZES = word_set("MAXFILESIZE ROWGROUPSIZE")
TEXT_ONLY = word_set("DELIMITER HEADER ADDQUOTES ESCAPE NULL")
REFUSED_BY = {
    "PARQUET": TEXT_ONLY | word_set("GZIP BZIP2 ZSTD"),
    "JSON": TEXT_ONLY | {"ROWGROUPSIZE"},
    "CSV": word_set("ESCAPE ROWGROUPSIZE"),
    "TEXT": word_set("ROWGROUPSIZE"),
}
MB = 1024 * 1024
MAX_FILE = int(Decimal("6.2") * 1024 * MB)
ROW_GROUP = 32 * MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    """One UNLOAD statement. `query` is PostgreSQL's; sizes are in bytes; `manifest` is empty, 'plain' or 'verbose'."""

    query: str
    location: str
    iam_role: str
    format: Format
    partition_by: tuple[str, ...]
    include: bool
    manifest: Literal["", "plain", "verbose"]
    existing: Literal["refuse", "overwrite", "clean"]
    parallel: bool
    delimiter: str
    header: bool
    add_quotes: bool
    escape: bool
    null: str
    compression: Compression
    extension: str
    max_bytes: int
    row_group: int


def parse_unload(cursor: Cursor) -> Unload:
    """Return the UNLOAD that the statement is; SqlError for what Redshift, or this double, does not take."""
    cursor.expect("UNLOAD")
    cursor.expect("(")
    text = cursor.string()
    cursor.expect(")")
    query = _query(text, cursor.builtins)
    cursor.expect("TO")
    location = s3_location(cursor, "UNLOAD to")
    seen: dict[str, str] = {}
    partition_by: tuple[str, ...] = ()
    while not cursor.done():
        if cursor.accept("PARTITION", "BY"):
            name, value = "PARTITION BY", ""
            partition_by = tuple(cursor.names())
            if len(set(partition_by)) < len(partition_by):
                raise SqlError("42701", "PARTITION BY names a column more than once")
            value = "INCLUDE" if cursor.accept("INCLUDE") else ""
        else:
            name, value = _parameter(cursor)
        if name in seen:
            raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {name}")
        seen[name] = value
    return _checked(query, location, seen, partition_by)


def _query(text: str, builtins: frozenset[str]) -> str:
    tokens = tokenize(text)
    if tokens and tokens[-1].is_op(";"):
        text, tokens = text[: tokens[-1].start], tokens[:-1]
    if not tokens or (tokens[0].upper not in ("SELECT", "WITH") and not tokens[0].is_op("(")):
        raise syntax_error(tokens[0].text if tokens else "")
    depth = 0
    for i, token in enumerate(tokens):
        depth += token.is_op("(") - token.is_op(")")
        if token.is_op(";"):
            raise syntax_error(";")
        top = token.upper == "TOP" and i and tokens[i - 1].upper in ("SELECT", "DISTINCT")
        if depth == 0 and (token.upper == "LIMIT" or top):
            raise refused("Limit clause is not supported", hint="Put the LIMIT into a subquery.")
    return translate(text, builtins=builtins).sql


def _parameter(cursor: Cursor) -> tuple[str, str]:  # noqa: PLR0911 - one return for each family of parameters
    token = first_of_parameter(cursor, FORMATS)
    word = token.upper
    if word in FORMATS:
        return "FORMAT", word
    if word == "IAM_ROLE" or word in KEYS:
        return "IAM_ROLE", authorization(cursor, word)
    if word in FLAGS:
        return word, ""
    if word == "MANIFEST":
        return word, "verbose" if cursor.accept("VERBOSE") else "plain"
    if word == "ENCRYPTED":
        return word, "AUTO" if cursor.accept("AUTO") else ""
    if word == "PARALLEL":
        return word, cursor.take().upper if cursor.peek() in ("ON", "TRUE", "OFF", "FALSE") else "ON"
    return word, _value(cursor, token)


def _value(cursor: Cursor, name: Token) -> str:
    word = name.upper
    if word in STRINGS:
        cursor.accept("AS")
        return cursor.string()
    if word == "NULL":
        cursor.accept("AS")
        token = cursor.take()
        if token.kind == "string":
            return null_text(token)
        raise syntax_error(token.text)
    if word in SIZES:
        cursor.accept("AS")
        number = cursor.take()
        if number.kind != "number":
            raise syntax_error(number.text)
        if word == "ROWGROUPSIZE" and not number.text.isdigit():
            raise SqlError("22023", f"ROWGROUPSIZE must be a whole number: {number.text}")
        unit = 1024 * MB if cursor.accept("GB") else MB
        cursor.accept("MB")
        return str(int(Decimal(number.text) * unit))
    raise syntax_error(name.text)


def _checked(query: str, location: str, seen: dict[str, str], partition_by: tuple[str, ...]) -> Unload:
    role = seen.get("IAM_ROLE", "")
    if not role:
        raise SqlError(SYNTAX_ERROR, "UNLOAD needs authorization: IAM_ROLE is missing")
    file_format: Format = seen.get("FORMAT", "TEXT")  # type: ignore[assignment]  # only the words of FORMATS get in
    wrong = sorted(set(seen) & REFUSED_BY[file_format])
    if wrong:
        shown = "delimited text" if file_format == "TEXT" else file_format
        raise refused(f"{wrong[0].replace('NULL', 'NULL AS')} is not supported for UNLOAD to {shown}")
    _check_encryption(seen)
    if "ALLOWOVERWRITE" in seen and "CLEANPATH" in seen:
        raise SqlError(SYNTAX_ERROR, "CLEANPATH and ALLOWOVERWRITE cannot be used together")
    compressions = [word for word in COMPRESSIONS if word in seen]
    if len(compressions) > 1:
        raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {compressions[1]}")
    delimiter = seen.get("DELIMITER", "," if file_format == "CSV" else "|")
    if len(delimiter) != 1 or not delimiter.isascii():
        raise SqlError(SYNTAX_ERROR, f"DELIMITER must be a single ASCII character: '{delimiter}'")
    return Unload(
        query=query,
        location=location if not partition_by or location.endswith("/") else location + "/",
        iam_role=role,
        format=file_format,
        partition_by=partition_by,
        include=seen.get("PARTITION BY") == "INCLUDE",
        manifest=seen.get("MANIFEST", ""),  # type: ignore[arg-type]  # 'plain' or 'verbose', see _parameter
        existing="overwrite" if "ALLOWOVERWRITE" in seen else "clean" if "CLEANPATH" in seen else "refuse",
        parallel=seen.get("PARALLEL", "ON") in ("ON", "TRUE"),
        delimiter=delimiter,
        header="HEADER" in seen,
        add_quotes="ADDQUOTES" in seen,
        escape="ESCAPE" in seen,
        null=seen.get("NULL", ""),
        compression=COMPRESSIONS[compressions[0]] if compressions else "",
        extension=seen.get("EXTENSION", ""),
        max_bytes=_size(seen, "MAXFILESIZE", 5 * MB, MAX_FILE, MAX_FILE),
        row_group=_size(seen, "ROWGROUPSIZE", ROW_GROUP, 128 * MB, ROW_GROUP),
    )


def _check_encryption(seen: dict[str, str]) -> None:
    if "FIXEDWIDTH" in seen:
        raise refused("UNLOAD with FIXEDWIDTH is not supported by localshift")
    # A bare ENCRYPTED is what awswrangler sends with every UNLOAD.
    if "MASTER_SYMMETRIC_KEY" in seen:
        raise refused("client-side encryption of UNLOAD has ended: use ENCRYPTED with KMS_KEY_ID, or ENCRYPTED AUTO")
    if "KMS_KEY_ID" in seen and seen.get("ENCRYPTED") != "":
        raise SqlError(SYNTAX_ERROR, "KMS_KEY_ID needs ENCRYPTED, and cannot be used with ENCRYPTED AUTO")


def _size(seen: dict[str, str], name: str, least: int, most: int, default: int) -> int:
    size = int(seen.get(name, default))
    if not least <= size <= most:
        raise SqlError("22023", f"{name} must be between {_shown(least)} and {_shown(most)}")
    return size


def _shown(size: int) -> str:
    return f"{size // MB} MB" if size < 1024 * MB else f"{Decimal(size) / (1024 * MB):.1f} GB"
