"""The demo's real hours of GH Archive decode to the totals that their source states."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lakemart.decode.api import decode_object
from lakemart.decode.pieces import joined
from unit.decode.feeds import feed_of

RAW = Path(__file__).parents[3] / "conf" / "gharchive" / "raw"
FEED = feed_of({
    "unknown_fields": "extra",
    "columns": {
        "id": {"type": "string", "required": True},
        "event_type": {"type": "string", "path": "type", "required": True},
        "occurred_at": {"type": "timestamp", "path": "created_at", "required": True},
        "event_date": {"date_of": "occurred_at"},
        "actor_id": {"type": "bigint", "path": "actor.id"},
        "repo_name": {"type": "string", "path": "repo.name"},
        "push_size": {"type": "int", "path": "payload.size"},
        "payload": "json",
    },
})  # fmt: skip


@pytest.mark.parametrize(("name", "events"), [("2012/2012-02-15-0.json.gz", 4074), ("2015/2015-01-01-0.json.gz", 7702)])
def test_a_real_hour_decodes_whole_and_exact(name: str, events: int) -> None:
    stored = (RAW / name).read_bytes()

    decoded = joined(decode_object([stored], FEED, size=len(stored)))

    assert (decoded.counts.good, decoded.counts.quarantined) == (events, 0)
    rows = decoded.rows["t"]
    lines = gzip.decompress(stored).splitlines()
    for row, line in zip(rows.to_pylist(), lines, strict=True):
        event = json.loads(line)
        assert (row["id"], row["event_type"], row["repo_name"]) == (event["id"], event["type"], event["repo"]["name"])
        assert row["payload"].encode() in line
        assert json.loads(row["payload"]) == event["payload"]
        assert row["push_size"] == event["payload"].get("size")
