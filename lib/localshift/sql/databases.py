"""Names with a database part: `dev.sales.orders` is `sales.orders` in the database `dev`. Text in, text out."""

from __future__ import annotations

import re
from collections.abc import Sequence

from localshift.errors import SqlError
from localshift.sql.lex import Token, tokenize

# Behind these, or a comma, stands a table; anywhere else three names are schema, table and column.
BEFORE_A_TABLE = frozenset(
    {
        *("FROM", "JOIN", "INTO", "UPDATE", "USING", "TABLE", "VIEW", "EXISTS", "ONLY", "ON", "COPY", "TRUNCATE", "VACUUM"),
        *("ANALYZE", "ANALYSE", "REFERENCES", "LIKE", "COLUMN", "LOCK", "APPEND", "TO", "FULL", "REINDEX", ",", "MERGE", "DELETE"),
    }
)  # fmt: skip


def without_database(sql: str, database: str) -> str:
    """Return the statement with the database's own name taken from before a schema; names of others stay and are refused."""
    if not re.search(rf'\b{re.escape(database)}"?\s*\.', sql, re.IGNORECASE):
        return sql
    try:
        tokens = tokenize(sql)
    except SqlError:
        return sql
    out, position = [], 0
    for i, token in enumerate(tokens):
        if _is_database(tokens, i, database):
            out.append(sql[position : token.start])
            position = tokens[i + 2].start
    return "".join([*out, sql[position:]])


def _is_database(tokens: Sequence[Token], i: int, database: str) -> bool:
    if tokens[i].kind not in ("word", "quoted") or tokens[i].name != database or (i and tokens[i - 1].is_op(".")):
        return False
    before = (tokens[i - 1].upper or tokens[i - 1].text) if i else ""
    parts = _parts(tokens, i)
    if before == "SCHEMA" or (before == "EXISTS" and i > 2 and "SCHEMA" in [token.upper for token in tokens[:i]]):
        return parts == 2
    return parts > 3 or (parts == 3 and before in BEFORE_A_TABLE)


def _parts(tokens: Sequence[Token], i: int) -> int:
    count = 1
    while (
        i + 2 < len(tokens)
        and tokens[i + 1].is_op(".")
        and (tokens[i + 2].kind in ("word", "quoted") or tokens[i + 2].text == "*")
    ):
        count, i = count + 1, i + 2
    return count
