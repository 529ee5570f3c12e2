"""Whatever the bytes: no crash, no hang, and memory within a few record limits."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from lakemart.decode.api import decode, decode_object
from unit.decode.feeds import feed_of

MIB = 1024 * 1024
LIMIT = MIB
SIZES = {("ndjson", b"x"): 100, ("array", b'{"a":1}, '): 100, ("concatenated", b"x"): 100}


def _blocks(head: bytes, piece: bytes, total: int, tail: bytes) -> Iterator[bytes]:
    yield head
    block = piece * (MIB // len(piece))
    for _ in range(total // len(block)):
        yield block
    yield tail


@pytest.mark.parametrize("kind", ["ndjson", "concatenated", "array"])
@pytest.mark.parametrize(
    "piece", [b"x", b'{"a":1}, ', b"\\\\", b'{"', b" "], ids=["text", "objects", "escapes", "opened", "spaces"]
)
def test_one_huge_record_is_one_reject_and_little_memory(kind: str, piece: bytes) -> None:
    feed = feed_of({"format": kind, "columns": {"a": "json"}, "limits": {"record_bytes": LIMIT}})
    head, tail = {"array": (b'[{"a":1},{"a":"', b'"},{"a":2}]')}.get(kind, (b'{"a":1}\n{"a":"', b'"}\n{"a":2}\n'))
    quoted = piece.replace(b'"', b"'")
    tracemalloc.start()

    counts = [
        piece.counts for piece in decode_object(_blocks(head, quoted, SIZES.get((kind, piece), 30) * MIB, tail), feed)
    ]

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (sum(c.good for c in counts), sum(c.quarantined for c in counts)) == (2, 1)
    assert peak < 40 * MIB


@pytest.mark.parametrize("kind", ["ndjson", "concatenated", "array", "records"])
@pytest.mark.parametrize("piece", [b"[", b'{"a":', b'{"a":[', b"}", b"]", b'"', b"{}", b"}{"])
def test_deep_and_broken_nesting_neither_crashes_nor_overflows(kind: str, piece: bytes) -> None:
    feed = feed_of({"format": kind, "records": "a", "columns": {"a": "json"}, "limits": {"record_bytes": LIMIT}})

    decoded = decode(b'{"a":[' + piece * 20_000 + b"\n" + b'{"a":1}', feed)

    assert decoded.counts.records == decoded.counts.good + decoded.counts.quarantined


def test_fifteen_thousand_unknown_keys_are_kept_and_the_census_is_capped() -> None:
    line = "{" + ",".join(f'"k{n}":{n}' for n in range(15_000)) + "}"

    decoded = decode(line.encode(), feed_of({"unknown_fields": "extra", "columns": {"a": "json"}}))

    assert decoded.rows["t"].column("_extra")[0].as_py() == line.replace('"k', '"/k')
    assert decoded.census.num_rows == 1000
