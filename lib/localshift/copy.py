"""COPY: its grammar, as a value, and the combinations Redshift refuses. No I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localshift.errors import SYNTAX_ERROR, SqlError, refused, syntax_error
from localshift.lex import Token, quote_identifier, tokenize

WITHOUT_VALUE = frozenset(
    "MANIFEST ACCEPTINVCHARS BLANKSASNULL EMPTYASNULL EXPLICIT_IDS FILLRECORD IGNOREBLANKLINES NOLOAD REMOVEQUOTES"
    " ROUNDEC TRIMBLANKS TRUNCATECOLUMNS ESCAPE GZIP BZIP2 LZOP ZSTD ENCRYPTED SSH IGNOREALLERRORS SERIALIZETOJSON".split()
)
FORMATS = frozenset("PARQUET ORC CSV JSON AVRO FIXEDWIDTH SHAPEFILE DELIMITER".split())
WITH_STRING = frozenset(
    "REGION DATEFORMAT TIMEFORMAT QUOTE ENCODING MASTER_SYMMETRIC_KEY KMS_KEY_ID READRATIO COMPROWS".split()
)
KEYS = frozenset("CREDENTIALS ACCESS_KEY_ID SECRET_ACCESS_KEY SESSION_TOKEN".split())
# Columnar COPY takes only these; everything else is an error, not ignored.
COLUMNAR = frozenset("MANIFEST ACCEPTINVCHARS FILLRECORD STATUPDATE EXPLICIT_IDS SERIALIZETOJSON".split())
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


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self) -> Token | None:
        return self.tokens[self.position] if self.position < len(self.tokens) else None

    def take(self) -> Token:
        token = self.peek()
        if token is None:
            raise syntax_error("")
        self.position += 1
        return token

    def accept(self, *words: str) -> bool:
        """Take the next token when it is one of these words or operators."""
        token = self.peek()
        if token is not None and (token.upper in words or (token.kind == "op" and token.text in words)):
            self.position += 1
            return True
        return False

    def expect(self, word: str) -> None:
        if not self.accept(word):
            token = self.peek()
            raise syntax_error(token.text if token else "")

    def identifier(self) -> str:
        token = self.take()
        if token.kind not in ("word", "quoted"):
            raise syntax_error(token.text)
        return token.name

    def string(self) -> str:
        token = self.take()
        if token.kind != "string":
            raise syntax_error(token.text)
        return token.value


def parse_copy(sql: str) -> Copy:
    """Return the COPY that `sql` is; SqlError for what Redshift, or this cut, does not take."""
    reader = _Reader(tokenize(sql))
    reader.expect("COPY")
    schema, table = _target(reader)
    columns = _column_list(reader)
    reader.expect("FROM")
    source = reader.string()
    if not source.startswith("s3://"):
        raise refused(f"COPY from {source.partition(':')[0]}: only s3:// sources are supported by localshift")
    seen: dict[str, str] = {}
    while reader.peek() is not None:
        name, value = _parameter(reader)
        if name in seen:
            raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {name}")
        seen[name] = value
    return _checked(seen, schema=schema, table=table, columns=columns, source=source)


def _target(reader: _Reader) -> tuple[str | None, str]:
    parts = [reader.identifier()]
    while reader.accept("."):
        parts.append(reader.identifier())
    if len(parts) > 2:
        raise refused("COPY into a table of another database is not supported")
    return (parts[0] if len(parts) == 2 else None), parts[-1]


def _column_list(reader: _Reader) -> tuple[str, ...] | None:
    if not reader.accept("("):
        return None
    columns = [reader.identifier()]
    while reader.accept(","):
        columns.append(reader.identifier())
    reader.expect(")")
    return tuple(columns)


def _parameter(reader: _Reader) -> tuple[str, str]:
    token = reader.take()
    word = token.upper
    if word in ("WITH", "FORMAT"):
        reader.accept("AS")
        token = reader.take()
        word = token.upper
    if word in FORMATS:
        return _format(reader, word)
    if word == "IAM_ROLE":
        return word, "default" if reader.accept("DEFAULT") else reader.string()
    if word in KEYS:
        reader.accept("AS")
        reader.string()
        raise refused("keys in SQL text are refused by localshift: use IAM_ROLE")
    if word == "JOB":
        raise refused("COPY JOB is not supported by localshift")
    return _plain_parameter(reader, token)


def _plain_parameter(reader: _Reader, token: Token) -> tuple[str, str]:
    word = token.upper
    if word in WITHOUT_VALUE:
        return word, ""
    if word in ("STATUPDATE", "COMPUPDATE"):
        following = reader.peek()
        return word, reader.take().upper if following is not None and following.upper in SWITCHES else "ON"
    if word in ("MAXERROR", "IGNOREHEADER"):
        reader.accept("AS")
        return word, reader.take().text
    if word == "NULL" or word in WITH_STRING or word == "ACCEPTANYDATE":
        reader.accept("AS")
        following = reader.peek()
        return word, reader.take().text if following is not None and following.kind in ("string", "number") else ""
    raise syntax_error(token.text)


def _format(reader: _Reader, word: str) -> tuple[str, str]:
    reader.accept("AS")
    following = reader.peek()
    if following is not None and following.kind == "string":
        reader.take()
    return "FORMAT", word


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
