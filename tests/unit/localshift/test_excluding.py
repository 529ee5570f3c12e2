"""EXCLUDE as text: where it stands, what is asked of its source, and what is written in its place."""

from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.queries.excluding import first_excluded, without_excluded
from localshift.queries.resolving import outline


@pytest.mark.parametrize(
    ("sql", "probe", "written"),
    [
        (
            "select * exclude (b) from t where a > 1",
            " SELECT * from t",
            'select "a", "c" from t where a > 1',
        ),
        (
            "select top 3 * EXCLUDE a, b from t order by c",
            " SELECT * from t",
            'select top 3 "c" from t order by c',
        ),
        (
            "with q as (select 1) select x, t.* exclude a from t join q on true limit 1",
            "with q as (select 1)  SELECT t.* from t join q on true",
            'with q as (select 1) select x, t."b", t."c" from t join q on true limit 1',
        ),
        (
            "insert into u (select * exclude (a, b) from t group by 1)",
            " SELECT * from t",
            'insert into u (select "c" from t group by 1)',
        ),
    ],
)
def test_a_star_becomes_the_columns_that_are_left(sql: str, probe: str, written: str) -> None:
    excluded = first_excluded(sql)

    assert excluded is not None
    assert excluded.probe == probe
    assert without_excluded(sql, excluded, ["a", "b", "c"]) == written


@pytest.mark.parametrize("sql", ["select exclude from t", "select a * exclude from t", "select 'exclude' as b from t"])
def test_another_use_of_the_word_is_none(sql: str) -> None:
    assert first_excluded(sql) is None


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("select * exclude from t", "42601"),
        ("select * exclude (a + 1) from t", "42601"),
        ("select * exclude (a)", "42601"),
        ("select * exclude (nothing) from t", "42703"),
        ("select * exclude (a, b, c) from t", "42601"),
    ],
)
def test_what_is_no_list_of_columns_is_an_error(sql: str, code: str) -> None:
    with pytest.raises(SqlError) as caught:
        without_excluded(sql, first_excluded(sql), ["a", "b", "c"])  # type: ignore[arg-type]  # the error comes first

    assert caught.value.code == code


def test_the_outline_of_an_unload_has_neither_exclude_nor_pivot() -> None:
    sql = "unload ('select * exclude (a) from t pivot (sum(n) for k in (''x''))') to 's3://b/'"

    assert outline(sql) == "unload ('select *  from t ') to 's3://b/'"
    assert outline("unload ($$select '1'$$) to 's3://b/'") == "unload ($$select '1'$$) to 's3://b/'"
