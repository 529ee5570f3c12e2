"""What a user without rights may not do, and what he is told: through the driver, as that user."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redshift_connector

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


def test_a_late_binding_view_needs_select_on_itself(db: Any, schema: str, reader: Any) -> None:
    db.execute(f"create view v as select a from {schema}.t with no schema binding")
    db.execute("grant select on t to reader")
    refused = reader("select * from v")
    db.execute("grant select on v to reader")

    assert refused == "permission denied for relation v"
    assert reader("select * from v") == [[1]]
    assert reader(f"select * from {schema}.v") == [[1]]


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
