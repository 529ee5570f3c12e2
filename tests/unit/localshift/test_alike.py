"""Lines of JSON that are alike become the rows that each would have become by itself."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localshift.loading.columns import Column, parse_column
from localshift.loading.files import Lines
from localshift.loading.jsonrows import json_records
from localshift.loading.reading import Reading
from localshift.loading.records import Record, Rows
from localshift.loading.rows import Progress, Target, csv_batches
from localshift.transfers import Load
from unit.localshift import words
from unit.localshift.postgres_csv import as_postgres_reads

KINDS = [*words.KINDS, "character varying(30)"]
VALUES = [
    "null", "0", "7", "-1", "32767", "32768", "12.5", "0.125", "-0", "1e3", "123456.789", "0.8444218515250481", "007", "+1", ".5", "5.",
    "true", "false", '"true"', '"7"', '"007"', '"1.50"', '"2024-02-29"', '"2023-02-29"', '"2024-01-01 00:00:00"', '"12:34:56"',
    '"2024-01-01 00:00:00.123456"', '"2024-01-01 00:00:00+02"', '""', '" "', '"a"', '"ab"', '"abcd"', '"é"', '"éé"', '"a,b"', '"{"', '"}"',
    '"\\u00e9"', '"\\"x"', '"\\\\"', '"\x01"', '"a\udcffb"', "[1]", '{"x": 1}', "nan", "",
]  # fmt: skip
MUCH = 1 << 20
READINGS: list[dict[str, Any]] = [
    {}, {"empty_as_null": True}, {"truncate": True}, {"json": "auto ignorecase"}, {"ignore_header": 1}, {"trim_blanks": True}
]  # fmt: skip


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Column], Reading, bytes]:
    """Columns, parameters and a file of lines most of which have the same keys."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    columns = [parse_column(f"c{i}", kind, not_null=draw(st.booleans())) for i, kind in enumerate(kinds)]
    keys = draw(st.permutations([*(column.name for column in columns), "x"]))
    value = st.sampled_from(VALUES)
    usual = [draw(st.lists(value, min_size=1, max_size=3)) for _ in keys]

    def written(chosen: list[str], names: list[str], space: str) -> str:
        return "{" + f",{space}".join(f'"{key}":{space}{item}' for key, item in zip(names, chosen, strict=True)) + "}"

    alike = st.tuples(*map(st.sampled_from, usual)).map(list)
    other = st.lists(value, min_size=len(keys), max_size=len(keys))
    line = st.one_of(
        st.builds(written, alike, st.just(keys), st.sampled_from(["", " "])),
        st.builds(written, other, st.just(keys), st.sampled_from(["", " "])),
        st.builds(written, other, st.permutations(keys), st.just(" ")),
        st.builds(written, other, st.just([key.upper() for key in keys]), st.just("")),
        st.sampled_from(["", "{}", "{", "}", "x", '{"c0": 1} {"c0": 2}', '{"c0":\n 1}', "[1]"]),
    )
    text = draw(st.sampled_from(["\n", "\r\n"])).join(draw(st.lists(line, max_size=12))) + draw(
        st.sampled_from(["", "\n"])
    )
    reading = Reading(**{"null": None, "max_errors": None, **draw(st.sampled_from(READINGS))})
    return columns, reading, text.encode("utf-8", "surrogateescape")


Outcome = tuple[list[list[Any]], list[tuple[int, int, str, str]], int]


def loaded(columns: list[Column], reading: Reading, data: bytes, *, fast: bool, piece: int = 60) -> tuple[Outcome, int]:
    """Return the rows, the refused ones and the count of lines; and how many rows went the fast way."""
    stream = io.BytesIO(data)
    lines = Lines(lambda _: stream.read(piece), "s3://b/k", reading)
    load = Load(table="t", source="s", file_format="JSON")
    progress, taken = Progress(), 0

    def counted() -> Iterator[Record | Rows]:
        nonlocal taken
        for record in json_records(lines if fast else iter(list(lines)), columns, reading, None):
            taken += record.rows if isinstance(record, Rows) else 0
            yield record

    target = Target(columns=columns, reading=reading, load=load, log="log")
    batches = list(csv_batches(counted(), target, "s3://b/k", progress))
    rows = list(as_postgres_reads(b"".join(data for _, data in batches).decode(), ",", columns))
    assert sum(count for count, _ in batches) == len(rows)
    return (rows, [(row.line, row.code, row.reason, row.raw_line) for row in load.rejects], progress.lines), taken


@settings(max_examples=80, deadline=None)
@given(files())
def test_what_goes_the_fast_way_is_what_the_slow_way_makes_of_it(case: tuple[list[Column], Reading, bytes]) -> None:
    slow, _ = loaded(*case, fast=False)

    assert loaded(*case, fast=True)[0] == slow
    assert loaded(*case, fast=True, piece=MUCH)[0] == slow


def test_lines_that_are_alike_go_the_fast_way_and_others_between_them_do_not() -> None:
    columns = [parse_column("a", "integer"), parse_column("b", "character varying(9)"), parse_column("c", "date")]
    rows = [json.dumps({"b": f"é{i}", "z": None, "a": i, "c": "2024-02-28"}, ensure_ascii=False) for i in range(40)]
    rows[20] = '{"b": "\\u00e9", "z": 1, "a": 2, "c": null}'

    outcome, taken = loaded(columns, Reading(null=None), "\n".join([*rows, ""]).encode(), fast=True, piece=MUCH)

    assert (len(outcome[0]), outcome[1], outcome[2]) == (40, [], 40)
    # The first is the lesson.
    assert taken == 38


@pytest.mark.parametrize("reading", [Reading(null=None, json="noshred"), Reading(null=None, trim_blanks=True)])
def test_what_needs_a_second_look_has_it(reading: Reading) -> None:
    columns = [parse_column("a", "character varying(99)")]

    assert loaded(columns, reading, b'{"a": "x"}\n' * 9, fast=True)[1] == 0


@pytest.mark.parametrize(("empty_as_null", "expected"), [(True, None), (False, "")])
def test_an_empty_string_is_null_when_asked_for(empty_as_null: bool, expected: str | None) -> None:  # noqa: FBT001 - a case
    columns = [parse_column("a", "character varying(9)")]
    data = b'{"a": "x"}\n' * 2 + b'{"a": ""}\n' * 9

    (rows, _, _), taken = loaded(columns, Reading(null=None, empty_as_null=empty_as_null), data, fast=True)

    assert rows[2:] == [[expected]] * 9
    assert taken == (1 if empty_as_null else 10)
