"""INSERT of many rows of nothing but literals: they stand the same in both dialects, so only the first need be translated."""

from __future__ import annotations

import re

LEAST = 2000
"""Characters of rows below which translating them is cheaper than asking what columns they are for."""

_LITERAL = r"(?:-?\d+(?:\.\d+)?|NULL|TRUE|FALSE|DEFAULT|'[^'\\]*+(?:''[^'\\]*+)*+')"
_ROW = rf"\(\s*+{_LITERAL}(?:\s*+,\s*+{_LITERAL})*+\s*+\)"
_TABLE = r'(?:[\w$#]++|"[^"]++")'
# Possessive throughout: a statement may have 16 MB, and going back could find nothing else.
MANY = re.compile(
    rf"(?P<first>\s*+INSERT\s++INTO\s++{_TABLE}(?:\.{_TABLE})*+\s*+(?:\([^()']*+\)\s*+)?VALUES\s*+{_ROW})"
    rf"(?P<others>(?:\s*+,\s*+{_ROW})++)\s*+;?\s*+",
    re.IGNORECASE,
)


def without_rows(sql: str) -> tuple[str, str]:
    """Return the statement with its first row, and the text of the others; that is empty where they must be looked at.

    A string for a SUPER column must be: see superliterals.
    """
    found = MANY.fullmatch(sql) if len(sql) > LEAST else None
    return (found["first"], found["others"]) if found else (sql, "")
