"""The small project with lake and raw zone on S3, behind a proxy that can be told to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from e2e.shop import first_day, second_day
from lakemart.lake.read import read_table, snapshot
from lakemart.ledger import records
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stories import Scope, run
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store
from unit.pipeline.shop import Shop, make_shop
from unit.storage.faulty_proxy import Faults

FIRST, SECOND = "orders/1.ndjson", "orders/2.ndjson"
FIRST_ROWS = [("o1", "1.50"), ("o2", "1.50"), ("o3", "1.50"), ("o4", "8.25")]
ROWS = sorted([*FIRST_ROWS, ("o11", "1.50"), ("o12", "1.50")])


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Shop:
    """The shop's files, and its places: as lakemart sees them through the proxy, and as they are."""

    shop: Shop
    place: Location
    faults: Faults

    @property
    def seen(self) -> Location:
        """The place through the proxy."""
        return replace(self.place, s3=replace(self.place.s3, endpoint_url=self.faults.url))

    @property
    def lake(self) -> Location:
        return self.place.child("lake")

    @property
    def raw(self) -> Store:
        return open_store(self.place.child("raw"))

    def context(self) -> Context:
        return replace(self.shop.context(), lake=self.seen.child("lake"), raw=self.seen.child("raw"))

    def add_source(self, name: str) -> None:
        """Another source like the first, under a prefix and into a table of its own name."""
        sources = self.shop.folder / "sources"
        text = (sources / "orders.yaml").read_text(encoding="utf-8")
        (sources / f"{name}.yaml").write_text(text.replace("orders", name), encoding="utf-8")

    def ingest(self, context: Context | None = None) -> RunDocument:
        return run(context or self.context(), Scope(stages=("ingest",)))

    def ingest_without_keys(self) -> RunDocument:
        """A run that is given no keys, and finds its own."""
        context = self.context()
        bare = replace(context.lake.s3, access_key=None, secret_key=None)
        return self.ingest(replace(context, lake=replace(context.lake, s3=bare), raw=replace(context.raw, s3=bare)))

    def rows(self, table: str = "orders") -> list[tuple[Any, ...]]:
        """The table's rows as they are, past the proxy."""
        found = read_table(self.lake, table, columns=["id", "amount"]).to_pylist()
        return sorted((row["id"], str(row["amount"])) for row in found)

    def version(self, table: str = "orders") -> int:
        found = snapshot(self.lake, table)
        return -1 if found is None else found.version


def landed_shop(folder: Path, place: Location, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> S3Shop:
    """Two raw objects, and no run yet. The ledger's tables, a projection for SQL, would only cost requests."""
    monkeypatch.setattr("lakemart.pipeline.stories.project", lambda *_: None)
    monkeypatch.setattr("lakemart.pipeline.stories.project_runs", lambda *_: None)
    made = S3Shop(shop=make_shop(folder / "p", landed=False), place=place, faults=faults)
    made.raw.write(FIRST, first_day())
    made.raw.write(SECOND, second_day())
    return made


def entries(shop: S3Shop) -> list[tuple[int, str, str]]:
    """Number, key and status of every object in the books."""
    found = records.numbers(open_store(shop.lake), "source/orders")
    return [(r.number, o["key"], o["status"]) for r in found if r.decision for o in r.decision.get("objects", ())]
