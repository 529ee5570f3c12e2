"""What PostgreSQL makes of the CSV that a COPY sends it, as values that are equal when they mean the same."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from localshift.loading.columns import Column


def as_postgres_reads(text: str, delimiter: str, columns: list[Column]) -> Iterator[list[Any]]:
    """Yield the values of rows in PostgreSQL's CSV: what is not quoted and empty is null."""
    bare = re.escape(delimiter)
    field = re.compile(rf'(?:"((?:[^"]|"")*)"|([^"{bare}\r\n]*))({bare}|\n)')
    values: list[Any] = []
    position = 0
    while position < len(text):
        found = field.match(text, position)
        assert found is not None, text[position:]
        quoted, plain, end = found.groups()
        values.append((plain or None) if quoted is None else quoted.replace('""', '"'))
        position = found.end()
        if end == "\n":
            yield [meaning(value, column) for value, column in zip(values, columns, strict=True)]
            values = []


def meaning(field: str | None, column: Column) -> Any:
    if field is None or column.is_text or column.kind in ("date", "time"):
        return field
    if column.kind == "timestamp":
        moment = datetime.fromisoformat(field)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if column.kind == "boolean":
        return field.lower()[0] in "t1y"
    if column.kind == "real":
        return struct.pack("f", float(field))
    return float(field).hex() if column.kind == "double precision" else Decimal(field)
