"""A project of a few hundred bytes: one source with a key, one model, one mart. For what needs no real data."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from e2e.driving import Project

PROJECT = """\
project: shop
raw: raw
lake: embedded
staging: embedded
warehouse: embedded
lease: {ttl: 1s}
"""

SOURCE = """\
source: orders
objects: {prefix: "orders/", pattern: "*.ndjson*"}
table: orders
key: [id]
lookback: 1 days
partition_by: day
skip: {kind: [Heartbeat]}
columns:
  id:     {path: id, type: string, required: true}
  at:     {path: at, type: timestamp, required: true}
  day:    {date_of: at}
  shop:   {path: shop, type: string, required: true}
  amount: {path: amount, type: "decimal(9,2)"}
"""

SQL = """\
SELECT day, shop, count(*) AS orders, CAST(sum(amount) AS DECIMAL(12, 2)) AS amount
FROM orders
GROUP BY day, shop
"""

MODEL = """\
model: daily
inputs: [orders]
slice: day
key: [day, shop]
columns:
  day:    {type: date}
  shop:   {type: varchar(32)}
  orders: {type: bigint}
  amount: {type: "decimal(12,2)"}
checks:
  - unique: [day, shop]
  - sql: "SELECT * FROM daily WHERE amount < 0"
publish:
  table: marts.daily
  sortkey: [day]
"""

FIRST, SECOND, THIRD = "2024-05-01", "2024-05-02", "2024-05-20"


def order(number: int | str, day: str = FIRST, **values: Any) -> bytes:
    """One order as a line of JSON."""
    whole = {"id": f"o{number}", "at": f"{day}T10:00:00Z", "shop": "north", "amount": 1.5, **values}
    return json.dumps(whole, ensure_ascii=False).encode()


def lines(*records: bytes) -> bytes:
    """Records as an NDJSON object."""
    return b"".join(record + b"\n" for record in records)


NO_SHOP = order(5, shop=None)
CUT_OFF = b'{"id": "o6", "at": "2024-05'


def first_day() -> bytes:
    """Four good orders, a duplicate, a heartbeat and two rejects."""
    heartbeat = b'{"kind": "Heartbeat"}'
    more = (order(3, shop="south"), order(4, amount=8.25))
    return lines(order(1), order(2), *more, order(1, amount=99), heartbeat, NO_SHOP, CUT_OFF)


def second_day() -> bytes:
    """Two good orders of the next day, and one of the first day again."""
    return lines(order(11, SECOND), order(12, SECOND, shop="south"), order(2, amount=77))


MART = [
    [FIRST, "north", 3, "11.25"],
    [FIRST, "south", 1, "1.50"],
    [SECOND, "north", 1, "1.50"],
    [SECOND, "south", 1, "1.50"],
]
"""The mart of both days, in the words of `query --json`."""

MART_SQL = "SELECT day, shop, orders, amount FROM marts.daily ORDER BY day, shop"


def write_shop(folder: Path) -> Project:
    """The project in a folder with a space in its name, as an author would write it; nothing has run yet."""
    made = Project(folder=folder / "the shop", state=folder / "its state")
    texts = {
        "project.yaml": PROJECT,
        "sources/orders.yaml": SOURCE,
        "models/daily.sql": SQL,
        "models/daily.yaml": MODEL,
    }
    for name, text in texts.items():
        (made.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (made.folder / name).write_text(text, encoding="utf-8")
    made.land("orders/2024-05-01.ndjson", first_day())
    made.land("orders/2024-05-02.ndjson", second_day())
    return made


def built_shop(places: pytest.TempPathFactory) -> Project:
    """The project, ingested and built once for all tests. Make a copy before anything is run on it."""
    return _built_in(places.getbasetemp() / "built")


@cache
def _built_in(folder: Path) -> Project:
    made = write_shop(folder)
    made.ok("ingest")
    made.ok("build")
    return made
