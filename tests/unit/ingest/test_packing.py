"""How the same records are cut into objects, ordered, batched and packed into tasks changes nothing of the content.

Duplicates are identical here; where they differ, the documented order decides (see test_kinds and test_keys).
"""

from __future__ import annotations

import json
import random
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lakemart.contract.table import Feed
from unit.ingest.place import ORDERS, Place, column

DAYS = replace(ORDERS, columns=(*ORDERS.columns, column("day", "date")), partition_by="day")
RECORDS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=1, max_size=30)


def record(number: int, day: int) -> str:
    """The same text for the same number, whatever day was drawn: identical duplicates."""
    return json.dumps({"id": f"o{number}", "n": number if number % 7 else "bad", "day": f"2024-01-0{number % 3 + 1}"})


def content(records: list[str], seed: int, batches: int, task_size: int) -> tuple[list[object], list[object], int]:
    """What the tables hold after the records came in some order, cut and packed in some way."""
    order = random.Random(seed)  # noqa: S311 - of a test
    shuffled = records[:]
    order.shuffle(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder))
        place.source = replace(place.source, feed=Feed(tables=(DAYS,)))
        for batch in range(batches):
            part = shuffled[batch::batches]
            while part:
                size = order.randint(1, len(part))
                place.land(f"{order.random()}", *part[:size])
                part = part[size:]
            place.ingest(task_size=task_size)
        rows = place.rows("orders", "id", "n", "day")
        rejects = place.rows("orders_quarantine", "raw", "reason")
        lost = len(place.rows("orders_duplicates", "object"))
    return rows, rejects, lost


@settings(max_examples=15, deadline=None)
@given(RECORDS, st.integers(), st.integers(1, 3), st.sampled_from([1, 100, 10**9]))
def test_order_split_and_packing_never_change_the_content(
    drawn: list[tuple[int, int]], seed: int, batches: int, task_size: int
) -> None:
    records = [record(*one) for one in drawn]

    assert content(records, seed, batches, task_size) == content(records, 0, 1, 10**9)
