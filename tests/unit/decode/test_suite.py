"""JSONTestSuite's parsing cases, when they lie in tests/golden/decode/jsontestsuite: y_ accepted, n_ refused, i_ as listed.

Each case is the value of a `json` column, which is how any JSON text comes into a record.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lakemart.decode.api import decode
from unit.decode.feeds import feed_of

SUITE = Path(__file__).parents[2] / "golden" / "decode" / "jsontestsuite"
FILES = sorted(SUITE.glob("[yni]_*.json"))
FEED = feed_of({"format": "concatenated", "columns": {"v": "json"}})
RELAXED = feed_of(
    {"format": "concatenated", "duplicate_keys": "last", "columns": {"v": {"type": "json", "nul": "strip"}}}
)
NEEDS_OPTIONS = {"duplicate_key": "duplicate_keys: last", "nul_character": "nul: strip"}


def implementation_defined() -> dict[str, str]:
    """What README-like i_.txt beside the cases says of each i_ case: `name outcome` a line, accepted or a reason."""
    listing = SUITE / "i_.txt"
    return dict(line.split() for line in listing.read_text("utf-8").splitlines() if line) if listing.exists() else {}


def _outcome(value: bytes) -> str:
    decoded = decode(b'{"v":' + value + b"}", FEED)
    if not decoded.rejects.num_rows:
        return "accepted"
    reason = str(decoded.rejects.column("reason")[0])
    if reason in NEEDS_OPTIONS and not decode(b'{"v":' + value + b"}", RELAXED).rejects.num_rows:
        return "accepted"
    return reason


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "none")
def test_the_suites_case_is_decided_as_it_says(file: Path | None) -> None:
    if file is None:
        assert not SUITE.exists()
        return
    outcome = _outcome(file.read_bytes())

    if file.name.startswith("i_"):
        assert outcome == implementation_defined()[file.stem]
    else:
        assert (outcome == "accepted") == file.name.startswith("y_")


@pytest.mark.parametrize("file", FILES or [None], ids=lambda file: file.stem if file else "none")
def test_the_suites_case_alone_between_good_lines_costs_no_good_line(file: Path | None) -> None:
    if file is None:
        return
    good = b'{"v":1}\n'

    decoded = decode(good + file.read_bytes() + b"\n" + good, feed_of({"columns": {"v": "json"}}))

    assert decoded.rows["t"].column("v").to_pylist()[0] == "1"
    assert decoded.rows["t"].column("v").to_pylist()[-1] == "1"
    assert decoded.counts.records == decoded.counts.good + decoded.counts.quarantined
