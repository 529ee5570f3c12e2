from __future__ import annotations

import json

import pytest

from localshift.errors import SqlError
from localshift.loading.columns import parse_column
from localshift.loading.files import MAX_ROW
from localshift.loading.jsonrows import json_records, parse_jsonpaths
from localshift.loading.reading import Reading
from localshift.loading.records import Record, RowTooLong, csv_records, text_records

COLUMNS = [parse_column("a", "character varying(99)"), parse_column("b", "integer")]


def csv(text: str, **options: object) -> list[Record]:
    reading = Reading(**{"delimiter": ",", **options})  # type: ignore[arg-type]
    return list(csv_records(iter(text.splitlines(keepends=True)), reading))


def text(content: str, **options: object) -> list[Record]:
    return list(text_records(iter(content.splitlines(keepends=True)), Reading(**options)))  # type: ignore[arg-type]


def documents(content: str, **options: object) -> list[Record]:
    return list(json_records(iter(content.splitlines(keepends=True)), COLUMNS, Reading(**options), None))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        ("a,b", ["a", "b"]),
        ('"a","b"\r\n', ["a", "b"]),
        (',""', ["", ""]),
        ('"a\n\n,b""",c\n', ['a\n\n,b"', "c"]),
        (' "a" , "b" ', ["a", "b"]),
        ('"""",x', ['"', "x"]),
        ("a,", ["a", ""]),
    ],
)
def test_csv_is_cut_into_fields(content: str, fields: list[str]) -> None:
    assert [record.fields for record in csv(content)] == [fields]


@pytest.mark.parametrize("content", ['a"b,c\nx,y\n', '"a"b,c\nx,y\n'])
def test_a_stray_quote_spoils_its_own_line_only(content: str) -> None:
    first, second = csv(content)

    assert (first.code, second.fields) == (1214, ["x", "y"])


def test_a_quote_that_never_ends_is_one_error() -> None:
    assert [(record.line, record.code) for record in csv('x,"a\nb\nc\n')] == [(3, 1214)]


def test_lines_are_counted_as_they_stand_in_the_file() -> None:
    content = 'head\n"a\nb",1\n\nc,2\n'

    assert [record.line for record in csv(content, ignore_header=1, ignore_blank_lines=True)] == [3, 5]


def test_a_quoted_field_beyond_a_rows_limit_ends_the_load() -> None:
    with pytest.raises(RowTooLong):
        csv('"' + ("x" * 1000 + "\n") * (MAX_ROW // 1000 + 1))


@pytest.mark.parametrize(
    ("content", "options", "fields"),
    [
        ("a|b", {}, ["a", "b"]),
        ("a|b|", {"escape": True}, ["a", "b", ""]),
        (r"a\|b|\N|\\N", {"escape": True}, ["a|b", None, None]),
        ("a\\\nb|c", {"escape": True}, ["a\nb", "c"]),
        ("'a|b'|\"c\"", {"remove_quotes": True}, ["a|b", "c"]),
        ("'it's'|x", {"remove_quotes": True}, ["it's", "x"]),
        ("|", {"remove_quotes": True}, ["", ""]),
        ("trailing\\", {"escape": True}, ["trailing\\"]),
    ],
)
def test_text_is_cut_into_fields(content: str, options: dict[str, object], fields: list[str | None]) -> None:
    assert [record.fields for record in text(content, **options)] == [fields]


def test_every_way_to_lay_out_documents_gives_the_same_rows() -> None:
    rows = [{"a": 'x{}[]"\\', "b": 1}, {"a": "é\n", "b": None}, {"b": 3, "z": {"a": ["}"]}}]
    expected = [[r"x{}[]" + '"\\', "1"], ["é\n", None], [None, "3"]]
    layouts = [
        "\n".join(map(json.dumps, rows)),
        "".join(map(json.dumps, rows)),
        " ".join(json.dumps(row, indent=1) for row in rows),
    ]

    assert [[record.fields for record in documents(layout)] for layout in layouts] == [expected] * 3


@pytest.mark.parametrize(
    "content",
    ["{", "nonsense", '{"a": 1,}', '{"a": NaN}', "]", '{"a" 1}', '"text"', "[1, 2]", "{]}" * 3, '{"a": "\n"}'],
)
def test_what_is_no_document_is_an_error_and_the_next_is_read(content: str) -> None:
    records = documents('{"b": 1}\n' + content + '\n{"b": 2}\n') if content != "{" else documents('{"b": 1}\n{')

    assert records[0].fields == [None, "1"]
    assert any(record.code == 1216 for record in records)


def test_a_document_beyond_four_megabytes_ends_the_load() -> None:
    with pytest.raises(RowTooLong):
        documents('{"a": [\n' + ("1," * 5000 + "\n") * (MAX_ROW // 10_000 + 9))


@pytest.mark.parametrize("path", ["a", "$..a", "$.*", "$[*]", "$['a'", "$.a[x]", "$a"])
def test_a_path_with_wildcards_or_none_at_all_is_refused(path: str) -> None:
    with pytest.raises(SqlError, match="Invalid JSONPath format"):
        parse_jsonpaths(json.dumps({"jsonpaths": [path]}).encode(), "s3://b/p", 1)


def test_paths_are_read_in_both_notations() -> None:
    document = json.dumps({"jsonpaths": ["$.a.b[2]", "$['x y'][\"z\"]"]}).encode()

    assert parse_jsonpaths(document, "s3://b/p", 2) == [("a", "b", 2), ("x y", "z")]
