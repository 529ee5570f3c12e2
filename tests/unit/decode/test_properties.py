"""Laws of decoding over random input: Python's own JSON reader agrees, cuts do not matter, every byte is accounted for."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakemart.decode import api
from lakemart.decode.plan import plan_of
from lakemart.decode.record import FaultError
from lakemart.decode.reference import decode_record
from lakemart.decode.result import Decoded
from lakemart.decode.strict import BadJsonError, scan, space
from unit.decode.feeds import feed_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from(["2024-01-01T00:00:00Z", "2024-01-01", "7", "1.5"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abcde") | TEXTS, inner, max_size=4)
    ),
    max_leaves=8,
)
RECORDS = st.dictionaries(
    st.sampled_from(["s", "b", "i", "d", "m", "t", "day", "j", "o", "l", "x"]), VALUES, max_size=8
)
NOISE = st.lists(st.sampled_from(list('{}[]",:\\u0d8eE+-.123 \t\ntrufalsn"\x00\x7fé😀abs')), max_size=24).map("".join)
FEED = {
    "unknown_fields": "extra",
    "columns": {
        "s": "string", "b": "boolean", "i": "int", "d": "double", "m": "decimal(10,3)", "t": "timestamp", "day": "date",
        "j": "json", "oa": {"type": "bigint", "path": "o.a"}, "l": "list<bigint>", "t_day": {"date_of": "t"},
    },
}  # fmt: skip
STRINGS = {"columns": {"s": {"type": "string", "lenient": True}, "j": {"type": "json", "path": "x"}}}


def dumped(value: Any, style: int) -> str:
    """JSON text in one of four writing styles: compact, spaced, indented, ASCII; decimals as they are."""
    if isinstance(value, dict):
        pairs = [f"{dumped(k, style)}{[':', ': ', ' : ', ':'][style]}{dumped(v, style)}" for k, v in value.items()]
        return "{" + [",", ", ", "\t,\r", ","][style].join(pairs) + "}"
    if isinstance(value, list):
        return "[" + [",", ", ", " , ", ","][style].join(dumped(item, style) for item in value) + "]"
    if isinstance(value, Decimal):
        return str(value).replace("E", "e")
    return json.dumps(value, ensure_ascii=style == 3)


LINES = st.lists(st.one_of(st.builds(dumped, RECORDS, st.integers(0, 3)), NOISE), max_size=6)


def by_reference(data: bytes, feed: Any, monkeypatch: pytest.MonkeyPatch) -> Decoded:
    with monkeypatch.context() as patch:
        patch.setattr(api, "eligible", lambda _plan: False)
        return api.decode(data, feed)


@pytest.fixture(scope="module")
def patcher() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@given(LINES)
@settings(max_examples=80, deadline=None)
@example(
    [
        '{"d":-0.0}',
        '{"d":1e16}',
        '{"d":18446744073709551615}',
        '{"i":2147483648}',
        '{"m":0.1235}',
        '{"t":"2024-01-01T00:00:60Z"}',
    ]
)
@example(['{"o":[1]}', '{"o":{"a":1,"b":2}}', '{"t":"0999-01-01T00:00:00Z"}', '{"day":"2023-02-29"}', '{"l":[1,null]}'])
def test_the_fast_path_and_the_reference_agree(patcher: Any, lines: list[str]) -> None:
    data = "\n".join(lines).encode()

    assert api.decode(data, feed_of(FEED), decoder="reference") == by_reference(data, feed_of(FEED), patcher)


@given(RECORDS, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_what_the_scanner_accepts_python_reads_to_the_same_text_and_numbers(record: dict[str, Any], style: int) -> None:
    text = dumped(record, style)

    rows = decode_record(text.encode(), plan_of(feed_of(STRINGS), None)) if _fits(record) else None

    if rows is not None:
        values = json.loads(text, parse_int=Decimal, parse_float=Decimal)
        kept = rows[0].values[1]
        assert (None if kept is None else json.loads(str(kept), parse_int=Decimal, parse_float=Decimal)) == values.get(
            "x"
        )


def _fits(record: dict[str, Any]) -> bool:
    return not isinstance(record.get("s"), list | dict)


@given(st.one_of(NOISE, st.builds(dumped, VALUES, st.integers(0, 3))))
@settings(max_examples=200, deadline=None)
def test_python_reads_what_the_scanner_accepts_and_refuses_what_it_refuses(text: str) -> None:
    try:
        accepted = space(text, scan(text, 0, depth=400, digits=4000).end) == len(text)
    except BadJsonError:
        accepted = False

    assert accepted == _python_reads(text)


def _python_reads(text: str) -> bool:
    def refuse(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError:
        return False
    return True


@given(NOISE)
@settings(max_examples=60, deadline=None)
def test_json_stops_at_the_first_byte_that_no_text_can_have_there(text: str) -> None:
    """Everything before the fault begins some JSON text: cut there, it only ends too early."""
    try:
        scan(text, 0, depth=400, digits=4000)
    except BadJsonError as error:
        cut = text[: error.position]
        with pytest.raises(BadJsonError) as caught:
            scan(cut, 0, depth=400, digits=4000)
        assert caught.value.position == len(cut)


FORMATS = {
    "ndjson": {"format": "ndjson", **FEED},
    "concatenated": {"format": "concatenated", **FEED},
    "array": {"format": "array", **FEED},
    "records": {"format": "records", "records": "R", **FEED},
    "document": {"format": "records", "records": "R", "columns": {"s": "json", "k": {"type": "json", "path": "$.k"}}},
}
SEPARATORS = {"ndjson": "\n", "concatenated": " ", "array": ",", "records": ",", "document": ","}


def _object_of(name: str, lines: list[str]) -> bytes:
    joined = SEPARATORS[name].join(lines)
    wrapped = {"array": f"[{joined}]", "records": f'{{"R":[{joined}],"k":1}}', "document": f'{{"k":2,"R":[{joined}]}}'}
    return wrapped.get(name, joined).encode()


@given(st.sampled_from(sorted(FORMATS)), LINES, st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_same_bytes_in_other_blocks_give_the_same_result(name: str, lines: list[str], size: int) -> None:
    data, feed = _object_of(name, lines), feed_of(FORMATS[name])
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    if 0 in data[:2]:
        return

    assert list(api.decode_object(blocks, feed)) == list(api.decode_object([data], feed))


@given(st.sampled_from(["ndjson", "concatenated", "array"]), LINES)
@settings(max_examples=60, deadline=None)
@example("concatenated", ['{"s":1}', '{"s":', '{"s":"x"}', "}"])
def test_every_byte_is_in_a_record_a_reject_or_a_separator(name: str, lines: list[str]) -> None:
    data, feed = _object_of(name, lines), feed_of({**FORMATS[name], "tables": {"t": FORMATS[name]}})
    decoded = api.decode(data, feed)
    left = bytearray(data)
    for reject in decoded.rejects.to_pylist():
        start, end = reject["offset"], reject["offset"] + reject["length"]
        assert data[start:end] == reject["raw"]
        assert not any(byte == 1 for byte in left[start:end] if start < end)
        left[start:end] = b"\x01" * (end - start)
    for offset in decoded.rows["t"].column("_offset").to_pylist():
        end = data.find(b"\n", offset) if name == "ndjson" else _end_of_json(data, offset)
        end = len(data) if end < 0 else end
        left[offset:end] = b"\x01" * (end - offset)

    assert set(left) <= set(b"\x01 \t\r\n" + (b"[]," if name == "array" else b""))
    counts = decoded.counts
    assert counts.records == counts.good + counts.quarantined + counts.filtered


def _end_of_json(data: bytes, offset: int) -> int:
    return offset + scan(data[offset:].decode("latin-1"), 0, depth=400, digits=4000).end


@given(st.binary(max_size=40))
@settings(max_examples=60, deadline=None)
def test_random_bytes_never_crash(data: bytes) -> None:
    for spec in FORMATS.values():
        decoded = api.decode(data, feed_of(spec))
        assert decoded.counts.records == decoded.counts.good + decoded.counts.quarantined


def test_the_sign_of_zero_is_kept_and_only_there() -> None:
    rows = api.decode(b'{"d":-0.0}\n{"d":-0}\n{"d":0}', feed_of({"columns": {"d": "double"}})).rows["t"]

    assert [str(value) for value in rows.column("d").to_pylist()] == ["-0.0", "-0.0", "0.0"]


def test_a_fault_names_no_column_before_a_contract_was_chosen() -> None:
    with pytest.raises(FaultError) as caught:
        decode_record(b"[]", plan_of(feed_of(FEED), None))

    assert caught.value.column is None
