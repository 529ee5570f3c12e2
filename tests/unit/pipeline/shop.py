"""The small project without its model, opened in this process: runs of it need no Spark and no server."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from e2e.shop import MODEL, PROJECT, SOURCE, SQL, first_day, lines, order, second_day
from lakemart.config.load import load_project
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.lake.read import read_table, snapshot
from lakemart.pipeline.context import Context, Run
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stories import Scope, run
from lakemart.steps import arm, disarm
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

TABLES = ("orders", "orders_quarantine", "orders_duplicates")
_runs = itertools.count(1)


def _nowhere() -> Any:
    raise AssertionError("nothing is published here")


@dataclass(slots=True, kw_only=True)
class Shop:
    """The project in a folder. `later` is how far its clock is ahead."""

    folder: Path
    later: timedelta = field(default_factory=timedelta)

    @property
    def lake(self) -> Location:
        return Location(uri=str(self.folder / "lake"))

    @property
    def store(self) -> Store:
        return open_store(self.lake)

    def copy_to(self, folder: Path) -> Shop:
        """The same in another place, lake and raw objects and all."""
        shutil.copytree(self.folder, folder)
        return make_shop(folder, landed=False)

    def context(self) -> Context:
        """A new run of it."""
        project = load_project(self.folder, env="local", state=self.folder / "state")
        run_of_it = Run(id=f"r{next(_runs):06d}", at=datetime.now(UTC) + self.later, user="u", host="h")
        return Context(
            project=project,
            run=run_of_it,
            lake=self.lake,
            raw=Location(uri=str(self.folder / "raw")),
            engine=Engine(EngineSettings()),
            staging=_nowhere,
            warehouse=_nowhere,
        )

    def rewrite(self, before: str, after: str) -> None:
        """Edits the source as its author would."""
        path = self.folder / "sources" / "orders.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    def add_model(self) -> None:
        """The project's model, which nothing here builds or publishes."""
        (self.folder / "models").mkdir()
        (self.folder / "models" / "daily.sql").write_text(SQL, encoding="utf-8")
        (self.folder / "models" / "daily.yaml").write_text(MODEL.partition("publish:")[0], encoding="utf-8")

    def land(self, name: str, *records: bytes) -> None:
        open_store(Location(uri=str(self.folder / "raw"))).write(f"orders/{name}.ndjson", lines(*records))

    def ingest(self) -> RunDocument:
        return run(self.context(), Scope(stages=("ingest",)))

    def ids(self, table: str = "orders") -> list[str]:
        return sorted(read_table(self.lake, table, columns=["id"]).column("id").to_pylist())

    def files(self, table: str = "orders") -> list[Path]:
        """The data files on disk, live or not."""
        return sorted((self.folder / "lake" / table).rglob("*.parquet"), key=str)

    def live(self, table: str = "orders") -> int:
        found = snapshot(self.lake, table)
        return len(found.files) if found else 0

    def delta(self, table: str = "orders") -> DeltaTable:
        """The table as anybody else would open it."""
        return DeltaTable(f"{self.lake.uri}/{table}")


def make_shop(folder: Path, *, landed: bool = True) -> Shop:
    """The project's files; with `landed` both days' objects too. Nothing has run."""
    made = Shop(folder=folder)
    (folder / "sources").mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text(PROJECT.replace("embedded", str(folder / "lake"), 1), encoding="utf-8")
    (folder / "sources" / "orders.yaml").write_text(SOURCE, encoding="utf-8")
    if landed:
        raw = open_store(Location(uri=str(folder / "raw")))
        raw.write("orders/2024-05-01.ndjson", first_day())
        raw.write("orders/2024-05-02.ndjson", second_day())
    return made


@contextmanager
def faults(*texts: str) -> Iterator[None]:
    """Faults are armed while the body runs."""
    for text in texts:
        arm(text)
    try:
        yield
    finally:
        disarm()


def small_loads(shop: Shop, count: int = 4) -> None:
    """Batches of one order each."""
    for number in range(count):
        shop.land(f"more-{number}", order(100 + number))
        assert shop.ingest().outcome == "ok"
