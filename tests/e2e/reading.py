"""The ways in which others read what lakemart wrote. Every one gives rows as plain values, in one order: comparable."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import duckdb
import polars as pl
import redshift_connector
from deltalake import DeltaTable

from e2e.driving import Project

Rows = list[list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a lake, on this machine or on the embedded S3, and the columns that are asked of it, in order."""

    uri: str
    columns: Sequence[str]
    storage: Mapping[str, str] | None = None

    def opened(self) -> DeltaTable:
        return DeltaTable(self.uri, storage_options=dict(self.storage) if self.storage else None)


def by_redshift(up: Mapping[str, Any], sql: str) -> Rows:
    """What redshift_connector reads from the warehouse whose endpoints `up --json` printed."""
    place = up["warehouse"]
    names = ("host", "port", "database", "user", "password")
    given = {name: place[name] for name in names}
    with redshift_connector.connect(**given, ssl=False) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return plain(cursor.fetchall())


def by_delta_rs(table: Table) -> Rows:
    """What delta-rs reads."""
    found = table.opened().to_pyarrow_table(columns=list(table.columns))
    return plain(zip(*(found.column(name).to_pylist() for name in table.columns), strict=True))


def by_polars(table: Table) -> Rows:
    """What Polars reads."""
    options = dict(table.storage) if table.storage else None
    return plain(
        pl.read_delta(table.uri, storage_options=options, columns=list(table.columns)).select(table.columns).rows()
    )


def by_duckdb(table: Table, files: Sequence[str]) -> Rows:
    """What DuckDB reads from the table's live files, with partition values out of their paths."""
    columns = ", ".join(f'"{name}"' for name in table.columns)
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT {columns} FROM read_parquet(?, hive_partitioning = true)", [list(files)])
        return plain(found.fetchall())


def by_spark(project: Project, tables: Mapping[str, Sequence[str]]) -> dict[str, Rows]:
    """What Spark reads of several tables in one query: `query --lake` starts one JVM."""
    parts = [
        f"SELECT '{name}' AS t, array({', '.join(f'CAST({column} AS STRING)' for column in columns)}) AS cells FROM {name}"
        for name, columns in tables.items()
    ]
    rows = project.ok("query", "--lake", " UNION ALL ".join(parts))["rows"]
    return {name: sorted(cells for table, cells in rows if table == name) for name in tables}


def fetched(up: Mapping[str, Any], table: Table, folder: Path) -> list[str]:
    """The live files of a table on the embedded S3, brought into a folder, under their own relative paths."""
    client = s3(up)
    shutil.rmtree(folder, ignore_errors=True)
    places = []
    for uri in table.opened().file_uris():
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        place = folder / key
        place.parent.mkdir(parents=True, exist_ok=True)
        client.download_file(bucket, key, str(place))
        places.append(str(place))
    client.close()
    return places


def s3(up: Mapping[str, Any]) -> Any:
    """A client of the embedded S3."""
    place = up["s3"]
    return boto3.client(
        "s3",
        endpoint_url=place["endpoint_url"],
        aws_access_key_id=place["access_key"],
        aws_secret_access_key=place["secret_key"],
        region_name=place["region"],
    )


def storage(up: Mapping[str, Any]) -> dict[str, str]:
    """The same as options of delta-rs and Polars."""
    place = up["s3"]
    return {
        "AWS_ENDPOINT_URL": place["endpoint_url"],
        "AWS_ACCESS_KEY_ID": place["access_key"],
        "AWS_SECRET_ACCESS_KEY": place["secret_key"],
        "AWS_REGION": place["region"],
        "AWS_ALLOW_HTTP": "true",
    }


def plain(rows: Iterable[Sequence[Any]]) -> Rows:
    """Rows as text and numbers, sorted: equal for equal tables whoever read them."""
    return sorted(([_plain(cell) for cell in row] for row in rows), key=repr)


def as_text(rows: Rows) -> Rows:
    """The same with every cell as text, as `by_spark` has it."""
    return sorted([None if cell is None else str(cell) for cell in row] for row in rows)


def _plain(cell: Any) -> Any:
    if isinstance(cell, datetime | date):
        return cell.isoformat()
    return format(cell, "f") if isinstance(cell, Decimal) else cell
