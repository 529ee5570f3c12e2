"""Real records, mutated: the native decoder gives what the reference gives, wherever the bytes are cut into blocks."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakemart.contract.table import Feed
from lakemart.decode import native
from lakemart.decode.api import cut_records
from lakemart.decode.plan import plan_of
from lakemart.infer.api import infer
from unit.decode.differential import BUILT, KEY, assert_same, assert_same_framed, mutated, natively, slowly
from unit.decode.feeds import feed_of
from unit.decode.test_properties import VALUES, dumped
from unit.infer.drafts import sample

ROOT = Path(__file__).parents[3]
SAMPLES = ROOT / "tests" / "unit" / "infer" / "samples"
SETS = {
    "cloudtrail": "cloudtrail-*.json",
    "github-issue-events": "github-issue-events.json",
    "inventory": "inventory-*.json",
    "wikipedia-edits": "wikipedia-edits.json",
    "cdc-messages": "cdc-messages.jsonl",
    "gharchive-2012": "2012/*.json.gz",
    "gharchive-2015": "2015/*.json.gz",
}


class Everything:
    """Wants the record at every offset."""

    def __contains__(self, _offset: object) -> bool:
        return True


@cache
def records(name: str) -> tuple[tuple[bytes, ...], Feed]:
    """The exact bytes of some real records, each on one line, and a contract inferred from them, for lines."""
    folder = ROOT / "conf" / "gharchive" / "raw" if name.startswith("gharchive") else SAMPLES
    contents = [file.read_bytes() for file in sorted(folder.glob(SETS[name]))]
    if name.startswith("gharchive"):
        contents = [b"".join(gzip.decompress(contents[0]).splitlines(keepends=True)[100:140])]
    inferred = infer("events", [sample(content, f"{number}.json") for number, content in enumerate(contents)])
    found = [raw for content in contents for _, raw in cut_records([content], inferred.feed, Everything())]
    tables = tuple(replace(table, unknown_fields="extra") for table in inferred.feed.tables)
    feed = replace(inferred.feed, format="ndjson", records_path=(), tables=tables)
    return tuple(raw.replace(b"\n", b" ") for raw in found), feed


@pytest.mark.parametrize("name", SETS)
def test_real_records_are_taken_natively_and_decode_the_same(name: str) -> None:
    lines, feed = records(name)

    assert native.takes(plan_of(feed, KEY)) or not BUILT
    assert_same(b"\n".join(lines), feed)
    assert natively(b"\n".join(lines), feed).counts.good == len(lines)


@pytest.mark.parametrize("name", SETS)
def test_mutated_real_records_are_the_same(name: str) -> None:
    lines, feed = records(name)
    seed = random.randrange(2**32)  # noqa: S311 - repeatable by pytest's own seed, not secret
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    chance = random.Random(seed)  # noqa: S311 - as above
    data = b"\n".join(mutated(chance.choice(lines), chance) for _ in range(120))

    assert_same(data, feed, *(chance.randrange(len(data)) for _ in range(3)))


FRAMES = {
    "array": (b"[", b" ,\n", b"]\n"),
    "concatenated": (b"", b"\n\t", b""),
    "records": (b'{"a":1,"Records":[', b",\r\n", b'],"z":[]}'),
}


@pytest.mark.parametrize("form", FRAMES)
@pytest.mark.parametrize("name", ["cloudtrail", "github-issue-events", "wikipedia-edits"])
def test_mutated_real_records_of_other_formats_are_the_same(name: str, form: Any) -> None:
    lines, feed = records(name)
    framed = replace(feed, format=form, records_path=("Records",) if form == "records" else ())
    seed = random.randrange(2**32)  # noqa: S311 - as above
    print(f"seed {seed}")  # noqa: T201 - as above
    chance = random.Random(seed)  # noqa: S311 - as above
    begin, between, end = FRAMES[form]
    spread = [json.dumps(json.loads(line), indent=1).encode() for line in lines]

    assert_same_framed(begin + between.join([*lines, *spread]) + end, framed)
    for _ in range(4):
        odd = [mutated(line, chance) if chance.random() < 0.4 else line for line in [*lines, *spread] * 2]
        assert_same_framed(begin + between.join(odd) + end, framed)


@pytest.mark.parametrize("name", ["inventory", "wikipedia-edits"])
@given(data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_real_records_with_other_values_and_orders_are_the_same(name: str, data: st.DataObject) -> None:
    lines, feed = records(name)
    record: dict[str, Any] = json.loads(data.draw(st.sampled_from(lines)))
    for key in data.draw(st.lists(st.sampled_from(sorted(record)), max_size=3)):
        record[key] = data.draw(VALUES)
    keys = data.draw(st.permutations(list(record)))
    text = dumped({key: record[key] for key in keys}, data.draw(st.integers(0, 3)))

    assert_same(b"\n".join([lines[0], text.replace("\n", " ").encode(), lines[-1]]), feed)


@pytest.mark.parametrize("name", ["inventory", "cdc-messages"])
def test_cutting_the_bytes_anywhere_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, feed = records(name)
    data = b"\xef\xbb\xbf" + b"\r\n".join([*lines[:2], b" ", lines[2][:40], *lines[3:4]])
    expected = slowly(data, feed)
    monkeypatch.setattr(native, "CHUNK_BYTES", 300)
    native.decoder_of.cache_clear()
    try:
        for cut in range(0, len(data), 1 + len(data) // 500):
            assert natively(data, feed, cut) == expected, cut
        assert natively(data, feed, *range(len(data))) == expected
    finally:
        native.decoder_of.cache_clear()


def test_a_chunk_on_which_the_extension_fails_is_decoded_by_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> object:
        raise RuntimeError

    data = b'\xef\xbb\xbf{"s":"a"}\r\n\n \n{"s":1}\n{"s":"' + b"x" * 50 + b'"}'
    feed = feed_of({"columns": {"s": "string"}, "limits": {"record_bytes": 20}})
    monkeypatch.setattr(native, "piece_of", broken)

    assert_same(data, feed, 3, 40)
    assert_same_framed(b'[{"s":"a"}, {"s":1} x', feed_of({"format": "array", "columns": {"s": "string"}}))


def test_many_blank_lines_are_counted_and_take_no_memory() -> None:
    data = b'{"s":"a"}\n' + b"\n\r\n" * 200_000 + b' \t\n{"s":"b"}'

    counts = natively(data, feed_of({"columns": {"s": "string"}})).counts

    assert (counts.good, counts.blank) == (2, 400_001)
