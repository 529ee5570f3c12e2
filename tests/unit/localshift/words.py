"""Types of columns, and fields such as one or the other of them takes or refuses."""

from __future__ import annotations

import contextlib
from functools import cache

from localshift.loading.columns import parse_column
from localshift.loading.fielderrors import FieldError
from localshift.loading.fields import converter
from localshift.loading.reading import Reading

KINDS = [
    "smallint",
    "integer",
    "bigint",
    "numeric(5,2)",
    "numeric(3,3)",
    "numeric(9,0)",
    "real",
    "double precision",
    "boolean",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "time without time zone",
    "character varying(3)",
    "character varying(9)",
    "character(2)",
]
WORDS = [
    "0", "7", "-1", "+2", "007", "32767", "32768", "123456789", "1234567890", "99999999999999999999", "1.5", "-0.25", ".5", "5.",
    "0.999", "1e3", "-0", "-0.00", "123.45", "1234.5", "0.8444218515250481", "12345678.12345678901", "nan", "t", "TRUE", "No", "2",
    "2024-02-29", "2023-02-29", "2024-02-30", "2024-04-31", "2024-12-31", "0999-01-01", "20240101", "2024-1-1",
    "2024-02-28 23:59:59", "2024-02-28 23:59:59.123", "2024-02-28 23:59:59.123456", "2024-02-28 24:00:00", "2024-01-01 00:00:00Z",
    "2024-01-01 00:00:00+02", "2024-01-01 00:00:00-09:30", "2024-01-01T00:00:00", "12:34:56", "12:34:56.5", "24:00:00",
    "", " ", "  x", "a", "ab", "abc", "abcd", "é", "éé", "日本語", "\udcff", "\\N", "\\", "NULL", "a\0", "\x01", "\x7f", "\r", "'", '"',
    '""', '"a"', '"a,b"', '"a|b"', '"a""b"', '"2024-02-29"', '"1"', ' "a"', '"a', 'a"b', '"é"', "#", "-", "x-y",
]  # fmt: skip


@cache
def fitting(kind: str) -> list[str]:
    """Return the words that a column of this type takes."""
    convert = converter(parse_column("a", kind), Reading())
    found = []
    for word in WORDS:
        with contextlib.suppress(FieldError):
            convert(word)
            found.append(word)
    return found
