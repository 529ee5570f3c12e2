"""The queries of people: Spark SQL over the lake's tables as they were last committed, or SQL on the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lakemart.ledger.records import last_versions
from lakemart.pipeline.context import Context
from lakemart.publish.client import query
from lakemart.publish.warehouse import Tag, WarehouseTarget, app_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The answer to a query: names of columns, and rows of Python values in that order."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def ask_lake(context: Context, sql: str) -> Rows:
    """The rows of a Spark SQL query. Each table has its own name, a quarantine or duplicates table too."""
    from lakemart.models.query import query_lake  # noqa: PLC0415 - loads pyspark, which the warehouse does not need

    versions = {
        table: version
        for writer in set(context.table_writers().values())
        for table, version in last_versions(context.store, writer).items()
    }
    found = query_lake(context.engine, context.lake, versions, sql)
    columns = [column.to_pylist() for column in found.columns]
    return Rows(columns=found.column_names, rows=list(zip(*columns, strict=True)))


def ask_warehouse(context: Context, sql: str) -> Rows:
    """The rows of one statement on the warehouse; none for one that returns none. What it changes is committed."""
    target = WarehouseTarget.of(context.warehouse())
    tag = Tag(
        version=app_version(), project=context.project.name, model="query", run=context.run.id, user=context.run.user
    )
    columns, rows = query(target, tag, sql)
    return Rows(columns=columns, rows=rows)
