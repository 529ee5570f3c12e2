"""A lake, a raw zone and one source over them, for tests of batches without Spark."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lakemart.config.source import ObjectRules, Source
from lakemart.contract.table import Column, Contract, Feed
from lakemart.contract.types import ColumnType
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.errors import LakemartError
from lakemart.ingest.stage import SourceStage
from lakemart.lake.read import read_table
from lakemart.ledger.protocol import advance
from lakemart.ledger.records import Record
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

BIG = 10**12


def column(name: str, kind: str, **given: Any) -> Column:
    return Column(**{"name": name, "type": ColumnType.parse(kind), "path": (name,), **given})


ORDERS = Contract(
    table="orders",
    key=("id",),
    columns=(column("id", "string", required=True), column("n", "int")),
)
LINES = Contract(
    table="lines",
    parent="orders",
    explode=("lines",),
    columns=(column("id", "string", path=("^", "id")), column("sku", "string", required=True)),
)


class Place:
    """A lake, a raw zone, and the stage of one source over them."""

    def __init__(self, folder: Path) -> None:
        self.lake = Location(uri=str(folder / "lake"))
        self.raw = Location(uri=str(folder / "raw"))
        self.told: list[LakemartError] = []
        self.source = Source(
            name="shop", objects=ObjectRules(), feed=Feed(tables=(ORDERS,)), lookback=timedelta(days=0)
        )

    @property
    def store(self) -> Store:
        return open_store(self.lake)

    def land(self, key: str, *lines: object) -> None:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        open_store(self.raw).write(key, text.encode())

    def stage(self, **given: Any) -> SourceStage:
        values: dict[str, Any] = {
            "source": self.source,
            "raw": self.raw,
            "lake": self.lake,
            "engine": Engine(EngineSettings()),
            "run": "r",
            "now": datetime.now(UTC),
            "inline_below": BIG,
            "task_size": BIG,
            "tell": self.told.append,
        }
        return SourceStage(**{**values, **given})

    def ingest(self, **given: Any) -> Record | None:
        return advance(self.store, self.stage(**given), run="r", at="now")

    def rows(self, table: str, *columns: str) -> list[tuple[Any, ...]]:
        return sorted(tuple(row.values()) for row in read_table(self.lake, table, columns=columns).to_pylist())


def books(record: Record | None) -> dict[str, int]:
    assert record is not None
    assert record.decision is not None
    return dict(record.decision["books"])
