"""Events for benchmarks: lines of 23 fields, some nested, a known part of them malformed or ill-typed; equal for equal seeds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from lakemart.contract.table import Column, Contract, Feed, UnknownFields
from lakemart.contract.types import ColumnType

MALFORMED: Final = 0.005
ILL_TYPED: Final = 0.02
_START = datetime(2026, 3, 1, tzinfo=UTC)
_KINDS = ("page_view", "click", "add_to_cart", "purchase", "search")
_COUNTRIES = ("DE", "FR", "US", "BR", "JP", "IN")
_BROWSERS = ("Firefox", "Chrome", "Safari", "Edge")
_ILL: Final[dict[str, Any]] = {"user_id": "u-17", "price": "N/A", "event_ts": "yesterday", "event_id": None}

_COLUMNS: Final = (
    ("event_id", "string", "event_id"), ("event_type", "string", "event_type"), ("event_ts", "timestamp", "event_ts"),
    ("user_id", "bigint", "user.id"), ("user_name", "string", "user.name"), ("country", "string", "user.geo.country"),
    ("city", "string", "user.geo.city"), ("lat", "double", "user.geo.lat"), ("lon", "double", "user.geo.lon"),
    ("session_id", "string", "session.id"), ("session_seq", "int", "session.seq"), ("is_new", "boolean", "session.is_new"),
    ("browser", "string", "device.browser"), ("os", "string", "device.os"), ("width", "int", "device.width"),
    ("ip", "string", "ip"), ("url", "string", "page.url"), ("referrer", "string", "page.referrer"),
    ("duration_ms", "int", "page.duration_ms"), ("sku", "string", "item.sku"), ("quantity", "int", "item.quantity"),
    ("price", "decimal(10,2)", "item.price"), ("tags", "json", "tags"),
)  # fmt: skip
SHAPES: Final = ("plain", "spaced", "escaped", "shuffled", "unknown", "rejected")
"""What lines look like: compact; with white space; with escapes in every text; keys in any order; 30 unknown keys each;
every line ill-typed."""


def feed(unknown_fields: UnknownFields = "ignore", *, leave_out: tuple[str, ...] = ()) -> Feed:
    """The contract of the events, less some columns."""
    required = {"event_id", "event_ts", "user_id"}
    columns = tuple(
        Column(name=name, type=ColumnType.parse(kind), path=tuple(path.split(".")), required=name in required)
        for name, kind, path in _COLUMNS
        if name not in leave_out
    )
    return Feed(tables=(Contract(table="events", columns=columns, unknown_fields=unknown_fields),))


def lines(count: int, *, seed: int = 1, shape: str = "plain") -> Iterator[bytes]:
    """So many lines without their ends."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    separators = (" , ", " : ") if shape == "spaced" else (",", ":")
    for number in range(count):
        event = _event(chance, number)
        ill = shape == "rejected" or chance.random() < ILL_TYPED
        if ill:
            _spoil(event, chance.choice(list(_ILL)))
        if shape == "unknown":
            event |= {f"field_{place}": chance.randrange(10**6) for place in range(30)}
        if shape == "escaped":
            event = _escaped(event)
        if shape == "shuffled":
            event = dict(chance.sample(list(event.items()), len(event)))
        text = json.dumps(event, separators=separators, ensure_ascii=shape == "escaped")
        yield (text[: chance.randrange(2, len(text))] if chance.random() < MALFORMED else text).encode()


def _event(chance: random.Random, number: int) -> dict[str, Any]:
    at = _START + timedelta(milliseconds=number * 250 + chance.randrange(200))
    sku = f"SKU-{chance.randrange(5000):05d}"
    return {
        "event_id": f"{chance.getrandbits(128):032x}",
        "event_type": chance.choice(_KINDS),
        "event_ts": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "user": {
            "id": chance.randrange(10**7),
            "name": f"user {chance.randrange(10**5)}",
            "geo": {
                "country": chance.choice(_COUNTRIES),
                "city": chance.choice(("München", "Paris", "São Paulo", "Pune")),
                "lat": round(chance.uniform(-90, 90), 5),
                "lon": round(chance.uniform(-180, 180), 5),
            },
        },
        "session": {
            "id": f"{chance.getrandbits(64):016x}",
            "seq": chance.randrange(200),
            "is_new": chance.random() < 0.3,
        },
        "device": {"browser": chance.choice(_BROWSERS), "os": "Linux", "width": chance.choice((1280, 1920, 2560))},
        "ip": ".".join(str(chance.randrange(256)) for _ in range(4)),
        "page": {
            "url": f"https://shop.example/p/{sku}?utm_source=mail",
            "referrer": None if chance.random() < 0.4 else "https://search.example/",
            "duration_ms": chance.randrange(60_000),
        },
        "item": {"sku": sku, "quantity": chance.randrange(1, 9), "price": round(chance.uniform(1, 500), 2)},
        "tags": chance.sample(["sale", "new", "gift", "eco", "top"], 2),
    }


def _spoil(event: dict[str, Any], field: str) -> None:
    place = {"user_id": (event["user"], "id"), "price": (event["item"], "price")}.get(field, (event, field))
    place[0][place[1]] = _ILL[field]


def _escaped(event: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _escaped(value)
        if isinstance(value, dict)
        else f'{value} "é\n"'
        if key in {"ip", "event_type", "name", "url"}
        else value
        for key, value in event.items()
    }
