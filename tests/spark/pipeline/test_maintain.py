"""A compaction too large for the driver is done by Spark's tasks, and comes to the same."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lakemart.engine.runner import Engine
from lakemart.lake.read import read_table
from lakemart.pipeline.books import books
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import Shop, make_shop, small_loads


def rows(shop: Shop) -> list[str]:
    return sorted(json.dumps(row, default=str) for row in read_table(shop.lake, "orders").to_pylist())


def test_a_large_compaction_runs_as_spark_tasks_and_keeps_every_row(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakemart.pipeline.tending._INLINE_BYTES", 1)
    shop = make_shop(tmp_path)
    assert shop.ingest().outcome == "ok"
    small_loads(shop)
    before = rows(shop)
    told: list[str] = []
    distributed = Engine._distributed

    def watched(self: Engine, function: Any, tasks: Any, description: str, progress: Any) -> Any:
        told.append(description)
        return distributed(self, function, tasks, description, progress)

    monkeypatch.setattr(Engine, "_distributed", watched)

    report = maintain(replace(shop.context(), engine=engine), Upkeep())

    assert report.errors == []
    (line,) = [one for one in report.tables if one.table == "orders"]
    assert (line.merged, line.into) == (5, 1)
    assert rows(shop) == before
    assert verify(shop.context()).good
    assert books(shop.context()).balanced
    assert "compact source/orders" in told
