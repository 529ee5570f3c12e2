"""Which INSERTs are cut behind their first row, and that nothing of them is lost."""

from __future__ import annotations

import pytest

from localshift.queries.manyrows import LEAST, without_rows

ROW = "(1, -2.5, 'it''s; (a) -- b', NULL, true, DEFAULT)"


@pytest.mark.parametrize(
    "head", ["insert into t values ", 'INSERT INTO s."T" (a, b,\n c) VALUES\n', "\n insert into #t(a) values"]
)
def test_rows_of_literals_are_cut_off_behind_the_first(head: str) -> None:
    others = f",\n {ROW}" * LEAST

    assert without_rows(f"{head}{ROW}{others} ;\n") == (f"{head}{ROW}", others)


@pytest.mark.parametrize(
    "last",
    [
        "(now())",
        "(1 + 1)",
        "('a\\nb')",
        "(1::int)",
        "(date '2024-01-01')",
        "($1)",
        "()",
        "(1) returning a",
        "(1); select 1",
        "(1) -- end",
        "('a' 'b')",
        "(e'a')",
        "('open)",
    ],
)
def test_a_statement_with_anything_else_in_it_stays_whole(last: str) -> None:
    sql = f"insert into t values (1){', (1)' * LEAST}, {last}"

    assert without_rows(sql) == (sql, "")


def test_a_short_statement_stays_whole() -> None:
    assert without_rows("insert into t values (1), (2)") == ("insert into t values (1), (2)", "")


def test_a_query_over_rows_stays_whole() -> None:
    sql = f"insert into t select * from (values (1){', (1)' * LEAST})"

    assert without_rows(sql) == (sql, "")
