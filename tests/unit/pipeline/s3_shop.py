"""The small project with lake and raw zone on S3, behind a proxy that can be told to go wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lakemart.lake.read import read_table, snapshot
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.stories import Scope, run
from lakemart.storage.store import Location, Store, open_store
from unit.pipeline.shop import Shop
from unit.storage.faulty_proxy import Faults


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

    def ingest(self) -> RunDocument:
        return run(self.context(), Scope(stages=("ingest",)))

    def rows(self, table: str = "orders") -> list[tuple[Any, ...]]:
        """The table's rows as they are, past the proxy."""
        found = read_table(self.lake, table, columns=["id", "amount"]).to_pylist()
        return sorted((row["id"], str(row["amount"])) for row in found)

    def version(self, table: str = "orders") -> int:
        found = snapshot(self.lake, table)
        return -1 if found is None else found.version
