"""Queries that loaders and their checks send: Redshift's answers, and its refusals of what PostgreSQL would take."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import redshift_connector

from e2e.localshift.connecting import arguments
from localshift import Localshift

pytestmark = pytest.mark.e2e

ANSWERS: list[tuple[str, Any]] = [
    ("select datediff(day, timestamp '2024-01-01 23:00', timestamp '2024-01-02 01:00')", 1),
    ("select datediff(month, date '2024-01-31', date '2024-02-01')", 1),
    ("select datediff(year, '2023-12-31'::date, '2024-01-01'::date)", 1),
    ("select datediff('hour', '2024-01-01 00:59:59'::timestamp, '2024-01-01 01:00:00'::timestamp)", 1),
    ("select datediff(week, date '2024-01-06', date '2024-01-07')", 1),
    ("select datediff(week, date '2024-01-07', date '2024-01-08')", 0),
    ("select datediff(qtr, date '2024-03-31', date '2024-04-01')", 1),
    ("select datediff(day, date '2024-01-02', date '2024-01-01')", -1),
    ("select datediff(s, '1969-12-31 23:59:59.9'::timestamp, '1970-01-01 00:00:00'::timestamp)", 1),
    ("select datediff(microsecond, '2024-01-01'::date, '2024-01-01 00:00:00.000007'::timestamp)", 7),
    ("select dateadd(month, 1, date '2024-01-31')", dt.datetime(2024, 2, 29)),
    ("select dateadd('day', -1, '2024-03-01 10:00'::timestamp)", dt.datetime(2024, 2, 29, 10)),
    ("select date_trunc('month', date '2024-02-29')", dt.datetime(2024, 2, 1)),
    ("select date_part(dow, date '2024-01-07')", 0.0),
    ("select extract(epoch from timestamp '1970-01-02 00:00:00.9')", 86400),
    ("select extract(year from date '2024-02-29')", 2024),
    ("select trunc(timestamp '2024-02-29 12:00')", dt.date(2024, 2, 29)),
    ("select last_day(date '2024-02-01')", dt.date(2024, 2, 29)),
    ("select add_months(date '2024-02-29', 1)", dt.datetime(2024, 3, 31)),
    ("select convert_timezone('America/New_York', timestamp '2024-01-01 12:00')", dt.datetime(2024, 1, 1, 7)),
    ("select getdate() between sysdate - interval '1 minute' and sysdate + interval '1 minute'", True),
    ("select md5('a')", "0cc175b9c0f1b6a831c399e269772661"),
    ("select strtol(left(md5('a'), 8), 16)", 0x0CC175B9),
    ("select strtol('-zz', 36)", -1295),
    ("select sha2('a', 256)", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
    (
        "select sum(cast(strtol(left(md5(v), 15), 16) as decimal(38,0))) from data",
        sum(Decimal(int(hashlib.md5(v, usedforsecurity=False).hexdigest()[:15], 16)) for v in (b"a", b"a", b"b", b"c")),
    ),
    ("select nvl(null, 2)", 2),
    ("select nvl2(null, 1, 2)", 2),
    ("select decode(2, 1, 'a', 2, 'b', 'c')", "b"),
    ("select decode(null, null, 'same', 'other')", "same"),
    ("select coalesce(null, 'x')", "x"),
    ("select concat('a', null)", None),
    ("select len('äb'), octet_length('äb')", [2, 3]),
    ("select charindex('b', 'abc')", 2),
    ("select right('abc', 2) || left('abc', 1)", "bca"),
    ("select to_char(timestamp '2024-02-29 12:00', 'YYYY-MM-DD')", "2024-02-29"),
    ("select regexp_replace('a1b2', '[0-9]')", "ab"),
    ("select regexp_replace('a1b2', '[0-9]', 'x')", "axbx"),
    ("select regexp_substr('abc', 'z')", ""),
    ("select 'a\\\\b'", "a\\b"),
    ("select avg(n) from data", 2),
    ("select avg(n::decimal(10,2)) > 2 from data", True),
    ("select sum(n) / count(*) from data", 2),
    ("select listagg(v, ',') within group (order by n desc) from data", "c,b,a,a"),
    ("select listagg(distinct v, ',') within group (order by v) from data", "a,b,c"),
    ("select listagg(distinct n, '-') within group (order by n) from data", "1-2-3-5"),
    ("select listagg(n) within group (order by n) from data", "1235"),
    ("select top 1 n from data order by n desc", 5),
    ("select count(*) from (select top 2 n from data order by n) x", 2),
    ("select approximate count(distinct v) from data", 3),
    ("select count(*) from (select n from data minus select 5) x", 3),
    ("select json_extract_path_text('{\"a\":{\"b\":\"c\"}}', 'a', 'b')", "c"),
    ("select json_serialize(json_parse('{\"a\": [1, 2]}'))", '{"a":[1,2]}'),
    ("select is_valid_json('{\"a\":1}')", True),
    ("select is_valid_json('[1]')", False),
    ('select "N" from data order by "N" limit 1', 1),
    ("select version() like '%8.0.2%'", True),
]


@pytest.fixture
def data(db: Any) -> Any:
    db.execute("create table data (n int, v varchar(10))")
    db.execute("insert into data values (1, 'a'), (2, 'a'), (3, 'b'), (5, 'c')")
    db.commit()
    return db


@pytest.mark.parametrize(("sql", "expected"), ANSWERS, ids=[sql for sql, _ in ANSWERS])
def test_redshift_answers(sql: str, expected: Any, data: Any) -> None:
    (row,) = data.rows(sql.replace("%", "%%"))

    assert row == expected if isinstance(expected, list) else row == [expected]


REFUSALS: list[tuple[str, str]] = [
    ("select string_agg(v, ',') from data", "function string_agg\\(\\) does not exist"),
    ("select array_agg(v) from data", "function array_agg\\(\\) does not exist"),
    ("select json_agg(v) from data", "function json_agg\\(\\) does not exist"),
    ("select distinct on (v) v, n from data", 'at or near "distinct"'),
    ("insert into data values (1, 'x') returning n", 'at or near "returning"'),
    ("insert into data values (1, 'x') on conflict do nothing", 'at or near "on"'),
    ("select count(*) filter (where n > 1) from data", 'at or near "filter"'),
    ("select * from data, lateral (select 1) x", 'at or near "lateral"'),
    ("select * from (values (1)) x (a)", 'at or near "values"'),
    ("select array[1,2]", "arrays"),
    ("select '{}'::jsonb", 'type "jsonb" does not exist'),
    ("select cast('{}' as json)", 'type "json" does not exist'),
    ("select 'a'::uuid", 'type "uuid" does not exist'),
    ("select generate_series(1, 3), n from data", "not supported on Redshift tables"),
    ("select now() from data", "not supported on Redshift tables"),
    ("select current_timestamp from data", "not supported on Redshift tables"),
    ("select substr(v, 1, 1) from data", "not supported on Redshift tables"),
    ("select gen_random_uuid()", "does not exist"),
    ("select pg_read_file('postgresql.conf')", "does not exist"),
    ("select * from data d join data e on true pivot (count(n) for v in ('a'))", "PIVOT of a join is not supported"),
    ("select no_such_function(1)", "function no_such_function\\(.*\\) does not exist"),
    ("merge into data d using data s on d.n = s.n when matched then delete when not matched then insert values (1, 'a')",
     "syntax error"),
    ("merge into data using (select 1 as n) s on data.n = s.n when matched then delete when not matched then insert values (1)",
     "source must be a table"),
    ("savepoint a", 'at or near "savepoint"'),
    ("do $$ begin end $$", 'at or near "do"'),
    ("create index i on data (n)", "CREATE INDEX is not supported"),
    ("create function f() returns int as 'select 1' language sql", "CREATE FUNCTION is not supported"),
    ("create extension pageinspect", "CREATE EXTENSION is not supported"),
    ("alter system set work_mem = '1MB'", "ALTER SYSTEM is not supported"),
    ("set work_mem to '1MB'", "unrecognized configuration parameter"),
    ("set session authorization rdsdb", "permission denied to set session authorization"),
    ("copy data from stdin", "LOAD source is not supported"),
    ("copy data to program 'id'", "syntax error"),
    ("select 1; select 2", "cannot insert multiple commands into a prepared statement"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), REFUSALS, ids=[sql for sql, _ in REFUSALS])
def test_what_redshift_does_not_take_is_refused(sql: str, message: str, data: Any) -> None:
    with pytest.raises(Exception, match=message):
        data.execute(sql)
    data.rollback()


def test_getdate_moves_within_a_transaction_and_sysdate_does_not(db: Any) -> None:
    first = db.rows("select getdate(), sysdate")[0]
    # It has whole seconds.
    time.sleep(1)
    second = db.rows("select getdate(), sysdate")[0]

    assert second[0] > first[0]
    assert second[1] == first[1]


def test_quotients_have_their_scale_in_every_way_a_statement_can_come(server: Localshift) -> None:
    with psycopg.connect(**arguments(server), autocommit=True) as connection:
        connection.execute(
            "create temp table quotients (g int, n decimal(8,2)); insert into quotients values (1, 2), (1, 0), (1, 0)"
        )
        one, answer = "select sum(n) / count(*) from quotients", [(Decimal("0.6666"),)]
        cursor = connection.execute(f"create temp table later as select 2.00 as m; {one}; select m / 3.00 from later")
        cursor.nextset()
        assert cursor.fetchall() == answer
        cursor.nextset()
        assert cursor.fetchall() == answer
        # Where there is a late-binding view, every statement is preceded by a question of the front's own.
        connection.execute("create view late_quotients as select 1 as one with no schema binding")
        with connection.pipeline():
            cursors = [connection.execute(f"{one} where g > %s", (0,), prepare=prepare) for prepare in (False, True)]
            assert [cursor.fetchall() for cursor in cursors] == [answer, answer]
        with connection.transaction():
            assert connection.execute("select sum(n) / %s from quotients", (3,)).fetchall() == answer
            assert connection.execute(one).fetchall() == answer
        connection.execute("drop view late_quotients")


def test_a_quotient_of_nothing_fails_its_transaction_and_its_pipeline_as_any_other_error(server: Localshift) -> None:
    with psycopg.connect(**arguments(server), autocommit=True) as connection:
        connection.execute("create temp table quotients (n decimal(8,2)); insert into quotients values (2)")
        for surroundings in (connection.pipeline(), connection.transaction()):
            with pytest.raises(psycopg.errors.UndefinedColumn, match='column "nowhere" does not exist'):
                _insert_and_divide(connection, surroundings)

            assert connection.execute("select count(*), sum(n) / 3 from quotients").fetchall() == [
                (1, Decimal("0.6666"))
            ]


def _insert_and_divide(connection: psycopg.Connection[Any], surroundings: Any) -> None:
    with surroundings:
        connection.execute("insert into quotients values (5)")
        connection.execute("select nowhere / 3 from quotients")


def test_merge_updates_and_inserts_and_refuses_two_matches(data: Any) -> None:
    data.execute("create temp table src (n int, v varchar(10))")
    data.execute("insert into src values (5, 'new'), (9, 'nine')")
    merge = "merge into data using src on data.n = src.n when matched then update set v = src.v when not matched then insert values (src.n, src.v)"

    data.execute(merge)
    assert data.rows("select n, v from data where n > 3 order by n") == [[5, "new"], [9, "nine"]]
    data.execute("insert into src values (5, 'again')")

    with pytest.raises(Exception, match="Found multiple matches to update the same tuple"):
        data.execute(merge)
    data.rollback()


def test_all_parameter_styles_of_the_driver_bind(data: Any) -> None:
    cursor = data.cursor
    found = []
    for style, sql, values in [
        ("format", "select v from data where n = %s", (3,)),
        ("qmark", "select v from data where n = ?", (3,)),
        ("numeric", "select v from data where n = :1", (3,)),
        ("named", "select v from data where n = :n", {"n": 3}),
        ("pyformat", "select v from data where n = %(n)s", {"n": 3}),
    ]:
        cursor.paramstyle = style
        cursor.execute(sql, values)
        found.append(cursor.fetchall())

    assert [list(rows[0]) for rows in found] == [["b"]] * 5


def test_a_data_frame_comes_back(data: Any) -> None:
    data.execute("select n, v from data order by n")

    frame = data.cursor.fetch_dataframe()

    assert frame["n"].tolist() == [1, 2, 3, 5]
    assert list(frame.columns) == ["n", "v"]


def test_catalogue_lookups_of_loaders_answer(data: Any) -> None:
    schema = data.rows("select current_schema()")[0][0]

    listed = data.rows(
        "select column_name, data_type, character_maximum_length from information_schema.columns"
        " where table_schema = %s and table_name = 'data' order by ordinal_position", schema)  # fmt: skip
    seen = data.rows(
        "select column_name, data_type from svv_all_columns where schema_name = %s order by ordinal_position", schema
    )
    allowed = data.rows("select has_table_privilege('reader', %s, 'select')", f"{schema}.data")
    classes = data.rows(
        "select relname from pg_catalog.pg_class where relname = 'data' and relnamespace = (select oid from pg_namespace where nspname = %s)",
        schema,
    )

    assert listed == [["n", "integer", None], ["v", "character varying", 10]]
    assert seen == [["n", "integer"], ["v", "character varying"]]
    assert allowed == [[False]]
    assert classes == [["data"]]


TEXTS = [
    "", " ", "it's", "a\\b", "\\", "''", '"', "$$", "$1", ":a", "%", "?", "--", "/*", "ä€😀", "\n\t", "getdate()", "; select 1", "::super", "e'x'",
    "select a qualify b", "t.doc.name", "pivot (", "'; drop table data; --",
]  # fmt: skip


def test_a_literal_of_any_form_reads_the_value_that_was_meant(db: Any) -> None:
    quoted = ["'" + text.replace("\\", "\\\\").replace("'", "''") + "'" for text in TEXTS]
    escaped = ["'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'" for text in TEXTS]
    # In dollars the driver itself takes a question mark for a parameter.
    plain = [text for text in TEXTS if text != "?"]
    dollars = [f"$q${text}$q$" for text in plain if "\\" not in text]
    db.cursor.paramstyle = "qmark"

    literals = db.rows(f"select {', '.join([*quoted, *escaped, *dollars])}")
    bound = db.rows(f"select {', '.join('?' for _ in TEXTS)}", *TEXTS)
    named = db.cursor.execute("select 1 as " + '"' + "it's -- /* ä" + '"')

    assert literals == [[*TEXTS, *TEXTS, *(text for text in plain if "\\" not in text)]]
    assert bound == [TEXTS]
    assert named.description[0][0] in ("it's -- /* ä", "it's -- /* ä".encode())


def test_query_id_of_the_last_statement_is_known(db: Any) -> None:
    db.connection.autocommit = True
    db.execute("select 41 + 1")

    found = db.rows("select trim(query_text) from sys_query_history where query_id = pg_last_query_id()")

    assert found == [["select 41 + 1"]]


def test_many_rows_of_literals_arrive_as_few_do(db: Any) -> None:
    db.execute("create table many (a int, b varchar(40), c decimal(8, 2) default 7, d date)")
    db.execute("create table documents (a int, d super)")
    plain = [f"({i}, 'it''s {i}', {i}.255, '2024-01-{i % 28 + 1:02}')" for i in range(1, 200)]
    documents = ["(0, NULL)", *(f"""({i}, '{{"a": {i}}}')""" for i in range(1, 200))]

    db.execute(f"insert into many values {', '.join(plain)}, (200, NULL, DEFAULT, NULL)")
    db.execute(f"insert into documents (a, d) values {', '.join(documents)}")

    assert db.rows("select count(*), sum(a), count(b), sum(c), max(b) from many where a < 200")[0][:3] == [
        199,
        19900,
        199,
    ]
    assert db.rows("select b, c, d from many where a in (7, 200) order by a") == [
        ["it's 7", Decimal("7.26"), dt.date(2024, 1, 8)],
        [None, Decimal("7.00"), None],
    ]
    # A string for a SUPER is a string, in the last row as in the first.
    assert db.rows("select json_typeof(d), count(*) from documents group by 1 order by 2") == [
        [None, 1],
        ["string", 199],
    ]
    with pytest.raises(redshift_connector.Error, match="value too long"):
        db.execute(f"insert into many (b) values {', '.join(['(1)'] * 500)}, ('{'x' * 41}')")
