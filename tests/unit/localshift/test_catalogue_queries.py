"""What catalogue queries of clients become: shapes of system tables, names of the select list, the database's own name."""

from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.queries.dialect import translate
from localshift.queries.lateral import with_aliases
from localshift.sql.databases import without_database
from localshift.sql.grammar import Cursor
from localshift.statements.settings import set_parameter
from localshift.statements.shows import show

COLUMNS = {
    "pg_class": frozenset({"oid", "relname", "relnamespace"}),
    "pg_namespace": frozenset({"oid", "nspname"}),
    "svv_tables": frozenset({"table_schema", "table_name"}),
}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select relname from pg_catalog.pg_class", "select relname from rs.pg_class"),
        ("select c.relname from pg_class c, pg_namespace", "select c.relname from rs.pg_class c, rs.pg_namespace"),
        ("select pg_class.oid from pg_class", "select pg_class.oid from rs.pg_class"),
        ("select 1 from information_schema.columns", "select 1 from rs_info.columns"),
        ("select pg_catalog.format_type(1, 2) from pg_catalog.pg_am", "select rs.format_type(1, 2) from pg_catalog.pg_am"),
        ("select pg_get_viewdef('v')", "select rs.pg_get_viewdef('v')"),
        ("select pg_class from t", "select pg_class from t"),
        ("insert into version (a) select pg_catalog.version()", "insert into version (a) select rs.version()"),
        ("select array(select 1 from pg_class)", "select array(select 1 from rs.pg_class)"),
    ],
)  # fmt: skip
def test_system_tables_are_read_in_redshifts_shape(sql: str, expected: str) -> None:
    assert translate(sql).sql == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select nspname as s from pg_namespace where s = 'x'", "select nspname as s from pg_namespace where (nspname) = 'x'"),
        ("select relname as oid from pg_class where oid = 1", "select relname as oid from pg_class where oid = 1"),
        ("select oid + 1 as a, a * 2 as b from pg_class where b > 1",
         "select oid + 1 as a, (oid + 1) * 2 as b from pg_class where ((oid + 1) * 2) > 1"),
        ("select 1 from pg_class where 1 and oid > 1", "select 1 from pg_class where true and oid > 1"),
        ("select relname as r from pg_class c where c.r = 1", "select relname as r from pg_class c where c.r = 1"),
        ("select relname as r from pg_class, t where r = 'x'", "select relname as r from pg_class, t where r = 'x'"),
        ("select relname as r from pg_class where r = 'a' union select nspname as r from pg_namespace where r = 'b'",
         "select relname as r from pg_class where (relname) = 'a' union select nspname as r from pg_namespace where (nspname) = 'b'"),
        ("select * from (select nspname as s from pg_namespace where s = 'x') where 1",
         "select * from (select nspname as s from pg_namespace where (nspname) = 'x') where true"),
        ("select a as b from t where b = 1", "select a as b from t where b = 1"),
        ("select 'pg_class", "select 'pg_class"),
    ],
)  # fmt: skip
def test_a_name_of_the_select_list_is_used_where_no_column_has_it(sql: str, expected: str) -> None:
    assert with_aliases(sql, COLUMNS) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ('select * from "dev"."s"."t" where "dev"."s"."t"."a" = 1', 'select * from "s"."t" where "s"."t"."a" = 1'),
        ("create table DEV.s.t (a int)", "create table s.t (a int)"),
        ("insert into dev.s.t select dev.a.b from other.a.dev", "insert into s.t select dev.a.b from other.a.dev"),
        ("create schema if not exists dev.s", "create schema if not exists s"),
        ("select 1 from dev.t", "select 1 from dev.t"),
        ("select 'dev.s.t' from dev.s.t -- dev.s.t", "select 'dev.s.t' from s.t -- dev.s.t"),
    ],
)
def test_the_databases_own_name_is_taken_from_before_a_schema(sql: str, expected: str) -> None:
    assert without_database(sql, "dev") == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("set session authorization reader", 'SET SESSION AUTHORIZATION "reader"'),
        (
            "set session characteristics as transaction read only",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        ),
        ("set time zone 'UTC'", "SET time zone 'UTC'"),
        ("set names 'utf8'", "SET names 'utf8'"),
        ("set app.tenant to 'x'", """SET "app"."tenant" TO 'x'"""),
        ("set transaction isolation level serializable", "SELECT WHERE false"),
    ],
)
def test_what_clients_set_is_set(sql: str, expected: str) -> None:
    assert set_parameter(Cursor(sql)).sql == expected


@pytest.mark.parametrize(
    "sql",
    ["set session authorization 'RDSDB'", "set redshift.isolation to 'x'", "set rs.a to 'x'", "set nonsense to 1"],
)
def test_what_is_no_setting_is_refused(sql: str) -> None:
    with pytest.raises(SqlError):
        set_parameter(Cursor(sql))


def test_show_lists_what_lies_below_a_name() -> None:
    listed = show(Cursor("show tables from schema dev.sales like 'o%' limit 5")).sql

    assert listed.endswith(
        "WHERE database_name = 'dev' AND schema_name = 'sales' AND table_name LIKE 'o%' ORDER BY database_name, schema_name, table_name LIMIT 5"
    )
    with pytest.raises(SqlError, match="too many parts"):
        show(Cursor("show schemas from database dev.x"))
    with pytest.raises(SqlError, match="unrecognized"):
        show(Cursor("show nonsense"))
