"""`lakemart new`: what is written where, that it loads, and that nothing is ever overwritten."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from lakemart.config.load import load_project
from unit.cli.command import Lakemart

LINES = b'{"id":1,"at":"2024-01-01T00:00:00Z"}\n{"id":2,"at":"2024-01-02T00:00:00Z"}\n'


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    file = tmp_path / "sample.json.gz"
    file.write_bytes(gzip.compress(LINES))
    return file


def test_a_new_project_takes_a_source_and_loads(lakemart: Lakemart, tmp_path: Path) -> None:
    assert lakemart("new", "project", "shop").code == 0
    raw = tmp_path / "shop/raw/2024/orders"
    raw.mkdir(parents=True)
    (raw / "a.json").write_bytes(LINES)
    (raw / "b.json").write_bytes(LINES.replace(b"1,", b"3,").replace(b"2,", b"4,"))

    ended = lakemart("--project", "shop", "new", "source", "orders", "--from", str(raw / "a.json"), str(raw / "b.json"))

    assert (ended.code, ended.stderr) == (0, "")
    assert "takes 4 of 4 records of the samples, none is rejected" in " ".join(ended.stdout.split())
    project = load_project(tmp_path / "shop", environ={})
    source = project.sources["orders"]
    assert (source.feed.tables[0].key, source.feed.tables[0].partition_by) == (("id",), "event_date")
    assert 'prefix: "2024/orders/"' in (tmp_path / "shop/sources/orders.yaml").read_text("utf-8")
    assert project.raw == str(tmp_path / "shop" / "raw")


def test_without_a_project_the_contract_is_printed_as_it_is(lakemart: Lakemart, sample: Path, tmp_path: Path) -> None:
    long = tmp_path / "long.json"
    long.write_text(json.dumps({"a" * 40: {"b" * 20: "x" * 99}}))

    ended = lakemart("new", "source", "events", "--from", str(long), str(sample))

    assert ended.code == 0
    assert "source: events\n" in ended.stdout
    assert f"{{path: {'a' * 40}.{'b' * 20}, type: string}}" in ended.stdout, "neither wrapped nor cut"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["long.json", "sample.json.gz"]


def test_stdout_prints_within_a_project_too(lakemart: Lakemart, sample: Path, tmp_path: Path) -> None:
    lakemart("new", "project", "shop")

    ended = lakemart("new", "source", "events", "--from", str(sample), "--stdout", "--project", "shop")

    assert ended.stdout.startswith("# Written by `lakemart new source events`")
    assert list((tmp_path / "shop/sources").iterdir()) == []


def test_a_source_that_is_there_is_never_overwritten(lakemart: Lakemart, sample: Path, tmp_path: Path) -> None:
    lakemart("new", "project", "shop")
    there = tmp_path / "shop/sources/events.yaml"
    there.write_text("mine")

    ended = lakemart("--project", "shop", "new", "source", "events", "--from", str(sample))

    assert (ended.code, there.read_text()) == (2, "mine")
    assert "is there already" in ended.stderr
    assert lakemart("new", "project", "shop").code == 2


def test_json_has_the_contract_and_the_books_of_the_samples(lakemart: Lakemart, sample: Path) -> None:
    ended = lakemart("new", "source", "events", "--from", str(sample), "--json")

    document = json.loads(ended.stdout)
    assert {key: document[key] for key in ("source", "file", "format", "records", "good", "quarantined", "columns")} == {
        "source": "events", "file": None, "format": "ndjson", "records": 2, "good": 2, "quarantined": 0, "columns": 3,
    }  # fmt: skip
    assert document["contract"].startswith("# Written by")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--from", "nowhere.json"), 2, "does not exist"),
        (("--from", "."), 2, "is a folder"),
        ((), 2, "Missing option"),
        (("--from", "cut.gz"), 3, "cut.gz"),
        (("--from", "texts.json"), 2, "are strings, not objects"),
    ],
)
def test_what_cannot_be_a_sample_is_refused_with_the_reason(
    lakemart: Lakemart, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    (tmp_path / "cut.gz").write_bytes(gzip.compress(LINES)[:-9])
    (tmp_path / "texts.json").write_text('["a", "b"]')

    ended = lakemart("new", "source", "events", *words)

    assert ended.code == code
    assert said in " ".join(ended.stderr.split())
