"""Rows that go to PostgreSQL as they stand in the file arrive as those that are converted first: PostgreSQL compares them."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from e2e.localshift.conftest import ROLE
from localshift.loading.columns import parse_column
from localshift.loading.reading import Reading
from localshift.loading.simple import row_pattern
from unit.localshift.words import KINDS, fitting

pytestmark = pytest.mark.e2e

ROWS = 300


def simple(kind: str, file_format: Any, delimiter: str) -> list[str]:
    """Return the fields of this type that need no second look."""
    columns = [parse_column("a", kind), parse_column("b", "integer")]
    pattern = row_pattern(columns, Reading(delimiter=delimiter), file_format)
    assert pattern is not None
    lines = {word: f"{word}{delimiter}1\n".encode("utf-8", "surrogateescape") for word in fitting(kind)}
    found = [word for word, line in lines.items() if word.isprintable() and pattern.fullmatch(line)]
    return [word for word in found if word or "char" not in kind]


@pytest.mark.parametrize(("options", "file_format", "delimiter"), [("csv", "CSV", ","), ("delimiter '|'", "TEXT", "|")])
def test_text_is_the_same_both_ways(options: str, file_format: str, delimiter: str, db: Any, stage: Any) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    words = {kind: simple(kind, file_format, delimiter) for kind in KINDS}
    lines = [delimiter.join(chance.choice(words[kind]) for kind in KINDS) for _ in range(ROWS)]
    url = stage.put("data", "".join(f"{line}\n" for line in lines).encode())
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(KINDS))
    for table in ("fast", "slow"):
        db.execute(f"create table {table} ({columns})")
    db.execute(f"copy fast from '{url}' iam_role '{ROLE}' {options}")
    # A null string that might be any field makes every row worth a second look.
    db.execute(f"copy slow from '{url}' iam_role '{ROLE}' {options} null as 'no such field'")

    assert min(map(len, words.values())) >= 2
    assert same(db) == [[ROWS, ROWS, 0, 0]]


def test_json_is_the_same_both_ways(db: Any, stage: Any) -> None:
    chance = random.Random(8)  # noqa: S311 - repeatable, not secret
    words = {kind: [word for word in simple(kind, "TEXT", "|") if '"' not in word] for kind in KINDS}
    rows = [{f"c{i}": chance.choice([*words[kind], None]) for i, kind in enumerate(KINDS)} for _ in range(ROWS)]
    alike = stage.put("alike", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode())
    other = stage.put("other", "".join(json.dumps(row, indent=1) for row in rows).encode())
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(KINDS))
    for table, url in (("fast", alike), ("slow", other)):
        db.execute(f"create table {table} ({columns})")
        db.execute(f"copy {table} from '{url}' iam_role '{ROLE}' json 'auto'")

    assert same(db) == [[ROWS, ROWS, 0, 0]]


def same(db: Any) -> Any:
    """Return the counts of both tables, and of the rows that only one of them has."""
    return db.rows(
        "select (select count(*) from fast), (select count(*) from slow),"
        " (select count(*) from (select * from fast minus select * from slow) as a),"
        " (select count(*) from (select * from slow minus select * from fast) as b)"
    )
