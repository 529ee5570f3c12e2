"""Paths become column names: snake_case, at most 63 characters, no two alike, none that SQL takes for a word of its own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from lakemart.names import is_name

LENGTH: Final = 63
SQL_WORDS: Final = frozenset({
    "all", "and", "any", "as", "between", "case", "create", "cross", "current_date", "current_timestamp",
    "current_user", "default", "desc", "distinct", "drop", "else", "end", "except", "exists", "false", "fetch", "for",
    "from", "grant", "group", "having", "if", "in", "inner", "insert", "intersect", "into", "is", "join", "lateral",
    "left", "like", "limit", "minus", "not", "null", "offset", "on", "or", "order", "outer", "qualify", "right",
    "rlike", "rollback", "select", "table", "tablesample", "then", "true", "union", "using", "values", "when", "where",
    "window", "with",
})  # fmt: skip
"""Words that a query cannot use as a column's name without quotes."""

_SIGN = re.compile(r"^([+-])(?=[0-9])")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def snake(key: str) -> str:
    """One key of a record as a part of a name; empty when nothing of it can stand there.

    >>> snake("eventID"), snake("HTTPStatusCode"), snake("s3:x-amz-acl"), snake("+1"), snake("-1"), snake("größe")
    ('event_id', 'http_status_code', 's3_x_amz_acl', 'plus_1', 'minus_1', 'grosse')
    """
    signed = _SIGN.sub(lambda sign: "plus_" if sign[1] == "+" else "minus_", key)
    plain = unicodedata.normalize("NFKD", signed.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return _OTHER.sub("_", _HUMP.sub("_", plain).lower()).strip("_")


def column_name(path: tuple[str, ...]) -> str:
    """The name of the column at `path`, without regard to other columns.

    >>> column_name(("actor", "id")), column_name(("2fa",)), column_name(("order",)), column_name(("日",))
    ('actor_id', 'field_2fa', 'order_value', 'field')
    """
    parts = [part for part in map(snake, path) if part]
    while len(parts) > 2 and len("_".join(parts)) > LENGTH:
        del parts[1]
    name = "_".join(parts) or "field"
    if name[0].isdigit():
        name = f"field_{name}"
    if name in SQL_WORDS:
        name = f"{name}_value"
    return name[:LENGTH].rstrip("_")


def free(name: str, taken: Iterable[str]) -> str:
    """`name` itself, or with the lowest number behind it that makes it another than those taken.

    >>> free("id", ["id", "id_2"])
    'id_3'
    """
    used = set(taken)
    number, found = 1, name
    while found in used or not is_name(found):
        number += 1
        end = f"_{number}"
        found = name[: LENGTH - len(end)].rstrip("_") + end
    return found
