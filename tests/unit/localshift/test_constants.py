from __future__ import annotations

import pytest

from localshift.queries.dialect import translate

CASTS = [
    ("select 109.652::decimal(4,1)", 'select pg_catalog."numeric"(109.652, 262149)'),
    ("select -1.5::dec", 'select -pg_catalog."numeric"(1.5, 1179652)'),
    ("select cast(-1.5 as numeric(3)) as a", 'select pg_catalog."numeric"(-1.5, 196612) as a'),
    ("select convert(decimal(5, 1), 2.25)", 'select pg_catalog."numeric"(2.25, 327685)'),
    ("select a::decimal(4,1)", "select a::decimal(4,1)"),
    ("select cast(1.5 + a as decimal(4,1))", "select cast(1.5 + a as decimal(4,1))"),
    ("select 1.5::int", "select 1.5::int"),
    ("select 1.5::decimal(99, 1)", "select 1.5::decimal(99, 1)"),
]


@pytest.mark.parametrize(("sql", "expected"), CASTS, ids=[sql for sql, _ in CASTS])
def test_only_the_cast_of_a_written_number_is_written_otherwise(sql: str, expected: str) -> None:
    assert translate(sql).sql == expected
