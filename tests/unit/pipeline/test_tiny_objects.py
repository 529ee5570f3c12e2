"""Very many tiny objects: what a run writes and holds does not grow with their number. Figures: `tests/bench/tiny_objects.py`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lakemart.config.project import Engine as EngineOptions
from lakemart.lake.read import snapshot
from lakemart.pipeline.books import books
from lakemart.pipeline.stories import Scope, run
from unit.pipeline.shop import Shop, make_shop

COUNT = 3_000
DAYS = 3


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """One record an object, of three days in turn; every fifth repeats the one before, every seventh is rejected."""
    made = make_shop(tmp_path_factory.mktemp("tiny") / "p", landed=False)
    made.rewrite("partition_by: day", "partition_by: day\nreject_limit: 50%")
    folder = made.folder / "raw" / "orders"
    folder.mkdir(parents=True)
    for number in range(COUNT):
        same = number - (number % 5 == 4)
        record = {"id": f"o{same}", "at": f"2024-05-0{same % DAYS + 1}T10:00:00Z", "shop": "n" if number % 7 else None}
        (folder / f"{number:06}.ndjson").write_bytes(json.dumps(record).encode())
    return made


def test_the_files_that_come_of_many_tiny_objects_are_bounded_by_tasks_and_partitions(shop: Shop) -> None:
    context = shop.context()
    size = sum(path.stat().st_size for path in (shop.folder / "raw" / "orders").iterdir())
    tasks = 4
    options = EngineOptions(task_size=-(-size // (tasks - 1)))
    document = run(replace(context, project=replace(context.project, engine=options)), Scope(stages=("ingest",)))

    assert (document.exit_code, document.errors) == (0, [])
    line = books(context).sources["orders"]
    assert (line["batches"], line["objects"], line["records"]) == (1, COUNT, COUNT)
    for table, partitions in (("orders", DAYS), ("orders_quarantine", 1), ("orders_duplicates", 1)):
        found = snapshot(shop.lake, table)
        assert found is not None
        assert 0 < len(found.files) <= tasks * partitions, table
        assert found.rows == line[{"orders": "good", "orders_quarantine": "quarantined"}.get(table, "duplicate")]
    assert line["good"] + line["quarantined"] + line["duplicate"] == COUNT
    assert shop.ingest().outcome == "nothing_to_do"
