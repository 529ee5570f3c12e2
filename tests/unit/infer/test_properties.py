"""The law of inference: whatever JSON objects the samples hold, the contract loads and takes every one of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakemart.decode.api import decode_object
from lakemart.infer.naming import column_name, free
from lakemart.names import is_name
from unit.infer.drafts import inferred, sample

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
KEYS = st.one_of(
    st.sampled_from(["id", "ID", "userId", "user_id", "a.b", "+1", "-1", "_x", "$", "^", "#", "", "2fa", "order", "${x}", "created_at", "ts_ms", "null"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(10**40, 10**41),
    st.integers(1_600_000_000_000, 1_700_000_000_000),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from([Decimal("1E+400"), Decimal("-0.0"), Decimal("0.50"), Decimal("1E+3")]),
)
TIMES = st.sampled_from([
    "2024-01-01T00:00:00Z", "2024-01-01 00:00:00.1234567+02:00", "2016-12-31T23:59:60Z", "2024-01-01", "2024-02-30",
    "2024-01-01T00:00:00", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.9999999Z", "7", "1.5", "a@b.example", "",
])  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, TIMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=8,
)
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=6), min_size=1, max_size=6)


def written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(written, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def forms(records: list[dict[str, Any]]) -> list[bytes]:
    """The same records by line, one after another on indented lines, as an array, and in a document."""
    texts = [written(record) for record in records]
    plain = [json.dumps(json.loads(text, parse_float=Decimal), indent=1, default=str) for text in texts]
    listed = "[" + ",\n".join(texts) + "]"
    return [each.encode() for each in ("\n".join(texts), "\n".join(plain), listed, '{"Records":' + listed + "}")]


@given(RECORDS.filter(lambda records: any(set(record) - {"$", "^", "#"} for record in records)), st.integers(0, 3))
@settings(max_examples=60, deadline=None)
@example([{"a": "x\x00y", "b": {"c": ["\x00"]}, "d": {"\x01": {"e": "\x00"}}}, {"a": "z"}], 0)
@example([{"created_at": 1_700_000_000.5}, {"created_at": 1_700_000_000}], 0)
@example([{"x": 10**200}, {"x": Decimal("0.5")}], 0)
@example([{"x": Decimal("0.12345678901234567")}, {"x": Decimal("1E+400")}], 2)
@example([{"a": {"b": 1}}, {"a": None}, {"a": {"b": None}}, {}], 1)
@example([{"${HOME}": 1, "$${x}": {"$": 2}}], 0)
def test_the_contract_takes_every_record_it_was_inferred_from(records: list[dict[str, Any]], form: int) -> None:
    data = forms(records)[form]

    found = inferred(data)
    pieces = list(decode_object(sample(data).blocks(), found.feed))

    rejects = [row for piece in pieces for row in piece.rejects.to_pylist()]
    assert rejects == []
    assert sum(piece.counts.good for piece in pieces) >= len(records)
    assert found.rejects == {}


@given(st.lists(st.lists(KEYS, min_size=1, max_size=5).map(tuple), max_size=8))
def test_names_follow_the_grammar_and_no_two_are_alike(paths: list[tuple[str, ...]]) -> None:
    taken: list[str] = []
    for path in paths:
        taken.append(free(column_name(path), taken))

    assert all(map(is_name, taken))
    assert len(set(taken)) == len(paths)
