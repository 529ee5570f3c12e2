"""A small project in a folder, opened in the process that runs a story of it: no command line, no server of its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redshift_connector
from deltalake import DeltaTable
from redshift_connector.core import Connection

from e2e.shop import MODEL, PROJECT, SOURCE, SQL, first_day, second_day
from lakemart.config.load import load_project
from lakemart.config.project import Engine as EngineOptions
from lakemart.config.project import Lease, Project, Warehouse
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.pipeline.context import Context, Run
from lakemart.publish.client import query
from lakemart.publish.warehouse import Tag, WarehouseTarget
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, S3Settings

TTL = 0.06
"""Of the leases, in seconds: a killed run's are watched for so long by the next one."""

SMALL_TASKS = EngineOptions(task_size=300)
"""Each object is a task of its own."""

LAKE_TABLES = ("orders", "orders_quarantine", "orders_duplicates", "orders_resolutions", "daily")
LEDGER_TABLES = ("objects", "batches", "books", "publishes")
MADE_BY_THE_RUN = {
    "_object",
    "_offset",
    "_batch",
    "batch",
    "run",
    "at",
    "resolved_by",
    "number",
    "order",
    "versions",
    "table",
}
"""Columns that say which number or run brought a row and where it lay; all others are the row's content."""

_runs = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where S3 and the warehouse listen, and the mart schema that is this case's own."""

    s3_url: str
    host: str
    port: int
    password_file: str
    role: str
    schema: str = ""

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(
            host=self.host, port=self.port, database="dev", user="awsuser", iam_role=self.role, ssl=False,
            password=f"secret://file/{self.password_file}",
        )  # fmt: skip

    @property
    def staging(self) -> Location:
        keys = {"access_key": "test", "secret_key": "test"}
        return Location(
            uri=f"s3://staging/{self.schema}", s3=S3Settings(endpoint_url=self.s3_url, region="us-east-1", **keys)
        )


def write_project(folder: Path, *, model: bool = False) -> None:
    """The project and its first two objects, with or without its model; nothing has run."""
    texts = {"project.yaml": PROJECT, "sources/orders.yaml": SOURCE}
    if model:
        texts |= {"models/daily.sql": SQL, "models/daily.yaml": MODEL}
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    land(folder, "2024-05-01.ndjson", first_day())
    land(folder, "2024-05-02.ndjson", second_day())


def land(folder: Path, name: str, data: bytes) -> None:
    """Puts a raw object."""
    open_store(Location(uri=str(folder / "raw"))).write(f"orders/{name}", data)


def rewrite(folder: Path, name: str, before: str, after: str) -> None:
    """Edits a file of the project as its author would."""
    text = (folder / name).read_text(encoding="utf-8")
    assert before in text, (name, before)
    (folder / name).write_text(text.replace(before, after), encoding="utf-8")


def opened(folder: Path, servers: Servers | None, ttl: float = TTL) -> Context:
    """A new run of the project. Without servers nothing can be published."""
    project: Project = load_project(folder, env="local", state=folder / "state")

    def nowhere() -> Any:
        raise AssertionError("nothing is published here")

    return Context(
        project=replace(project, lease=Lease(ttl=timedelta(seconds=ttl)), engine=SMALL_TASKS),
        run=Run(id=f"r{os.getpid()}-{next(_runs)}", at=datetime.now(UTC), user="u", host="h"),
        lake=Location(uri=str(folder / "lake")),
        raw=Location(uri=str(folder / "raw")),
        engine=Engine(EngineSettings()),
        staging=nowhere if servers is None else lambda: servers.staging,
        warehouse=nowhere if servers is None else lambda: servers.warehouse,
    )


def content(folder: Path) -> dict[str, str]:
    """A hash of the rows of each table of the lake and of the ledger, whatever files hold them; `none` without one."""
    places = {name: name for name in LAKE_TABLES} | {name: f"_ledger/tables/{name}" for name in LEDGER_TABLES}
    return {name: table_hash(folder / "lake" / place) for name, place in places.items()}


def table_hash(place: Path, version: int | None = None) -> str:
    """A hash of a Delta table's rows at a version, None being the newest."""
    if not (place / "_delta_log").exists() or not any((place / "_delta_log").glob("*.json")):
        return "none"
    found = DeltaTable(str(place), version=version).to_pyarrow_table()
    names = sorted(set(found.column_names) - MADE_BY_THE_RUN)
    return hashed(names, [found.column(name).to_pylist() for name in names])


def hashed(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> str:
    """A hash of rows in whatever order."""
    rows = sorted(repr(row) for row in zip(*columns, strict=True))
    return hashlib.sha256(json.dumps([list(names), rows]).encode()).hexdigest()[:16]


def mart(servers: Servers) -> list[list[str]]:
    """The rows of the mart, and the loads by number; empty where there is no such table."""
    target, tag = WarehouseTarget.of(servers.warehouse), Tag(version="1", project="p", model="m", run="r", user="u")
    texts = []
    for sql in (
        f"SELECT * FROM {servers.schema}.daily ORDER BY 1, 2",
        f'SELECT model, "number" FROM {servers.schema}.lakemart_loads ORDER BY 1, 2',
    ):
        rows = query(target, tag, sql)[1]
        texts.append([str(row) for row in rows])
    return texts


def copy_schema(servers: Servers, schema: str) -> None:
    """Makes a mart schema that holds what the one of `servers` does."""
    texts = [f"CREATE SCHEMA {schema}"]
    for table in ("daily", "lakemart_loads"):
        texts.append(f"CREATE TABLE {schema}.{table} (LIKE {servers.schema}.{table} INCLUDING DEFAULTS)")
        texts.append(f"INSERT INTO {schema}.{table} SELECT * FROM {servers.schema}.{table}")
    with closing(connected(servers)) as connection, closing(connection.cursor()) as cursor:
        for text in texts:
            cursor.execute(text)


def connected(servers: Servers) -> Connection:
    """A connection to the warehouse; each statement stands alone."""
    where: dict[str, Any] = {
        "host": servers.host,
        "port": servers.port,
        "database": "dev",
        "user": "awsuser",
        "ssl": False,
    }
    password = Path(servers.password_file).read_text(encoding="utf-8")
    connection = redshift_connector.connect(**where, password=password)
    connection.autocommit = True
    return connection


def move_to_schema(folder: Path, before: str, after: str) -> None:
    """Names another mart schema wherever the project and its ledger name one."""
    for path in (folder / "models" / "daily.yaml", *(folder / "lake" / "_ledger").rglob("*.json")):
        text = path.read_text(encoding="utf-8")
        if before in text:
            path.write_text(text.replace(before, after), encoding="utf-8")


def servers_of(value: Mapping[str, Any] | None) -> Servers | None:
    """The servers that `asdict` gave."""
    return None if value is None else Servers(**value)
