"""Rows that go to PostgreSQL as they stand are those that the slow way would send there with the same meaning."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localshift.loading.columns import Column, parse_column
from localshift.loading.files import Lines
from localshift.loading.reading import Reading
from localshift.loading.records import Record, Rows, csv_records, text_records
from localshift.loading.rows import Progress, Target, csv_batches
from localshift.loading.simple import row_pattern
from localshift.transfers import Load
from unit.localshift.postgres_csv import as_postgres_reads
from unit.localshift.words import KINDS, WORDS, fitting

READINGS: list[dict[str, Any]] = [
    {},
    {"empty_as_null": True},
    {"null": ""},
    {"null": "NULL"},
    {"truncate": True},
    {"invalid": "?"},
    {"any_date": True, "round_decimals": True},
    {"date_format": "auto", "time_format": "auto"},
    {"fill_record": True, "ignore_blank_lines": True},
    {"ignore_header": 1},
    {"blanks_as_null": True},
    {"trim_blanks": True},
    {"quote": "'"},
]


@st.composite
def files(draw: st.DrawFn) -> tuple[list[Column], Reading, str, bytes]:
    """Columns, parameters, format and a file whose fields are such as each column may or may not take."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=4))
    columns = [parse_column(f"c{i}", kind, not_null=draw(st.booleans())) for i, kind in enumerate(kinds)]
    delimiter = draw(st.sampled_from([",", "|", "\t", "x"]))
    options = {**draw(st.sampled_from(READINGS)), "delimiter": delimiter, "max_errors": None}
    taken = st.tuples(*(st.sampled_from(fitting(kind)) for kind in kinds)).map(list)
    field = st.sampled_from(WORDS) | st.text(alphabet="ab0129-:., |é\\\"'", max_size=5)
    mixed = st.lists(field, min_size=len(kinds), max_size=len(kinds))
    line = taken | taken | mixed | st.lists(field, min_size=1, max_size=5)
    lines = draw(st.lists(line.map(delimiter.join), max_size=12))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    text = end.join(lines) + draw(st.sampled_from(["", end]))
    return columns, Reading(**options), draw(st.sampled_from(["CSV", "TEXT"])), text.encode("utf-8", "surrogateescape")


Outcome = tuple[list[list[Any]], list[tuple[int, int, str, str]], int, int]


def loaded(
    columns: list[Column], reading: Reading, file_format: Any, data: bytes, *, fast: bool, piece: int = 40
) -> Outcome:
    """Return the rows as PostgreSQL reads them, the refused rows, the lines, and how many rows went the fast way."""
    pattern = row_pattern(columns, reading, file_format) if fast else None
    stream = io.BytesIO(data)
    lines = Lines(lambda _: stream.read(piece), "s3://b/k", reading)
    load = Load(table="t", source="s", file_format="CSV" if file_format == "CSV" else "Text")
    delimiter = "," if pattern is None else reading.delimiter
    target = Target(columns=columns, reading=reading, load=load, log="log", delimiter=delimiter)
    cut = csv_records if file_format == "CSV" else text_records
    progress, taken = Progress(), 0

    def counted() -> Iterator[Record | Rows]:
        nonlocal taken
        for record in cut(lines, reading, None if pattern is None else partial(lines.take, pattern)):
            taken += record.rows if isinstance(record, Rows) else 0
            yield record

    batches = list(csv_batches(counted(), target, "s3://b/k", progress))
    rows = list(as_postgres_reads(b"".join(data for _, data in batches).decode(), delimiter, columns))
    assert sum(count for count, _ in batches) == len(rows)
    rejects = [(reject.line, reject.code, reject.reason, reject.raw_line) for reject in load.rejects]
    return rows, rejects, progress.lines, taken


@settings(max_examples=150, deadline=None)
@given(files())
def test_what_goes_the_fast_way_is_what_the_slow_way_makes_of_it(
    case: tuple[list[Column], Reading, str, bytes],
) -> None:
    *slow, _ = loaded(*case, fast=False)

    for piece in (40, 1 << 20):
        *fast, _ = loaded(*case, fast=True, piece=piece)
        assert fast == slow


@pytest.mark.parametrize("kind", KINDS)
def test_the_usual_values_of_a_type_go_the_fast_way(kind: str) -> None:
    usual = {"boolean": "true", "date": "2024-02-28", "time without time zone": "12:00:00", "numeric(3,3)": "0.125"}
    moment = "2024-02-28 12:00:00.123456"
    value = usual.get(kind, moment if "timestamp" in kind else "12")
    columns = [parse_column("a", kind), parse_column("b", "character varying(20)")]

    taken = loaded(columns, Reading(delimiter=","), "CSV", f'{value},x é y\n,"a,b"\n{value},"é"\n'.encode(), fast=True)[
        3
    ]

    assert taken == (3 if not columns[0].is_text else 2)


def test_a_line_that_is_no_utf_8_does_not_spoil_its_neighbours() -> None:
    columns = [parse_column("a", "integer"), parse_column("b", "character varying(9)")]
    data = b"1,a\n" * 3 + b"2,\xff\n" + b"3,b\n" * 30

    rows, rejects, lines, taken = loaded(columns, Reading(delimiter=",", max_errors=None), "CSV", data, fast=True)

    assert (len(rows), [reject[0] for reject in rejects], lines) == (33, [4], 34)
    assert taken > 20
