"""A lake in a folder, fed by a source of a few lines that goes the protocol's way, and models built upon it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakemart.config.model import Check, Input, Model, ModelColumn
from lakemart.contract.types import ColumnType
from lakemart.engine.runner import Engine
from lakemart.lake.actions import TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import read_table, snapshot
from lakemart.lake.write import FileTarget, write_files
from lakemart.ledger.protocol import Intent, advance
from lakemart.ledger.records import Json, Record
from lakemart.models.slices import Restriction
from lakemart.models.stage import ModelStage
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

AT = "2026-01-01T00:00:00Z"


@dataclass(slots=True, kw_only=True)
class Feeding:
    """A source's number: these rows are added, the slices in `emptied` lose all they have."""

    lake: Location
    table: str
    rows: pa.Table
    partition_by: str | None
    emptied: frozenset[str | None]
    writer: str = field(init=False)

    def __post_init__(self) -> None:
        self.writer = f"source/{self.table}"

    def plan(self, number: int, last: Record | None) -> Json | None:
        return {}

    def work(self, number: int, plan: Json) -> Intent:
        target = FileTarget(
            root=self.lake.child(self.table), schema=self.rows.schema, partition_by=self.partition_by, number=number
        )
        base = snapshot(self.lake, self.table)
        change = table_change(
            self.table,
            self.rows.schema,
            base,
            partition_by=self.partition_by,
            adds=write_files(self.rows.to_batches(), target),
            removes=base.in_slices(self.emptied) if base and self.emptied else (),
        )
        return Intent(payload={"tables": [change.as_json()]})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        change = TableChange.from_json(intent["tables"][0])
        return {"versions": {self.table: commit(self.lake, change, writer=self.writer, number=number, run="test")}}


@dataclass(slots=True, kw_only=True)
class Lake:
    """What the tests speak to."""

    place: Location
    store: Store
    engine: Engine
    writers: dict[str, str] = field(default_factory=dict)

    def feed(
        self, table: str, rows: pa.Table, *, partition_by: str | None = "day", emptied: Iterable[str | None] = ()
    ) -> None:
        stage = Feeding(lake=self.place, table=table, rows=rows, partition_by=partition_by, emptied=frozenset(emptied))
        advance(self.store, stage, run="test", at=AT)
        self.writers[table] = stage.writer

    def stage(self, model: Model, restriction: Restriction | None = None) -> ModelStage:
        self.writers[model.name] = f"model/{model.name}"
        return ModelStage(
            model=model,
            lake=self.place,
            store=self.store,
            engine=self.engine,
            writers=self.writers,
            run="test",
            restriction=restriction or Restriction(),
        )

    def build(self, model: Model, restriction: Restriction | None = None) -> Record | None:
        return advance(self.store, self.stage(model, restriction), run="test", at=AT)

    @property
    def root(self) -> Path:
        return Path(self.place.uri)

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = read_table(self.place, table).to_pylist()
        return sorted(found, key=lambda row: [str(value) for value in row.values()])

    def files(self, table: str) -> dict[str | None, list[str]]:
        """The live files' paths by slice."""
        live = snapshot(self.place, table)
        assert live is not None
        found: dict[str | None, list[str]] = {}
        for file in live.files:
            found.setdefault(file.partition[live.partition_by] if live.partition_by else None, []).append(file.path)
        return found


@pytest.fixture
def lake(tmp_path: Path, engine: Engine) -> Lake:
    place = Location(uri=str(tmp_path / "a lake"))
    return Lake(place=place, store=open_store(place), engine=engine)


@pytest.fixture
def make_model() -> Callable[..., Model]:
    """A model of daily counts; any part of it can be given another value."""

    def make(
        *,
        name: str = "daily",
        inputs: Mapping[str, Input] | None = None,
        columns: Mapping[str, str] | None = None,
        checks: tuple[Check, ...] = (),
        **options: Any,
    ) -> Model:
        told = columns or {"day": "date", "kind": "varchar(10)", "events": "bigint"}
        if "python_text" not in options:
            options.setdefault("sql", "SELECT day, kind, count(*) AS events FROM events GROUP BY day, kind")
        return Model(
            name=name,
            inputs=inputs or {"events": Input(name="events", slice="day")},
            columns=tuple(ModelColumn(name=one, type=ColumnType.parse(kind)) for one, kind in told.items()),
            checks=checks,
            **{"kind": "sql", "slice": "day", **options},
        )

    return make
