"""Holding the native decoder against the reference: rows, rejects, census, counts and keys of the same bytes."""

from __future__ import annotations

import random
from itertools import pairwise

import pyarrow as pa
import pytest

from lakemart.contract.table import Feed
from lakemart.decode import api, native
from lakemart.decode.frames import lines
from lakemart.decode.keys import key_pieces
from lakemart.decode.pieces import joined
from lakemart.decode.plan import plan_of
from lakemart.decode.result import Decoded

KEY = b"a key of the golden cases"
BUILT = native.extension() is not None
"""Where the extension is not built there is nothing to compare, and one test says so."""

PIECES = [
    *'{}[]",:', "\\", "\\u0000", "\\ud83d", "\\ude00", "\\u0061", "\\n", "0", "1", "-", ".", "e", "E5", "+", " ", "\t", "\r", "null",
    "true", "false", "\x00", "\x1f", "\x7f", "é", "\U0001f600", '"s":', '"o":{', '"a":1', '"j":', '"2024-01-01T00:00:60Z"', "1e400",
    "9223372036854775808", "0.1235", "\ufeff",
]  # fmt: skip


def slowly(data: bytes, feed: Feed) -> Decoded:
    """By the reference alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "eligible", lambda _plan: False)
        return api.decode(data, feed, decoder="reference", pii_key=KEY)


def natively(data: bytes, feed: Feed, *cuts: int) -> Decoded:
    """By the native decoder where it is built, the data cut into blocks at these places."""
    plan = plan_of(feed, KEY)
    if not native.takes(plan):
        return slowly(data, feed)
    return joined(native.pieces(blocks_of(data, *cuts), plan, 0, 0, api._decoded))


def blocks_of(data: bytes, *cuts: int) -> list[bytes]:
    """The data cut at these places."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def assert_same_framed(data: bytes, feed: Feed) -> None:
    """The same for a feed of any format, which the native decoder takes record by record."""
    assert native.takes_records(plan_of(feed, KEY)) or not BUILT
    assert_equal(api.decode(data, feed, decoder="native" if BUILT else "auto", pii_key=KEY), slowly(data, feed))


def assert_same(data: bytes, feed: Feed, *cuts: int) -> None:
    """Fails where the two decoders differ, in whatever they give."""
    expected = slowly(data, feed)
    assert_equal(natively(data, feed, *cuts), expected)
    assert_same_keys(data, feed, expected, *cuts)


def assert_equal(found: Decoded, expected: Decoded) -> None:
    """Fails with the first thing that differs."""
    assert found.rejects.to_pylist() == expected.rejects.to_pylist()
    assert found.census.to_pylist() == expected.census.to_pylist()
    assert found.counts == expected.counts
    for table, rows in expected.rows.items():
        assert found.rows[table].schema == rows.schema
        found.rows[table].validate(full=True)
        for name in rows.schema.names:
            assert str(found.rows[table].column(name).to_pylist()) == str(rows.column(name).to_pylist()), name
    assert found.rows == expected.rows or "nan" in str(expected.rows)


def assert_same_keys(data: bytes, feed: Feed, expected: Decoded, *cuts: int) -> None:
    """Fails where the keys-only pass accepts other records than the full decode, or gives other values for them."""
    plan, table = plan_of(feed, KEY), feed.tables[0].table
    names = [column.name for column in feed.tables[0].columns if column.pii != "drop"]
    wanted = tuple(dict.fromkeys((names[0], names[len(names) // 2], names[-1]))) if names else ()
    numbers = {}
    for frames in lines([data], offset=0, limit=feed.limits.record_bytes):
        numbers |= {frame.offset: len(numbers) + place for place, frame in enumerate(frames.frames)}
    blocks = blocks_of(data, *cuts)
    by_native = list(native.keys(blocks, plan, wanted, api._keys)) if native.takes(plan) else []
    by_reference = list(key_pieces(api._frames(blocks, plan, 0), plan, {table: wanted}, api._decoded))
    for pieces in (by_native, by_reference) if by_native else (by_reference,):
        rows = pa.Table.from_batches([piece.rows[table] for piece in pieces])
        assert str(rows.select([*wanted, "_offset"]).to_pydict()) == str(
            expected.rows[table].select([*wanted, "_offset"]).to_pydict()
        )
        assert rows.column("_record").to_pylist() == [numbers[offset] for offset in rows.column("_offset").to_pylist()]
        counted = pieces[0].counts
        for piece in pieces[1:]:
            counted = counted.plus(piece.counts)
        assert counted == expected.counts


def mutated(line: bytes, chance: random.Random) -> bytes:
    """The line with one to three of its bytes replaced, taken out, or joined by a piece of JSON."""
    found = bytearray(line)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(found) + 1)
        action = chance.randrange(5)
        if action == 0:
            found[place : place + 1] = bytes([chance.randrange(256)])
        elif action == 1:
            del found[place : place + chance.randint(1, 4)]
        elif action == 2:
            found[place:place] = chance.choice(PIECES).encode()
        elif action == 3:
            start = chance.randrange(len(found) + 1)
            found[place:place] = found[start : start + chance.randint(1, 30)]
        else:
            found[place : place + 1] = chance.choice(PIECES).encode()
    return bytes(found).replace(b"\n", b" ")
