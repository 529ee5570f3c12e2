"""Formats, names, keys, partitions and bounds of inferred contracts, and when there is none."""

from __future__ import annotations

import bz2
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakemart.config.load import load_project
from lakemart.decode.result import DamagedError
from lakemart.errors import ConfigError
from lakemart.infer.api import infer
from unit.infer.drafts import columns, inferred, line, of_records, sample, types

RECORDS = [{"id": n, "name": f"n{n}"} for n in range(3)]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS).encode()


@pytest.mark.parametrize(
    ("data", "form", "path"),
    [
        (LINES, "ndjson", ()),
        (b"\xef\xbb\xbf" + LINES.rstrip(), "ndjson", ()),
        (LINES.replace(b"\n", b"\r\n\r\n"), "ndjson", ()),
        (LINES.replace(b"\n", b""), "concatenated", ()),
        (json.dumps(RECORDS[0], indent=2).encode(), "concatenated", ()),
        (json.dumps(RECORDS).encode(), "array", ()),
        (b"[" + LINES.strip().replace(b"\n", b",\n") + b"]\n", "array", ()),
        (json.dumps({"Records": RECORDS}).encode(), "records", ("Records",)),
        (json.dumps({"total": 3, "next": None, "items": RECORDS}, indent=1).encode(), "records", ("items",)),
        (json.dumps({"hits": {"hits": RECORDS}}).encode(), "records", ("hits", "hits")),
        (json.dumps({"id": 7, "items": RECORDS}).encode(), "ndjson", ()),
    ],
)
def test_the_format_is_told_by_content(data: bytes, form: str, path: tuple[str, ...]) -> None:
    found = inferred(data)

    assert (found.format.name, found.format.path) == (form, path)
    assert found.counts.good == (1 if b"n2" not in data or b'"id": 7' in data else 3)
    assert found.rejects == {}


@pytest.mark.parametrize(
    ("compress", "said"),
    [(gzip.compress, "gzip"), (bz2.compress, "bzip2"), (lambda data: pa.compress(data, "zstd", asbytes=True), "zstd")],
)
def test_compression_is_told_by_content(compress: Any, said: str) -> None:
    found = infer("events", [sample(compress(LINES), "a.json.x"), sample(compress(LINES), "b.json.x")])

    assert (found.counts.good, f"# {said}" in found.text) == (6, True)


def test_a_document_larger_than_what_is_looked_at_is_still_one() -> None:
    records = [{"id": n, "text": "x" * 1000} for n in range(3000)]

    found = inferred(json.dumps({"count": 3000, "Records": records}).encode())

    assert (found.format.path, found.counts.good) == (("Records",), 3000)


def test_a_damaged_sample_is_named() -> None:
    with pytest.raises(DamagedError) as raised:
        infer("events", [sample(LINES), sample(gzip.compress(LINES)[:-9], "cut.gz")])

    assert raised.value.where == "cut.gz"


def test_lines_that_are_not_json_are_told_and_change_nothing() -> None:
    found = inferred(LINES * 5 + b'{"id": 1,\n"text"\n')

    assert (found.format.name, found.counts.good) == ("ndjson", 15)
    assert found.rejects == {"invalid_json": 1, "not_an_object": 1}
    assert "2 records would go to quarantine: invalid_json 1, not_an_object 1" in found.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'["a", "b"]', "are strings, not objects"),
        (b"[1]\n[2]\n", "are arrays, not objects"),
        (b"{}\n{}\n", "empty objects"),
        (b"hello\n", "not JSON"),
        (b" \n", "hold nothing"),
    ],
)
def test_samples_without_records_are_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        inferred(data)


def test_samples_of_two_formats_are_refused() -> None:
    with pytest.raises(ConfigError, match="one JSON array, others are not"):
        inferred(LINES, b"[{}]")


def test_names_are_snake_case_without_collisions() -> None:
    record = {
        "userId": 1, "user_id": 2, "USER-ID": 3, "a.b": 4, "a": {"b": 5}, "_hidden": 6, "2fa": 7, "order": 8, "x:y": 9,
        "日本": 10, "": 11, "$": 12, "Tagging": 13, "tagging": 14, "a b, {c}": 15, "k" * 80: 16, "${HOME}": 17, "null": 18,
    }  # fmt: skip

    found = of_records(record, record)
    paths = {name: column.path for name, column in columns(found).items()}

    assert paths["user_id"] == ("userId",)
    assert (paths["user_id_2"], paths["user_id_3"]) == (("user_id",), ("USER-ID",))
    assert (paths["a_b"], paths["a_b_2"]) == (("a.b",), ("a", "b"))
    assert (paths["hidden"], paths["field_2fa"], paths["order_value"]) == (("_hidden",), ("2fa",), ("order",))
    assert (paths["tagging"], paths["tagging_2"]) == (("Tagging",), ("tagging",))
    assert (paths["field"], paths["field_2"], paths["x_y"]) == (("日本",), ("",), ("x:y",))
    assert (paths["home"], paths["null_value"], paths["k" * 63]) == (("${HOME}",), ("null",), ("k" * 80,))
    assert "1 field of the samples without a column" in found.text, "`$` cannot be named"
    assert found.rejects == {}


@pytest.mark.parametrize(
    ("records", "key", "comment"),
    [
        ([{"id": n, "n": n} for n in range(3)], ("id",), ""),
        ([{"id": 1}, {"id": 1}], (), ""),
        ([{"id": 1}, {"n": 1}], (), ""),
        ([{"id": 1}], (), ""),
        ([{"orderId": n} for n in range(20)], ("order_id",), ""),
        ([{"orderId": n} for n in range(19)], (), "# key: [order_id]"),
        ([{"orderId": n, "cartId": n} for n in range(20)], (), "# key: [order_id]"),
        ([{"o": {"id": n}} for n in range(20)], (), "# key: [o_id]"),
        ([{"id": n / 2 + 0.1} for n in range(20)], (), ""),
    ],
)
def test_a_key_is_chosen_only_when_it_is_certain(
    records: list[dict[str, Any]], key: tuple[str, ...], comment: str
) -> None:
    found = of_records(*records)

    assert found.feed.tables[0].key == key
    assert ("# key: [" in found.text) == bool(comment)
    assert comment in found.text


def test_the_table_is_partitioned_by_the_day_of_the_best_time() -> None:
    time = "2024-01-01T00:00:00Z"
    found = of_records(
        {"updated_at": time, "created_at": time, "seen_at": None}, {"updated_at": time, "created_at": time}
    )

    assert found.feed.tables[0].partition_by == "created_date"
    assert columns(found)["created_date"].date_of == "created_at"
    assert of_records({"at": time}, {}).feed.tables[0].partition_by is None, "not in every record"
    assert of_records({"day": "2024-01-01"}).feed.tables[0].partition_by == "day"


def test_a_map_with_thousands_of_keys_is_one_column() -> None:
    found = of_records(*({"counts": {f"user{n}_{m}": m for m in range(30)}, "id": n} for n in range(100)))

    assert types(found) == {"id": "bigint", "counts": "json"}


def test_an_object_of_many_sparse_keys_is_one_column() -> None:
    found = of_records(*({"parameters": {f"p{n}": n}} for n in range(60)))

    assert types(found) == {"parameters": "json"}
    assert "60 different keys" in line(found, "parameters")


def test_too_many_fields_at_the_top_are_left_to_extra() -> None:
    found = of_records({f"k{n:05}": n for n in range(15_000)} | {"id": 1}, {"k00003": 1})

    assert len(columns(found)) == 100
    assert "k00003" in columns(found)
    assert (found.counts.good, found.rejects) == (2, {})


def test_deep_objects_end_in_json() -> None:
    found = of_records({"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}, "n": 1})

    assert types(found) == {"a_b_c_d_e": "json", "n": "int"}


def test_rare_objects_are_kept_whole_before_common_ones() -> None:
    common = {f"c{n}": n for n in range(60)}
    rare = {f"r{n}": n for n in range(60)}
    found = of_records({"common": common, "rare": rare}, *({"common": common} for _ in range(9)))

    assert types(found)["rare"] == "json"
    assert len(columns(found)) == 61


def test_the_text_is_the_same_each_time_and_reads_as_one_writes_it(tmp_path: Path) -> None:
    records = [
        {"id": n, "createdAt": "2024-01-01T00:00:00Z", "price": 9.75, "who": {"mail": "a@b.example"}} for n in range(3)
    ]

    found = of_records(*records)

    assert found.text == of_records(*records).text
    assert found.text.splitlines() == [
        "# Written by `lakemart new source events` from 1 file with 3 records.",
        "# It takes every one of them. What they cannot show, such as wider numbers to come, is yours to judge.",
        "source: events",
        "objects:",
        '  prefix: "events/"  # where its objects lie, under the project\'s raw',
        '  pattern: "*.json"',
        "format: ndjson",
        "table: events",
        "key: [id]  # no value twice in 3 records",
        "partition_by: created_date",
        "unknown_fields: extra",
        "columns:",
        "  id:           {path: id, type: bigint, required: true}",
        "  created_at:   {path: createdAt, type: timestamp, required: true}",
        "  created_date: {date_of: created_at}",
        '  price:        {path: price, type: "decimal(3,2)", required: true}  # digits as seen',
        "  who_mail:     {path: who.mail, type: string, required: true}       # up to 11 bytes; e-mail addresses: consider pii: hash",
    ]
    (tmp_path / "sources").mkdir()
    (tmp_path / "project.yaml").write_text("project: p\nraw: raw\nlake: lake\n")
    (tmp_path / "sources/events.yaml").write_text(found.text, "utf-8")
    assert load_project(tmp_path, environ={}).sources["events"].feed == found.feed


@pytest.mark.parametrize("name", ["Events", "events_quarantine", "1st"])
def test_a_name_that_no_source_may_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        infer(name, [sample(LINES)])
