"""How the files of a COPY are read: the parameters of text, CSV and JSON as one value, and which of them a format takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from localshift.errors import SYNTAX_ERROR, SqlError, refused
from localshift.sql.words import word_set

Format = Literal["PARQUET", "CSV", "JSON", "TEXT"]
Compression = Literal["", "gzip", "bz2", "zstd"]
COMPRESSIONS: dict[str, Compression] = {"GZIP": "gzip", "BZIP2": "bz2", "ZSTD": "zstd"}
ENCODINGS = {
    "UTF8": "utf-8",
    "UTF16": "utf-16",
    "UTF16LE": "utf-16-le",
    "UTF16BE": "utf-16-be",
    "ISO88591": "iso-8859-1",
}
MAX_ERRORS = 100_000
# Columnar COPY takes only these; everything else is an error, not ignored.
COLUMNAR = word_set("MANIFEST ACCEPTINVCHARS FILLRECORD STATUPDATE EXPLICIT_IDS SERIALIZETOJSON")
REFUSED_BY = {
    "CSV": word_set("REMOVEQUOTES ESCAPE SERIALIZETOJSON"),
    "JSON": word_set("DELIMITER QUOTE ESCAPE FILLRECORD IGNOREBLANKLINES NULL READRATIO REMOVEQUOTES SERIALIZETOJSON"),
    "TEXT": word_set("QUOTE SERIALIZETOJSON"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The parameters that decide what a file's bytes mean.

    `invalid` is the replacement for bytes that are no UTF-8, empty to refuse them. `max_errors` is the number of refused
    rows at which the load fails, None for no limit. `json` is 'auto', 'auto ignorecase', 'noshred' or the url of a
    jsonpaths file. `null` is the text of a null field, None where no text is.
    """

    delimiter: str = "|"
    quote: str = '"'
    escape: bool = False
    remove_quotes: bool = False
    null: str | None = "\\N"
    json: str = "auto"
    compression: Compression = ""
    encoding: str = "utf-8"
    ignore_header: int = 0
    ignore_blank_lines: bool = False
    fill_record: bool = False
    trim_blanks: bool = False
    blanks_as_null: bool = False
    empty_as_null: bool = False
    truncate: bool = False
    invalid: str = ""
    any_date: bool = False
    date_format: str = ""
    time_format: str = ""
    round_decimals: bool = False
    max_errors: int | None = 1
    dry: bool = False
    serialize: bool = False


def make_reading(file_format: Format, json: str, seen: Mapping[str, str]) -> Reading:
    """Return the reading that these parameters ask for; SqlError for those the format does not take, and wrong values."""
    _check_combination(file_format, seen)
    if "COMPROWS" in seen:
        _number(seen, "COMPROWS", 2**31 - 1, least=1000)
    default = "," if file_format == "CSV" else "|"
    return Reading(
        delimiter=_character(seen, "DELIMITER", default),
        quote=_character(seen, "QUOTE", '"'),
        escape="ESCAPE" in seen,
        remove_quotes="REMOVEQUOTES" in seen,
        null=None if file_format == "JSON" else seen.get("NULL", "\\N"),
        json=json or "auto",
        compression=next((COMPRESSIONS[word] for word in COMPRESSIONS if word in seen), ""),
        encoding=_encoding(seen),
        ignore_header=_number(seen, "IGNOREHEADER", 2**31),
        ignore_blank_lines="IGNOREBLANKLINES" in seen,
        fill_record="FILLRECORD" in seen,
        trim_blanks="TRIMBLANKS" in seen,
        blanks_as_null="BLANKSASNULL" in seen,
        empty_as_null="EMPTYASNULL" in seen,
        truncate="TRUNCATECOLUMNS" in seen,
        invalid=_replacement(seen),
        any_date="ACCEPTANYDATE" in seen,
        date_format=seen.get("DATEFORMAT", ""),
        time_format=seen.get("TIMEFORMAT", ""),
        round_decimals="ROUNDEC" in seen,
        max_errors=None if "IGNOREALLERRORS" in seen else max(_number(seen, "MAXERROR", MAX_ERRORS), 1),
        dry="NOLOAD" in seen,
        serialize="SERIALIZETOJSON" in seen,
    )


def _check_combination(file_format: Format, seen: Mapping[str, str]) -> None:
    wrong = set(seen) - COLUMNAR if file_format == "PARQUET" else set(seen) & REFUSED_BY[file_format]
    if wrong:
        name = "NULL AS" if min(wrong) == "NULL" else min(wrong)
        raise refused(f"{name} argument is not supported for {_shown(file_format)} based COPY")
    if "IGNOREALLERRORS" in seen and "MAXERROR" in seen:
        raise SqlError(SYNTAX_ERROR, "IGNOREALLERRORS cannot be used together with MAXERROR")
    compressions = [word for word in (*COMPRESSIONS, "LZOP") if word in seen]
    if len(compressions) > 1:
        raise SqlError(SYNTAX_ERROR, f"conflicting or redundant options: {compressions[1]}")
    for word, why in (
        ("LZOP", "is not supported by localshift: use GZIP, BZIP2 or ZSTD"),
        ("ENCRYPTED", "is not supported: client-side encryption of COPY has ended, server-side needs no parameter"),
        ("MASTER_SYMMETRIC_KEY", "is not supported: client-side encryption of COPY has ended"),
        ("READRATIO", "is a parameter of COPY from DynamoDB"),
        ("SSH", "is not supported by localshift"),
    ):
        if word in seen:
            raise refused(f"{word} {why}")


def _shown(file_format: Format) -> str:
    return "delimited text" if file_format == "TEXT" else file_format


def _character(seen: Mapping[str, str], name: str, default: str) -> str:
    value = seen.get(name, default)
    if len(value) != 1 or not value.isascii() or value == "\0":
        raise SqlError(SYNTAX_ERROR, f"{name} must be a single ASCII character: '{value}'")
    return value


def _replacement(seen: Mapping[str, str]) -> str:
    given = {name: value for name, value in seen.items() if value}
    return _character(given, "ACCEPTINVCHARS", "?") if "ACCEPTINVCHARS" in seen else ""


def _encoding(seen: Mapping[str, str]) -> str:
    name = seen.get("ENCODING", "UTF8").upper().replace("-", "")
    if name not in ENCODINGS:
        raise SqlError(SYNTAX_ERROR, f"ENCODING {seen['ENCODING']} is not supported: use {', '.join(ENCODINGS)}")
    return ENCODINGS[name]


def _number(seen: Mapping[str, str], name: str, maximum: int, least: int = 0) -> int:
    text = seen.get(name, str(least))
    if not text.isdigit() or not least <= int(text) <= maximum:
        raise SqlError(SYNTAX_ERROR, f"{name} must be a whole number between {least} and {maximum}: '{text}'")
    return int(text)
