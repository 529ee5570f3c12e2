from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.queries.dialect import translate
from localshift.sql.scan import MAX_NESTING

BUILTINS = frozenset({"string_agg", "array_agg", "lower", "count"})

TRANSLATIONS = [
    ("select a, b from t where c = $1", "select a, b from t where c = $1"),
    ("select datediff(day, a, b)", "select rs.date_diff('day', a, b)"),
    ("select dateadd('hour', 1, a)", "select rs.date_add('hour', 1, a)"),
    ("select dateadd(day, 1, '2024-01-01')", "select rs.date_add('day', 1, '2024-01-01'::timestamp)"),
    ("select dateadd(hour, 1, '10:00')", "select rs.date_add('hour', 1, '10:00')"),
    ("select extract(epoch from a)", "select rs.date_part('epoch', a)"),
    ("select nvl(a, len(b))", "select coalesce(a, len(b))"),
    ("select nvl2(a, 1, 2)", "select CASE WHEN (a) IS NOT NULL THEN 1 ELSE 2 END"),
    ("select decode(a, 1, 'x')", "select CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN 'x' END"),
    (
        "select listagg(a, ',') within group (order by b desc)",
        "select rs.listagg(string_agg((a)::text, ',' order by b desc))",
    ),
    ("select listagg(a)", "select rs.listagg(string_agg((a)::text, ''))"),
    ("select top 5 a from t order by a", "select a from t order by a LIMIT 5"),
    ("insert into t (select top 2 a from u)", "insert into t (select a from u LIMIT 2)"),
    ("select a from t minus (select b from u)", "select a from t EXCEPT (select b from u)"),
    ("select sysdate, getdate()", 'select rs."timestamp"(), getdate()'),
    ('select "avg"(a), t.avg from t', "select rs.avg(a), t.avg from t"),
    ("select a # 3 from t", "select a # 3 from t"),
    (
        "select a::decimal, a::char, a::char(3), a::character varying",
        "select a::numeric(18, 0), a::bpchar, a::char(3), a::character varying",
    ),
    ("select convert(decimal(5, 1), a)", "select CAST(a AS decimal (5, 1))"),
    ("select '5'::super, cast('5' as super)", "select to_jsonb('5'::text), cast(to_jsonb('5'::text) as jsonb)"),
    ("select d.a.b from t d", 'select nullif("d"."a" #> \'{"b"}\', \'null\'::jsonb) AS "b" from t d'),
    (
        "select x::int from t, t.a as x",
        'select "x"::int from t, LATERAL (SELECT item AS "x" FROM rs.elements("t"."a")) AS rs_e7',
    ),
    ('select "Foo" from #Stg', 'select "foo" from "#stg"'),
    ("select a::super", "select a::jsonb"),
    ("insert into avg (a) values (1)", "insert into avg (a) values (1)"),
    ("with concat (a) as (select 1) select a from concat", "with concat (a) as (select 1) select a from concat"),
    ("select 'a' 'b', 'c'\n'd'", "select 'a' 'b', 'c'\n'd'"),
    ("select t.filter, t.values from t", "select t.filter, t.values from t"),
    ("select ratio_to_report(a) over (partition by b)", "select rs.ratio_to_report(a, sum(a) OVER (partition by b))"),
    ("select 'a' /* ; string_agg( */ from t", "select 'a' from t"),
]


@pytest.mark.parametrize(("sql", "expected"), TRANSLATIONS, ids=[sql for sql, _ in TRANSLATIONS])
def test_redshift_becomes_postgresql(sql: str, expected: str) -> None:
    assert translate(sql, builtins=BUILTINS).sql == expected


@pytest.mark.parametrize(
    "sql",
    [
        "select string_agg(a) from t",
        'select "string_agg"(a) from t',
        "select pg_catalog.string_agg(a) from t",
        "select lower(string_agg(a)) from t",
        "select (select array_agg(a) from t)",
    ],
)
def test_functions_that_only_postgresql_has_are_refused_wherever_they_stand(sql: str) -> None:
    with pytest.raises(SqlError, match="does not exist"):
        translate(sql, builtins=BUILTINS)


@pytest.mark.parametrize(
    ("sql", "relations"),
    [
        ("select 1", ()),
        ("select * from a.b join c on true", ("a.b", "c")),
        ("select * from a, b c, d where e in (select f from g)", ("a", "b", "d", "g")),
        ("select extract(day from x), substring(y from 1), trim(both from z)", ()),
        ("with q as (select 1 from t) select * from q", ("t",)),
        ("delete from a using b where 1 = 1", ("a", "b")),
        ('insert into "A"."B" select * from c', ("a.b", "c")),
    ],
)
def test_the_tables_of_a_statement_are_found(sql: str, relations: tuple[str, ...]) -> None:
    assert translate(sql).relations == relations


def test_a_query_of_system_tables_alone_may_use_what_the_leader_node_has() -> None:
    seen = translate("select array_agg(relname) from pg_catalog.pg_class", builtins=BUILTINS)

    assert seen.system
    with pytest.raises(SqlError):
        translate("select array_agg(relname) from pg_catalog.pg_class, t", builtins=BUILTINS)


@pytest.mark.parametrize("sql", ["select (", "select )", "select ((1)"])
def test_parentheses_that_do_not_match_are_a_syntax_error(sql: str) -> None:
    with pytest.raises(SqlError, match="syntax error"):
        translate(sql)


def test_nesting_is_limited_below_what_the_interpreter_bears() -> None:
    deep = MAX_NESTING - 1
    assert translate("select " + "coalesce(" * deep + "1" + ")" * deep).sql.count("coalesce") == deep

    with pytest.raises(SqlError, match="nests parentheses"):
        translate("select " + "(" * 5000 + "1" + ")" * 5000)
