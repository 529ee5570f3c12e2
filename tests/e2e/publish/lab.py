"""A small lake with one model's table, and a plain connection of the driver: what the publishing tests are told in."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa
import redshift_connector

from lakemart.config.model import Model, ModelColumn, NotNullCheck, Publish
from lakemart.config.project import Warehouse
from lakemart.contract.types import ColumnType
from lakemart.lake.actions import TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.ledger.protocol import Intent, advance
from lakemart.names import TableName
from lakemart.publish.stage import MartStage
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from lakemart.ledger.records import Json, Record
    from localshift.fixture import Localshift

ROLE = "arn:aws:iam::123456789012:role/copy"
AT = "2026-11-24T06:00:00Z"
Rows = dict[str | None, list[tuple[Any, ...]]]
"""Rows of each slice, without the slice's own value."""

COLUMNS = {"day": "date", "kind": "varchar(8)", "events": "bigint", "amount": "decimal(10,2)"}

EVERY_TYPE = {
    "day": "date",
    "flag": "boolean",
    "tiny": "smallint",
    "small": "int",
    "big": "bigint",
    "ratio": "double",
    "price": "decimal(9,2)",
    "worth": "decimal(18,6)",
    "huge": "decimal(38,18)",
    "born": "date",
    "seen": "timestamp",
    "heard": "timestamptz",
    "word": "varchar(12)",
    "document": "super",
    "tags": "list<bigint>",
}


def every_type_row(i: int) -> tuple[Any, ...]:
    """The i-th of four rows: extremes low and high, zeros and empty texts, ordinary values."""
    low, high = i == 0, i == 1
    if low or high:
        sign = -1 if low else 1

        def signed(digits: str) -> Decimal:
            return Decimal(f"-{digits}" if low else digits)

        year = 1 if low else 9999
        moment = datetime(year, 1 if low else 12, 1 if low else 31, 0 if low else 23, 59, 59, 1 if low else 999999, UTC)
        return (
            low, sign * 32767, sign * 2147483647, sign * (2**63 - 1), sign * 1.7976931348623157e308, signed("9999999.99"),
            signed("999999999999.999999"), signed("99999999999999999999.999999999999999999"), moment.date(), moment,
            moment, "\U0001f600" * 3, '{"a":[1,2.50,null]}', [sign * (2**63 - 1), None],
        )  # fmt: skip
    if i == 2:
        zero = datetime(1970, 1, 1, tzinfo=UTC)
        return (
            False, 0, 0, 0, 0.0, Decimal("0.00"), Decimal("0.000000"), Decimal("0E-18"), zero.date(), zero, zero, "", "{}", [],
        )  # fmt: skip
    moment = datetime(2015, 3, 29, 1, 59, 59, 123456, UTC)
    return (
        True, 7, 70, 700, 0.1, Decimal("1.50"), Decimal("-1.500000"), Decimal("1.500000000000000001"), date(2015, 3, 29), moment,
        moment, "it's \\ |\n", '"text"', [1, 2, 3],
    )  # fmt: skip


class Wire:
    """A plain connection of the driver, as anybody would open it."""

    def __init__(self, server: Localshift) -> None:
        self._server = server

    def __enter__(self) -> Self:
        self.connection = redshift_connector.connect(**self._server.connect_args)
        self.connection.autocommit = True
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def run(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []


@dataclass
class Mart:
    """A model's table in a lake of its own, published to a schema of its own."""

    lake: Location
    staging: Location
    server: Localshift
    password: str
    columns: dict[str, str] = field(default_factory=lambda: dict(COLUMNS))
    slice: str | None = "day"
    key: tuple[str, ...] = ("day", "kind")
    publish: dict[str, Any] = field(default_factory=dict)
    not_null: tuple[str, ...] = ()
    schema: str = field(default_factory=lambda: f"m{uuid.uuid4().hex[:12]}")
    name: str = "activity"
    descriptions: dict[str, str] = field(default_factory=dict)
    iam_role: str = ROLE

    @property
    def table(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def model(self) -> Model:
        columns = tuple(
            ModelColumn(name=name, type=ColumnType.parse(kind), description=self.descriptions.get(name, ""))
            for name, kind in self.columns.items()
        )
        return Model(
            name=self.name,
            kind="sql",
            sql="SELECT 1",
            inputs={},
            slice=self.slice,
            key=self.key,
            columns=columns,
            checks=(NotNullCheck(self.not_null),) if self.not_null else (),
            publish=Publish(table=TableName(self.schema, self.name), **self.publish),
            description=self.descriptions.get("", ""),
        )

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(
            host=self.server.host, port=self.server.port, database=self.server.database, iam_role=self.iam_role, ssl=False,
            user=self.server.connect_args["user"], password=f"secret://file/{self.password}",
        )  # fmt: skip

    def build(self, slices: Rows) -> None:
        """Replaces slices of the model's table, as the model's next number."""
        stage = _ModelStage(self, slices)
        record = advance(open_store(self.lake), stage, run="build", at=AT)
        assert record is not None
        assert record.committed

    def stage(self, **more: Any) -> MartStage:
        return MartStage(
            model=self.model, project="demo", lake=self.lake, staging=lambda: self.staging, warehouse=lambda: self.warehouse,
            run="20261124t060000-abcdef", user="tester", **more,
        )  # fmt: skip

    def advance(self, **more: Any) -> Record | None:
        return advance(open_store(self.lake), self.stage(**more), run="publish", at=AT)

    def rows(self) -> list[tuple[Any, ...]]:
        names = ", ".join(f'"{name}"' for name in self.columns)
        with Wire(self.server) as wire:
            return sorted(wire.run(f"SELECT {names} FROM {self.table}"), key=str)

    def loads(self) -> list[tuple[Any, ...]]:
        with Wire(self.server) as wire:
            return wire.run(
                f'SELECT "number", "slices", "lake_version", "rows" FROM {self.schema}.lakemart_loads ORDER BY 1'
            )

    def staged(self) -> list[str]:
        return [info.key for info in open_store(self.staging).list()]


class _ModelStage:
    """The least a model's writer must do: files, a change, a commit."""

    def __init__(self, mart: Mart, slices: Rows) -> None:
        self.mart = mart
        self.slices = slices
        self.writer = f"model/{mart.name}"

    def plan(self, number: int, last: Record | None) -> Json | None:
        return {}

    def work(self, number: int, plan: Json) -> Intent:
        mart = self.mart
        schema = pa.schema([pa.field(name, ColumnType.parse(kind).arrow) for name, kind in mart.columns.items()])
        target = FileTarget(root=mart.lake.child(mart.name), schema=schema, partition_by=mart.slice, number=number)
        base = snapshot(mart.lake, mart.name)
        adds = write_files(
            [batch for value, rows in self.slices.items() for batch in self._batches(value, rows, schema)], target
        )
        removes = base.in_slices(None if mart.slice is None else set(self.slices)) if base else ()
        change = table_change(mart.name, schema, base, partition_by=mart.slice, adds=adds, removes=removes)
        return Intent(payload={"tables": [change.as_json()]})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        change = TableChange.from_json(intent["tables"][0])
        return {
            "versions": {self.mart.name: commit(self.mart.lake, change, writer=self.writer, number=number, run="build")}
        }

    def _batches(self, value: str | None, rows: list[tuple[Any, ...]], schema: pa.Schema) -> list[pa.RecordBatch]:
        if not rows:
            return []
        data = {}
        own = [name for name in schema.names if name != self.mart.slice]
        for name in schema.names:
            if name == self.mart.slice:
                data[name] = pa.array([value] * len(rows), pa.string()).cast(schema.field(name).type)
            else:
                data[name] = pa.array([row[own.index(name)] for row in rows], schema.field(name).type)
        return pa.table(data, schema=schema).to_batches()
