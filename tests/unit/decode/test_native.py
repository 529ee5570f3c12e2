"""The native decoder gives what the reference gives: rows, rejects, census and counts, whatever the bytes and the contract."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakemart.contract.table import Feed
from lakemart.decode import api, frames, native
from lakemart.decode.pieces import joined
from lakemart.decode.plan import plan_of
from lakemart.decode.result import DamagedError
from lakemart.errors import ConfigError
from unit.decode.differential import (
    BUILT,
    PIECES,
    assert_equal,
    assert_same,
    assert_same_framed,
    mutated,
    slowly,
)
from unit.decode.feeds import feed_of
from unit.decode.test_golden import CASES, KEY, _input_of
from unit.decode.test_properties import LINES, NOISE

PLAIN = {
    "unknown_fields": "extra",
    "columns": {
        "s": "string", "b": "boolean", "n": {"type": "smallint", "path": "x"}, "i": "int", "l": "bigint", "d": "double",
        "m": "decimal(10,3)", "w": {"type": "decimal(38,10)", "path": "d"}, "t": "timestamp", "day": "date", "j": "json",
        "oa": {"type": "bigint", "path": "o.a"}, "ob": {"type": "string", "path": "o.b"}, "oj": {"type": "json", "path": "o"},
        "e": {"type": "timestamp", "unit": "ms", "path": "i"}, "t_day": {"date_of": "t"},
    },
}  # fmt: skip
RULED = {
    "unknown_fields": "reject",
    "columns": {
        "s": {"type": "string", "values": ["a", "b", "x", ""], "required": True, "pattern": "[a-z]*", "pii": "hash"},
        "d": {"type": "double", "min": 0.1, "max": 1e3}, "b": {"type": "boolean", "lenient": True, "values": [True]},
        "i": {"type": "int", "min": -5.5, "max": 7, "lenient": True}, "m": {"type": "decimal(6,2)", "round": True, "min": "-1.005"},
        "t": {"type": "timestamp", "min": "2000-01-01", "round": True}, "day": {"type": "date", "max": "2024-01-01"},
        "o": "json", "x": {"type": "string", "lenient": True, "min": "a", "pii": "mask"}, "l": {"type": "bigint", "values": [1, 2.0]},
        "e": {"type": "timestamp", "unit": "ns", "lenient": True, "path": "j"}, "t_day": {"date_of": "t", "required": True},
    },
}  # fmt: skip
LATE = {
    "unknown_fields": "reject",
    "columns": {
        "d": "double", "s": {"type": "string", "pattern": "[a-c]*", "lenient": True}, "l": {"type": "list<bigint>", "max": 50},
        "t": {"type": "timestamp", "zone": "Europe/Berlin", "lenient": True}, "t_day": {"date_of": "t", "required": True},
        "x": {"type": "list<string>", "pii": "hash", "values": ["a", "", "7"]}, "i": "int", "b": {"type": "boolean", "min": True},
        "j": {"type": "json", "redact": ["a", "b.c"]}, "o": {"type": "json", "path": "o"}, "oa": {"type": "string", "path": "o.a", "pii": "mask"},
    },
}  # fmt: skip
SKIPPING = {
    "skip": {"s": ["a", None, 7, 1.50, True], "o.a": [0, "x", False], "j.k": [None]},
    "columns": {"oa": {"type": "bigint", "path": "o.a", "required": True}, "s": {"type": "string", "pii": "drop"}},
}
FEEDS = {
    name: feed_of(spec) for name, spec in (("plain", PLAIN), ("ruled", RULED), ("late", LATE), ("skipping", SKIPPING))
}


def test_it_is_built_or_its_absence_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    if BUILT:
        assert all(native.takes(plan_of(feed, KEY)) for feed in FEEDS.values())
        return
    with capsys.disabled():
        print("\nlakemart.decode._native is not built here: the comparisons of test_native.py compare nothing.")  # noqa: T201 - the notice
    with pytest.raises(ConfigError):
        api.decode(b"{}", FEEDS["plain"], decoder="native")


@pytest.mark.parametrize("name", CASES)
def test_the_golden_case_is_the_same(name: str) -> None:
    case = CASES[name]
    feed = feed_of(case["feed"])
    if case.get("compress") or case.get("salvage") or "damaged" in case:
        return
    if not native.takes_records(plan_of(feed, KEY)):
        return
    data = _input_of(case)
    if feed.format != "ndjson":
        assert_same_framed(data, feed)
        return

    assert_same(data, feed)
    assert_same(data, feed, len(data) // 2)


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
@given(lines=LINES, cut=st.integers(0, 200))
@settings(max_examples=80, deadline=None)
@example(lines=['{"s":"a","s":1}', '{"j":{"a":1,"\\u0061":2}}', '{"j":[{"a":{}},{"a":{}}]}'], cut=3)
@example(lines=["\ufeff{}", " \t", "\r", '{"s":"a"}\r'], cut=0)
def test_random_json_is_the_same(feed: Feed, lines: list[str], cut: int) -> None:
    assert_same("\n".join(lines).encode(), feed, cut)


LATE_LINES = [
    '{"s":"A1","i":"x","t":"2024-01-01T00:00:00"}',
    '{"s":"A1","t":"2024-01-01T00:00:00","t":1}',
    '{"s":"ab","l":[1,null,51],"x":["b"],"t":"2024-01-01T00:00:00"}',
    '{"l":[1,2],"x":["a",""],"t":"2024-03-31T02:30:00","j":{"a":1,"b":[{"c":{}},{"d":2}]},"o":{"a":"secret","b":[1]}}',
    '{"l":{},"i":1e400,"t":"2024-10-27 02:30:00"}',
    '{"l":[],"x":null,"b":false,"t":"2024-01-01T00:00:00Z","unknown":1}',
    '{"s":"A","unknown":1,"t":"2024-01-01T00:00:00Z"}',
    '{"s":"a","d":"x","t":"0001-01-01T00:00:00"}',
    '{"t":null,"s":"A"}',
    '{"t":null,"s":"a"}',
]  # fmt: skip


def test_the_first_fault_counts_even_where_some_checks_come_late() -> None:
    assert_same("\n".join(LATE_LINES).encode(), FEEDS["late"])
    for line in LATE_LINES:
        assert_same(line.encode(), FEEDS["late"])


@given(st.lists(st.one_of(NOISE, st.lists(st.sampled_from(PIECES), max_size=12).map("".join)), max_size=8))
@settings(max_examples=120, deadline=None)
def test_random_pieces_of_json_are_the_same(texts: list[str]) -> None:
    assert_same("\n".join(texts).encode(), FEEDS["plain"])
    assert_same("\n".join('{"j":' + text + "}" for text in texts).encode(), FEEDS["plain"])


@given(st.binary(max_size=60))
@settings(max_examples=120, deadline=None)
def test_random_bytes_are_the_same(data: bytes) -> None:
    assert_same(data, FEEDS["plain"])
    assert_same(b'{"j":"' + data + b'"}', FEEDS["plain"])


EVENT = {
    "id": "a1b2", "at": "2024-05-01T12:34:56.789Z", "user": {"id": 12345, "name": "Zoë \U0001f600", "tags": ["x", {"y": None}]},
    "price": 12.5, "big": 98765432109876543, "flag": True, "note": 'quote " slash / back \\ tab \t', "day": "2024-02-29",
    "nested": {"deep": {"deeper": [1, 2.5e-3, -0.0]}}, "ms": 1700000000123, "none": None,
}  # fmt: skip
EVENTS = feed_of({
    "unknown_fields": "extra",
    "columns": {
        "id": {"type": "string", "required": True}, "at": "timestamp", "uid": {"type": "bigint", "path": "user.id", "required": True},
        "uname": {"type": "string", "path": "user.name"}, "price": "decimal(10,2)", "dprice": {"type": "double", "path": "price"},
        "big": "bigint", "flag": "boolean", "day": "date", "nested": "json", "ms": {"type": "timestamp", "unit": "ms"}, "at_day": {"date_of": "at"},
    },
})  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_mutated_events_are_the_same(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    styles: list[dict[str, Any]] = [{"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": None}]
    lines = [json.dumps(EVENT, **chance.choice(styles)).encode() for _ in range(600)]

    data = b"\n".join(mutated(line, chance) if chance.random() < 0.6 else line for line in lines)
    assert_same(data, EVENTS)
    assert_equal(api.decode(data, EVENTS, decoder="reference", pii_key=KEY), slowly(data, EVENTS))


def test_objects_of_many_keys_are_the_same() -> None:
    many = ",".join(f'"k{n}":{n}' for n in range(3000))
    lines = [
        f"{{{many}}}",
        f'{{{many},"k17":0}}',
        f'{{"j":{{{many}}}}}',
        f'{{"j":{{{many},"\\u006b17":0}}}}',
        f'{{"j":{{"k17":1,{many}}}}}',
    ]

    assert_same("\n".join(lines).encode(), FEEDS["plain"])


def test_depth_digits_and_length_limits_are_the_same() -> None:
    feed = feed_of(
        {
            "columns": {"j": "json", "d": "double"},
            "limits": {"depth": 4, "digits": 10, "record_bytes": 60},
            "unknown_fields": "extra",
        }
    )
    values = [
        "[[[]]]",
        "[[[[]]]]",
        '{"a":{"b":{}}}',
        '{"a":{"b":{"c":{}}}}',
        "1234567890",
        "12345678901",
        "1.2345678e90",
        "-1234567890.1e1",
    ]
    lines = [f'{{"{key}":{value}}}' for key in "jx" for value in values] + [
        f'{{"j":"{"x" * n}"}}' for n in range(48, 56)
    ]

    assert_same("\r\n".join(lines).encode(), feed)
    assert_same("\n".join(lines).encode(), feed)


@pytest.mark.parametrize("tail", [b"", b"\n", b"\r\n", b'\n{"s":"a"}', b"\n\n\n"])
def test_lines_longer_than_the_limit_are_the_same_however_they_are_cut(tail: bytes) -> None:
    feed = feed_of({"columns": {"s": "string"}, "limits": {"record_bytes": 40}})
    data = b'\xef\xbb\xbf{"s":"b"}\n\n' + b'{"s":"' + b"y" * 100 + b'"}' + tail + b'\n{"s":"c"}\r\n' + b"z" * 42 + tail
    expected = slowly(data, feed)
    for block in (1, 3, 7, 50, 1000):
        blocks = [data[start : start + block] for start in range(0, len(data), block)]
        plan = plan_of(feed, KEY)
        found = joined(native.pieces(blocks, plan, 0, 0, api._decoded)) if native.takes(plan) else expected

        assert found == expected


def test_chunks_end_where_the_reference_ends_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "CHUNK_BYTES", 30_000)
    monkeypatch.setattr(native, "CHUNK_BYTES", 30_000)
    lines = b"".join(b'{"k%d":%d}\r\n' % (n, n) for n in range(3_000)) * 3
    feed = feed_of({"unknown_fields": "extra", "columns": {"a": "bigint"}})
    blocks = [lines[start : start + 1_000] for start in range(0, len(lines), 1_000)]
    by_default = list(api.decode_object(blocks, feed))
    monkeypatch.setattr(api.native, "takes", lambda _plan: False)
    otherwise = list(api.decode_object(blocks, feed))

    assert len(by_default) > 3
    assert [piece.counts for piece in by_default] == [piece.counts for piece in otherwise]
    assert [piece.census for piece in by_default] == [piece.census for piece in otherwise]
    assert [piece.rows for piece in by_default] == [piece.rows for piece in otherwise]


def test_a_damaged_object_is_damaged_by_either_decoder() -> None:
    with pytest.raises(DamagedError):
        list(api.decode_object([b'{"s":"a"}\n'], FEEDS["plain"], size=4))
