"""What is left in lake and warehouse, in a form in which two runs can be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256

from deltalake import DeltaTable

from e2e.driving import Project
from e2e.reading import plain
from e2e.shop import MART_SQL

TABLES = ("orders", "orders_quarantine", "orders_duplicates", "daily")
MADE_BY_THE_RUN = {"_batch", "batch", "run"}
"""Columns that tell which run or number brought a row; all others are the row's content."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """A hash of each lake table's rows, and the mart's rows."""

    tables: dict[str, str]
    mart: list[list[object]]


def content_hash(project: Project, table: str) -> str:
    """A hash of the table's rows, whatever files hold them and in whatever order; a table that is not there has none."""
    if not DeltaTable.is_deltatable(str(project.lake / table)):
        return "none"
    found = DeltaTable(str(project.lake / table)).to_pyarrow_table()
    names = sorted(set(found.column_names) - MADE_BY_THE_RUN)
    rows = plain(zip(*(found.column(name).to_pylist() for name in names), strict=True))
    return sha256(json.dumps([names, rows], default=repr).encode()).hexdigest()


def hashes(project: Project) -> dict[str, str]:
    return {table: content_hash(project, table) for table in TABLES}


def evidence(project: Project) -> Evidence:
    return Evidence(tables=hashes(project), mart=project.query(MART_SQL))
