"""What a user without rights may not do, and what he is told: through the driver, as that user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import redshift_connector

from e2e.localshift.connecting import psql
from localshift import Localshift

pytestmark = pytest.mark.e2e


@pytest.fixture
def schema(db: Any) -> str:
    """The schema of this test, with a table of one row, which `reader` may enter."""
    name: str = db.rows("select current_schema()")[0][0]
    db.execute("create table t (a int)")
    db.execute("insert into t values (1)")
    db.execute(f"grant usage on schema {name} to reader")
    db.commit()
    db.connection.autocommit = True
    return name


@pytest.fixture
def reader(connect: Callable[..., Any], schema: str) -> Callable[[str], Any]:
    """Return what runs a statement as `reader` and returns its rows, or the error's message."""
    connection = connect(user="reader", password="Reader1")
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(f"set search_path to {schema}")

    def run(sql: str) -> Any:
        try:
            cursor.execute(sql)
        except redshift_connector.Error as exc:
            return exc.args[0]["M"]
        return [list(row) for row in cursor.fetchall()] if cursor.description else []

    return run


def test_a_late_binding_view_needs_select_on_itself_and_nothing_below(db: Any, schema: str, reader: Any) -> None:
    db.execute(f"create view v as select a from {schema}.t with no schema binding")
    refused = reader("select * from v")
    db.execute("grant select on v to reader")

    assert refused == "permission denied for relation v"
    assert reader("select * from v") == [[1]]
    assert reader(f"select x.a + 1, (select count(*) from v) from {schema}.v as x where a = 1") == [[2, 1]]
    assert reader("select * from t") == "permission denied for relation t"
    db.execute("grant select on t to reader")
    assert reader("select * from v") == [[1]]


def test_a_late_binding_view_reads_with_the_rights_of_its_owner_whoever_asks(
    db: Any, schema: str, reader: Any, connect: Any
) -> None:
    other = connect(user="reader", password="Reader1")
    other.autocommit = True
    db.execute(f"grant create on schema {schema} to reader")
    db.execute(f"create schema {schema}_below")
    db.execute(f"create table {schema}_below.u as select 5::int as b, 'x'::varchar(9) as c, 1.50::decimal(5,2) as d")
    reader(f"create view theirs as select * from {schema}_below.u with no schema binding")
    as_owner = reader("select * from theirs")
    as_superuser = db.refusal("select * from theirs")["M"]
    db.execute(f"grant usage on schema {schema}_below to reader")
    in_schema = reader("select * from theirs")
    db.execute("alter table theirs owner to admin")
    db.execute("grant select on theirs to reader")
    db.execute(f"revoke usage on schema {schema}_below from reader")

    assert as_owner == as_superuser == f"permission denied for schema {schema}_below"
    assert in_schema == "permission denied for relation u"
    assert reader("select c, b, d from theirs") == [["x", 5, Decimal("1.50")]]
    assert reader(f"select * from {schema}_below.u") == f"permission denied for schema {schema}_below"
    db.execute(f"drop schema {schema}_below cascade")
    assert "does not exist" in reader("select * from theirs")


def test_late_binding_views_on_one_another_and_bound_at_each_use(db: Any, schema: str, reader: Any) -> None:
    db.execute(f"create view one as select a, current_user as who from {schema}.t with no schema binding")
    db.execute(f"create view two as select * from {schema}.one with no schema binding")
    db.execute("grant select on two to reader")
    before = reader("select * from two")
    db.execute("begin")
    db.execute("alter table t rename to t_old")
    db.execute("create table t (a varchar(3))")
    db.execute("insert into t values ('new')")
    within = db.rows("select a from two")
    db.execute("commit")

    assert before == [[1, "reader"]]
    assert within == [["new"]]
    # The driver's statement was prepared for other columns.
    assert reader("select * from two") == "cached plan must not change result type"
    assert reader("select a, who from two") == [["new", "reader"]]
    assert reader("select * from one") == "permission denied for relation one"
    db.execute(f"create or replace view one as select a from {schema}.two with no schema binding")
    assert "more than" in reader("select 1 from two")


def test_a_late_binding_view_is_read_in_a_read_only_transaction_and_prepared(
    db: Any, schema: str, reader: Any, connect: Any
) -> None:
    db.execute(f"create view v as select a from {schema}.t with no schema binding")
    db.execute("grant select on v to reader")
    reader("begin read only")
    within = reader("select a from v")
    reader("commit")
    link = connect(user="reader", password="Reader1")
    with link.cursor() as cursor:
        cursor.execute(f"select a from {schema}.v where a > %s", (0,))
        bound = [list(row) for row in cursor.fetchall()]

    assert within == bound == [[1]]


def test_the_function_of_a_late_binding_view_takes_the_front_s_queries_only(
    db: Any, schema: str, server: Localshift
) -> None:
    db.execute(f"create view v as select a from {schema}.t with no schema binding")
    (number,) = db.rows("select 'v'::regclass::oid::int")[0]

    with pytest.raises(AssertionError, match="permission denied for relation"):
        psql(server, f"select * from rs.late_{number}('select 1', 'forged') as late (a int)")


def test_a_bound_view_reads_with_the_rights_of_its_owner(db: Any, reader: Any) -> None:
    db.execute("create view v as select a from t")
    db.execute("grant select on v to reader")

    assert reader("select * from v") == [[1]]
    assert reader("select * from t") == "permission denied for relation t"


def test_rights_come_by_groups_and_by_roles_of_roles(db: Any, schema: str, reader: Any) -> None:
    group, role, above = (f"{schema}_{word}" for word in ("group", "role", "above"))
    db.execute(f"create group {group} with user reader")
    db.execute(f"create role {role}")
    db.execute(f"create role {above}")
    db.execute(f"grant select on t to group {group}")
    by_group = reader("select a from t")
    db.execute(f"revoke select on t from group {group}")
    db.execute(f"grant insert on t to role {role}")
    db.execute(f"grant role {role} to role {above}")
    without = reader("insert into t values (2)")
    db.execute(f"grant role {above} to reader")
    by_role = reader("insert into t values (2)")

    assert (by_group, without, by_role) == ([[1]], "permission denied for relation t", [])
    assert db.rows("select count(*) from t") == [[2]]


@pytest.mark.parametrize("sql", ["drop table t", "alter table t add column b int", "alter table t rename to u"])
def test_only_the_owner_changes_a_table(sql: str, reader: Any) -> None:
    assert reader(sql) == "must be owner of relation t"


def test_who_may_only_insert_inserts(db: Any, reader: Any) -> None:
    db.execute("grant insert on t to reader")

    assert reader("insert into t values (2)") == []
    assert reader("delete from t") == "permission denied for relation t"
    assert db.rows("select a from t order by a") == [[1], [2]]


def test_who_may_only_insert_waits_for_other_writers_before_his_snapshot(
    db: Any, schema: str, reader: Callable[[str], Any], connect: Callable[..., Any]
) -> None:
    db.execute("grant select, insert on t to reader")
    db.execute("begin")
    db.execute("insert into t values (2)")
    waiting = threading.Thread(target=reader, args=("insert into t select max(a) + 1 from t",))
    waiting.start()
    waiting.join(0.2)
    held_up = waiting.is_alive()
    db.execute("commit")
    waiting.join()

    assert held_up
    assert db.rows("select a from t order by a") == [[1], [2], [3]]
    assert db.rows(
        f"select privilege_type from svv_relation_privileges where namespace_name = '{schema}' and identity_name = 'reader' order by 1"
    ) == [["INSERT"], ["SELECT"]]
    db.execute("revoke insert on t from reader")
    assert reader("insert into t values (9)") == "permission denied for relation t"
