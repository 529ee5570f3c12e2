"""COPY: its grammar, as a value, and the combinations Redshift refuses. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.grammar import Cursor
from localshift.lex import quote_identifier
from localshift.words import word_set

WITHOUT_VALUE = word_set(
    """
    MANIFEST ACCEPTINVCHARS BLANKSASNULL EMPTYASNULL EXPLICIT_IDS FILLRECORD IGNOREBLANKLINES NOLOAD REMOVEQUOTES
    ROUNDEC TRIMBLANKS TRUNCATECOLUMNS ESCAPE GZIP BZIP2 LZOP ZSTD ENCRYPTED
    SSH IGNOREALLERRORS SERIALIZETOJSON
    """
)
FORMATS = word_set("PARQUET ORC CSV JSON AVRO FIXEDWIDTH SHAPEFILE DELIMITER")
WITH_VALUE = word_set(
    """
    MAXERROR IGNOREHEADER NULL ACCEPTANYDATE REGION DATEFORMAT TIMEFORMAT QUOTE ENCODING
    MASTER_SYMMETRIC_KEY KMS_KEY_ID READRATIO COMPROWS
    """
)
KEYS = word_set("CREDENTIALS ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN")
# Columnar COPY takes only these; everything else is an error, not ignored.
COLUMNAR = word_set("MANIFEST ACCEPTINVCHARS FILLRECORD STATUPDATE EXPLICIT_IDS SERIALIZETOJSON")
SWITCHES = frozenset({"ON", "OFF", "TRUE", "FALSE", "PRESET"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One COPY statement. `columns` is None without a column list; names are folded to lower case."""

    schema: str | None
    table: str
    columns: tuple[str, ...] | None
    source: str
    iam_role: str
    format: Literal["PARQUET"]
    manifest: bool
    options: frozenset[str]

    @property
    def target(self) -> str:
        """The target as quoted SQL."""
        parts = (self.schema, self.table) if self.schema else (self.table,)
        return ".".join(quote_identifier(part) for part in parts)


def parse_copy(sql: str) -> Copy:
    """Return the COPY that `sql` is; SqlError for what Redshift, or this cut, does not take."""
    cursor = Cursor(sql)
    cursor.expect("COPY")
    schema, table = ([None, *cursor.name_parts()])[-2:]
    columns = tuple(cursor.names()) if cursor.peek() == "(" else None
    cursor.expect("FROM")
    source = cursor.string()
    if not source.startswith("s3://"):
        raise refused(f"COPY from {source.partition(':')[0]}: only s3:// sources are supported by localshift")
    seen: dict[str, str] = {}
    while not cursor.done():
        name, value = _parameter(cursor)
        if name in seen:
            raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {name}")
        seen[name] = value
    return _checked(seen, schema=schema, table=str(table), columns=columns, source=source)


def _parameter(cursor: Cursor) -> tuple[str, str]:
    if cursor.accept("FORMAT"):
        cursor.accept("AS")
        if cursor.peek() not in FORMATS:
            raise syntax_error("" if cursor.done() else cursor.take().text)
    token = cursor.take()
    word = token.upper
    if word in FORMATS:
        cursor.accept("AS")
        return "FORMAT", word + (f" {cursor.string()}" if cursor.kind() == "string" else "")
    if word == "IAM_ROLE":
        return word, "default" if cursor.accept("DEFAULT") else cursor.string()
    if word in KEYS:
        raise refused("keys in SQL text are refused by localshift: use IAM_ROLE")
    if word == "JOB":
        raise refused("COPY JOB is not supported by localshift")
    if word in WITHOUT_VALUE:
        return word, ""
    if word in ("STATUPDATE", "COMPUPDATE"):
        return word, cursor.take().upper if cursor.peek() in SWITCHES else "ON"
    if word in WITH_VALUE:
        cursor.accept("AS")
        return word, cursor.take().text if cursor.kind() in ("string", "number") else ""
    raise syntax_error(token.text)


def _checked(
    seen: dict[str, str], *, schema: str | None, table: str, columns: tuple[str, ...] | None, source: str
) -> Copy:
    file_format = seen.pop("FORMAT", "DELIMITER")
    role = seen.pop("IAM_ROLE", "")
    if not role:
        raise SqlError(SYNTAX_ERROR, "COPY needs authorization: IAM_ROLE is missing")
    if file_format != "PARQUET":
        raise refused(f"COPY format {file_format} is not supported by localshift yet: only PARQUET")
    wrong = sorted(set(seen) - COLUMNAR)
    if wrong:
        raise refused(f"{wrong[0]} argument is not supported for PARQUET based COPY")
    todo = sorted(set(seen) & {"FILLRECORD", "EXPLICIT_IDS", "SERIALIZETOJSON", "ACCEPTINVCHARS"})
    if todo:
        raise refused(f"COPY parameter {todo[0]} is not supported by localshift yet")
    return Copy(
        schema=schema,
        table=table,
        columns=columns,
        source=source,
        iam_role=role,
        format="PARQUET",
        manifest="MANIFEST" in seen,
        options=frozenset(seen),
    )
