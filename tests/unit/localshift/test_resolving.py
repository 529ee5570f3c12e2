from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.queries.pivot import first_turned, without_turned
from localshift.queries.resolving import inlined, outline, used_names
from localshift.queries.superliterals import as_strings, string_literals

NAMES = [
    ("select a + 1 as b, b * 2 as c from t", {"b"}, "select a + 1 as b, (a + 1) * 2 as c from t"),
    ("select a as b, b as c, c + 1 from t", {"b", "c"}, "select a as b, (a) as c, ((a)) + 1 from t"),
    ("select a b, b + t.b, f(b), b(1) from t", {"b"}, "select a b, (a) + t.b, f((a)), b(1) from t"),
    ("select a as b, (select b from u) from t", set(), "select a as b, (select b from u) from t"),
    ("select 1 as b from t where b = 1", set(), "select 1 as b from t where b = 1"),
    ("select distinct 1 as b, b from t union select 2 as c, c", {"b", "c"}, "select distinct 1 as b, (1) from t union select 2 as c, (2)"),
    ("select 'b' as b, 'b', b from t", {"b"}, "select 'b' as b, 'b', ('b') from t"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "names", "expected"), NAMES, ids=[sql for sql, _, _ in NAMES])
def test_a_later_item_uses_the_expression_a_name_stands_for(sql: str, names: set[str], expected: str) -> None:
    uses = used_names(sql)

    assert {name for _, name in uses} == names
    assert inlined(sql, uses) == expected


def test_only_names_that_a_later_item_uses_are_looked_up() -> None:
    assert used_names("select a as b, c from t where b = 1") == frozenset()
    assert used_names("insert into u select a as b, (b + 1) as c, c from t") == {(3, "b"), (3, "c")}


def test_literals_of_an_insert_are_found_with_their_columns() -> None:
    sql = "insert into s.t (id, doc) values (1, '{}'), (2, 'a' || 'b'), ('3', 'x')"
    literals = string_literals(sql)

    assert literals is not None
    assert literals.probe == "SELECT id, doc FROM s.t"
    assert as_strings(sql, literals, [1]) == (
        "insert into s.t (id, doc) values (1, '{}'::varchar), (2, 'a' || 'b'), ('3', 'x'::varchar)"
    )


SELECTED = [
    ("insert into t select 'a', 'b' as c, 'd' e, f('g'), 'h' || 'i' from u", [(0, "a"), (1, "b"), (2, "d")]),
    (
        "insert into t (x, y) with w as (select 'a') select 1, 'b' from w union all (select 2, 'c')",
        [(1, "b"), (1, "c")],
    ),
    ("insert into t (select distinct 'a', (select 'b') from (select 'c') as u)", [(0, "a")]),
    ("insert into t select 'a', u.*, 'b' from u where c in (select 'd')", [(0, "a")]),
]


@pytest.mark.parametrize(("sql", "expected"), SELECTED, ids=[sql for sql, _ in SELECTED])
def test_literals_of_an_insert_from_a_query_are_its_own_items(sql: str, expected: list[tuple[int, str]]) -> None:
    literals = string_literals(sql)

    assert literals is not None
    assert [(position, token.value) for position, token in literals.found] == expected


@pytest.mark.parametrize(
    "sql",
    [
        "insert into t select 1 as a from (select 'a') as b",
        "insert into t values (1)",
        "select 'a'",
        "insert",
        "insert into t default values",
    ],
)
def test_other_statements_have_no_literals_for_columns(sql: str) -> None:
    assert string_literals(sql) is None


def test_a_pivot_groups_by_the_columns_it_does_not_name() -> None:
    sql = "select * from (select p, q, n from t) pivot (sum(n) as s for p in ('x' as one, null)) where q = 1"
    turned = first_turned(sql)

    assert turned is not None
    assert turned.probe == " SELECT * FROM (select p, q, n from t)"
    assert without_turned(sql, turned, ["p", "q", "n"]) == (
        'select * from (SELECT "q", sum(CASE WHEN "p" = \'x\' THEN n END) AS "one_s", '
        'sum(CASE WHEN "p" IS NULL THEN n END) AS "null_s" FROM (select p, q, n from t) GROUP BY "q") AS rs_turned where q = 1'
    )
    assert outline(sql) == "select * from (select p, q, n from t)  where q = 1"


def test_an_unpivot_is_a_union_over_its_columns() -> None:
    sql = "select * from t unpivot include nulls (v for k in (a, b as bee)) as u"
    turned = first_turned(sql)

    assert turned is not None
    assert without_turned(sql, turned, ["id", "a", "b"]) == (
        'select * from (SELECT "id", \'a\'::varchar AS "k", "a" AS "v" FROM t UNION ALL '
        'SELECT "id", \'bee\'::varchar AS "k", "b" AS "v" FROM t) as u'
    )


@pytest.mark.parametrize(
    "sql",
    [
        "select * from t join u on true pivot (count(*) for p in (1))",
        "select * from t pivot (median(n) for p in (1))",
        "select * from t pivot (count(*) for p in (f(1)))",
        "select * from t pivot (count(*) + 1 for p in (1))",
    ],
)
def test_a_pivot_that_redshift_does_not_take_is_refused(sql: str) -> None:
    def turn() -> None:
        turned = first_turned(sql)
        assert turned is not None
        without_turned(sql, turned, ["p", "n"])

    with pytest.raises(SqlError):
        turn()


@pytest.mark.parametrize(
    "sql", ["select pivot from t", "select 'pivot (' from t", "select a as pivot from t", "select t.pivot from t"]
)
def test_a_word_is_no_pivot(sql: str) -> None:
    assert first_turned(sql) is None
