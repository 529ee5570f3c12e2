"""Rows of text files that need no second look, found many at a time: what PostgreSQL reads from their bytes is what they say.

A row is simple when each of its fields would go through `fields` unchanged, or changed into what PostgreSQL takes for the
same value. Whatever else there is (blanks, quotes within quotes, odd dates, bytes that are no UTF-8, a value too long) is
left to the slow way, row by row. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from localshift.loading.columns import Column
from localshift.loading.files import MAX_ROW
from localshift.loading.reading import Format, Reading

# None of them may be part of a simple number, moment or word, nor be what PostgreSQL takes for no delimiter.
DELIMITERS = frozenset(",|;\t~^\x01")
DIGITS = {"smallint": 4, "integer": 9, "bigint": 18}
DATE = r"[12]\d{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
TIME = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
ZONE = r"(?:Z|[+-]0\d(?::?[0-5]\d)?)?"
KINDS = {
    "double precision": r"-?\d{1,8}(?:\.\d{1,20})?",
    # Of so many digits nothing is lost on the way by eight bytes.
    "real": r"-?\d{1,8}(?:\.\d{1,7})?",
    "boolean": r"(?i:true|false|t|f|yes|no|y|n|1|0)",
    "time": TIME + r"(?:\.\d{1,6})?",
}
NO_TEXT = r'\x00\r\n\\"'


def row_pattern(columns: Sequence[Column], reading: Reading, file_format: Format) -> re.Pattern[bytes] | None:
    """Return what matches all simple rows that come next; None where the parameters make rows no simple matter."""
    odd = reading.escape or reading.remove_quotes or reading.trim_blanks or reading.blanks_as_null
    null = reading.null or ""
    # The null string must be empty, or hold what no simple field does.
    if odd or reading.encoding != "utf-8" or reading.delimiter not in DELIMITERS or null[:1] not in ("", "\\", "\0"):
        return None
    fields = [_field(column, reading, file_format) for column in columns]
    known = [field for field in fields if field]
    longest = sum(column.length if column.is_text else 64 for column in columns)
    if len(known) < len(fields) or len(fields) < 2 or longest + 3 * len(fields) > MAX_ROW:
        return None
    return re.compile(f"(?:{re.escape(reading.delimiter).join(known)}\\r?\\n)*+".encode())


def _field(column: Column, reading: Reading, file_format: Format) -> str:
    """Return the pattern of a column's simple fields; empty where there are none."""
    quoted = file_format == "CSV" and reading.quote == '"'
    if column.is_text:
        return _text(column, reading, quoted=quoted) if column.length else ""
    value = field_value(column, reading)
    if value and quoted and column.kind in ("date", "timestamp"):
        value = f'{value}|"{value}"'
    return value and f"(?:{value}{'' if column.not_null else '|'})"


def _text(column: Column, reading: Reading, *, quoted: bool) -> str:
    # What ACCEPTINVCHARS may replace has a second look.
    ascii_only = r"\x80-\xff" if column.kind != "character varying" or reading.invalid else ""
    other = "" if reading.quote == '"' else re.escape(reading.quote)
    # Nothing between two delimiters is null to PostgreSQL, nothing between quotes is not.
    empty_is_null = reading.null == "" or reading.empty_as_null
    least = 0 if empty_is_null and not column.not_null else 1
    plain = f"[^{NO_TEXT}{other}{re.escape(reading.delimiter)}{ascii_only}]{{{least},{column.length}}}+"
    if not quoted:
        return plain
    return f'(?:"[^{NO_TEXT}{ascii_only}]{{{int(empty_is_null)},{column.length}}}+"|{plain})'


def field_value(column: Column, reading: Reading) -> str:
    """Return the pattern of a column's simple values, of other types than text; empty where there are none."""
    if column.kind in DIGITS:
        return rf"[+-]?\d{{1,{DIGITS[column.kind]}}}"
    if column.kind == "numeric":
        whole = column.length - column.scale
        fraction = rf"(?:\.\d{{1,{column.scale}}})?" if column.scale else ""
        return (rf"-?\d{{1,{whole}}}" if whole else "-?0") + fraction
    if column.kind == "date":
        return DATE if reading.date_format in ("", "auto") else ""
    if column.kind == "timestamp":
        moment = rf"{DATE} {TIME}(?:\.\d{{3}}|\.\d{{6}})?" + (ZONE if column.zoned else "")
        return moment if reading.time_format in ("", "auto") else ""
    return KINDS.get(column.kind, "")
