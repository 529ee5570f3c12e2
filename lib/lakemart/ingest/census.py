"""The census of unknown fields: which paths no contract names, of which JSON types, how often, and where first.

Bounded however many keys an object explodes into: beyond a number of paths the rest is counted under one name. Data is
never cut by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

PATHS = 1000
"""How many distinct paths of a batch are counted apart."""

REST = "(further paths)"
"""The path under which those beyond are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownField:
    """One unknown path (JSON Pointer) of one table and JSON type in a batch; `object` is the first that had it."""

    table: str
    path: str
    type: str
    count: int
    object: str


def from_census(census: pa.RecordBatch, key: str) -> list[UnknownField]:
    """The decoder's census of a piece of one object."""
    rows: list[dict[str, Any]] = census.to_pylist()
    return [
        UnknownField(table=row["table"], path=row["path"], type=row["type"], count=row["count"], object=key)
        for row in rows
    ]


def merged(fields: Iterable[UnknownField]) -> tuple[UnknownField, ...]:
    """One entry for each table, path and type, in order of first appearance; `object` stays the first."""
    found: dict[tuple[str, str, str], UnknownField] = {}
    paths: set[str] = set()
    for field in fields:
        path = field.path
        if path not in paths and len(paths) >= PATHS:
            path = REST
        else:
            paths.add(path)
        place = (field.table, path, field.type)
        before = found.get(place)
        count = field.count + (before.count if before else 0)
        first = before.object if before else field.object
        found[place] = UnknownField(table=field.table, path=path, type=field.type, count=count, object=first)
    return tuple(found.values())
