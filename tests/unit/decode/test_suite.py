"""JSONTestSuite's parsing cases (tests/golden/decode/jsontestsuite): y_ accepted, n_ refused, i_ as i_.txt there says.

Wrapped, a case is the value of a `json` column, which is how any JSON text comes into a record. Bare, it is a record.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakemart.contract.table import Feed
from lakemart.decode.api import decode, decode_object
from lakemart.decode.frames import BOM
from lakemart.decode.result import DamagedError, Decoded
from unit.decode.feeds import feed_of

SUITE = Path(__file__).parents[2] / "golden" / "decode" / "jsontestsuite"
NOT_UTF8 = {
    "i_string_UTF-16LE_with_BOM": b'\xff\xfe[\0"\0\xe9\0"\0]\0',
    "i_string_UTF-8_invalid_sequence": b'["\xe6\x97\xa5\xd1\x88\xfa"]',
    "i_string_UTF8_surrogate_U+D800": b'["\xed\xa0\x80"]',
    "i_string_invalid_utf-8": b'["\xff"]',
    "i_string_iso_latin_1": b'["\xe9"]',
    "i_string_lone_utf8_continuation_byte": b'["\x81"]',
    "i_string_not_in_unicode_range": b'["\xf4\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_2_bytes": b'["\xc0\xaf"]',
    "i_string_overlong_sequence_6_bytes": b'["\xfc\x83\xbf\xbf\xbf\xbf"]',
    "i_string_overlong_sequence_6_bytes_null": b'["\xfc\x80\x80\x80\x80\x80"]',
    "i_string_truncated-utf-8": b'["\xe0\xff"]',
    "i_string_utf16BE_no_BOM": b'\0[\0"\0\xe9\0"\0]',
    "i_string_utf16LE_no_BOM": b'[\0"\0\xe9\0"\0]\0',
    "n_array_a_invalid_utf8": b"[a\xe5]",
    "n_array_invalid_utf8": b"[\xff]",
    "n_number_invalid-utf-8-in-bigger-int": b"[123\xe5]",
    "n_number_invalid-utf-8-in-exponent": b"[1e1\xe5]",
    "n_number_invalid-utf-8-in-int": b"[0\xe5]",
    "n_number_real_with_invalid_utf8_after_e": b"[1e\xe5]",
    "n_object_lone_continuation_byte_in_key_and_trailing_comma": b'{"\xb9":"0",}',
    "n_string_invalid-utf-8-in-escape": b'["\\u\xe5"]',
    "n_string_invalid_utf8_after_escape": b'["\\\xe5"]',
    "n_structure_incomplete_UTF8_BOM": b"\xef\xbb{}",
    "n_structure_lone-invalid-utf-8": b"\xe5",
    "n_structure_single_eacute": b"\xe9",
}
"""Our own bytes for the cases that the suite's text edition cannot hold."""

CASES = {file.stem: file.read_bytes() for file in sorted(SUITE.glob("[yni]_*.json"))} | NOT_UTF8
OUTCOMES = dict(row.split() for row in (SUITE / "i_.txt").read_text("utf-8").splitlines() if row)

COLUMN = {"columns": {"v": "json"}}
FEED = feed_of({"format": "concatenated", **COLUMN})
RELAXED = feed_of(
    {"format": "concatenated", "duplicate_keys": "last", "columns": {"v": {"type": "json", "nul": "strip"}}}
)
LINES = feed_of(COLUMN)
GOOD = b'{"v":1}'
NEEDS_OPTIONS = {
    "y_object_duplicated_key": "duplicate_key",
    "y_object_duplicated_key_and_value": "duplicate_key",
    "y_object_escaped_null_in_key": "nul_character",
    "y_string_null_escape": "nul_character",
}
"""What JSON allows and lakemart takes only when told to: `duplicate_keys: last`, `nul: strip`."""

every_case = pytest.mark.parametrize("name", sorted(CASES))


def wrapped(name: str, feed: Feed) -> str:
    """`accepted`, or the reason of the first reject, of the case as a column's value."""
    decoded = decode(b'{"v":' + CASES[name] + b"}", feed)
    if decoded.rejects.num_rows:
        return str(decoded.rejects.column("reason")[0])
    text = CASES[name].decode().strip(" \t\r\n")
    if feed is FEED:
        assert decoded.rows["t"].column("v").to_pylist() == [None if text == "null" else text]
    return "accepted"


def objects(name: str) -> int:
    """1 when the case is one sound JSON object, 0 otherwise."""
    if not name.startswith("y_"):
        return 0
    return int(isinstance(json.loads(CASES[name]), dict) and name not in NEEDS_OPTIONS)


def balanced(decoded: Decoded) -> bool:
    counts = decoded.counts
    return counts.records == counts.good + counts.quarantined and decoded.rejects.num_rows == counts.quarantined


def test_the_suite_is_whole() -> None:
    kinds = {kind: sum(name.startswith(kind) for name in CASES) for kind in ("y_", "n_", "i_")}

    assert kinds == {"y_": 95, "n_": 188, "i_": 35}
    assert set(OUTCOMES) == {name for name in CASES if name.startswith("i_")}


@every_case
def test_a_case_as_a_columns_value_is_decided_as_the_suite_says(name: str) -> None:
    outcome = wrapped(name, FEED)

    if name.startswith("i_"):
        assert outcome == OUTCOMES[name]
    elif name in NEEDS_OPTIONS:
        assert (outcome, wrapped(name, RELAXED)) == (NEEDS_OPTIONS[name], "accepted")
    else:
        assert (outcome == "accepted") == name.startswith("y_")


@every_case
def test_a_bare_case_that_is_not_one_object_is_rejected(name: str) -> None:
    if name == "i_structure_UTF-8_BOM_empty_object":
        assert decode(CASES[name], LINES).counts.good == 1
        return
    feed = FEED if b"\n" in CASES[name] else LINES
    decoded = decode(CASES[name], feed)

    assert balanced(decoded)
    if feed is LINES:
        assert decoded.counts.good == objects(name)
        assert decoded.counts.records == (1 if CASES[name].removeprefix(BOM).strip(b" \t\r") else 0)
    elif not objects(name):
        assert decoded.counts.quarantined > 0


@every_case
def test_a_bare_case_between_good_records_costs_none_of_them(name: str) -> None:
    case = CASES[name]
    if b"\n" in case:
        # Such a case is several lines; one after another it is one value.
        decoded = decode(GOOD + b"\n" + case + b"\n" + GOOD, FEED)
        assert decoded.rows["t"].column("v").to_pylist()[0] == "1"
    else:
        decoded = decode(GOOD + b"\n" + case + b"\n" + GOOD + b"\n", LINES)
        assert decoded.counts.good == 2 + objects(name)
        assert decoded.counts.records == 3 - (not case.strip(b" \t\r"))
        assert decoded.rows["t"].column("v").to_pylist()[:: 1 + objects(name)] == ["1", "1"]
    assert balanced(decoded)


@every_case
def test_an_object_that_is_one_case_never_crashes_in_any_format(name: str) -> None:
    for spec in (
        {"format": "ndjson"},
        {"format": "concatenated"},
        {"format": "array"},
        {"format": "records", "records": "a"},
    ):
        damage = ""
        pieces: list[Decoded] = []
        try:
            pieces = list(decode_object([CASES[name]], feed_of({**spec, **COLUMN})))
        except DamagedError as error:
            damage = error.reason
        assert damage in {"", "wrong_encoding"}
        assert all(balanced(piece) for piece in pieces)
