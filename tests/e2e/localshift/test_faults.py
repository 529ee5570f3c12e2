"""Faults on request that need S3: COPY meets them as it would meet the real ones."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
import redshift_connector

from e2e.localshift.conftest import ROLE, Stage

pytestmark = pytest.mark.e2e


def test_s3_that_fails_for_long_fails_the_copy_and_nothing_is_left(db: Any, stage: Stage) -> None:
    db.execute("create table t (a int)")
    db.commit()
    stage.parquet("x", pa.table({"a": pa.array([1], pa.int32())}))
    copy = f"copy t from 's3://staging/{stage.prefix}' iam_role '{ROLE}' format parquet"
    db.execute("select localshift_fault('s3', '40')")

    refusal = db.refusal(copy)
    db.execute("select localshift_fault('off')")

    assert refusal["C"] == "XX000"
    assert db.rows("select count(*) from t") == [[0]]
    db.execute(copy)
    assert db.rows("select count(*) from t") == [[1]]


def test_a_connection_dropped_during_a_copy_leaves_nothing(db: Any, stage: Stage, server: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (a int)")
    db.commit()
    stage.parquet("x", pa.table({"a": pa.array([1], pa.int32())}))
    victim = redshift_connector.connect(**server.connect_args)
    with victim.cursor() as cursor:
        cursor.execute("select localshift_fault('drop', 'COPY', 'during')")
        with pytest.raises((redshift_connector.InterfaceError, redshift_connector.Error, OSError)):
            cursor.execute(f"copy {schema}.t from 's3://staging/{stage.prefix}' iam_role '{ROLE}' format parquet")
    with contextlib.suppress(redshift_connector.InterfaceError, OSError):
        victim.close()

    assert db.rows("select count(*) from t") == [[0]]


def test_only_the_superuser_orders_faults_and_only_known_ones(db: Any, connect: Callable[..., Any]) -> None:
    reader = connect(user="reader", password="Reader1")
    with reader.cursor() as cursor, pytest.raises(redshift_connector.ProgrammingError, match="must be superuser"):
        cursor.execute("select localshift_fault('off')")

    assert db.refusal("select localshift_fault('fire')")["C"] == "22023"


@pytest.mark.parametrize(
    ("word", "moment", "left"),
    [
        ("INSERT", "before", 0), ("INSERT", "during", 1), ("INSERT", "after", 1),
        ("COPY", "before", 0), ("COPY", "after", 1),
        ("COMMIT", "before", 0), ("COMMIT", "during", 1), ("COMMIT", "after", 1),
    ],
)  # fmt: skip
def test_a_connection_is_dropped_before_during_or_after_a_statement(
    word: str, moment: str, left: int, db: Any, stage: Stage, server: Any
) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (a int)")
    db.commit()
    url = stage.put("data", b"1\n")
    load = f"copy {schema}.t from '{url}' iam_role '{ROLE}'" if word == "COPY" else f"insert into {schema}.t values (1)"
    victim = redshift_connector.connect(**server.connect_args)
    victim.autocommit = word != "COMMIT"
    with victim.cursor() as cursor:
        cursor.execute(f"select localshift_fault('drop', '{word}', '{moment}')")

        def act() -> None:
            cursor.execute(load)
            victim.commit()

        with pytest.raises((redshift_connector.InterfaceError, redshift_connector.Error, OSError)):
            act()
    with contextlib.suppress(redshift_connector.InterfaceError, OSError):
        victim.close()

    assert db.rows("select count(*) from t") == [[left]]


def test_an_order_counts_each_time_it_is_given(db: Any) -> None:
    db.connection.autocommit = True
    db.execute("create table t (a int)")
    refused = []
    for number in (2, 2, 1):
        # The driver prepares a statement once and runs it again.
        db.execute(f"select localshift_fault('conflict', '{number}')")
        for _ in range(number):
            db.execute("begin")
            db.execute("insert into t values (1)")
            try:
                db.execute("commit")
            except redshift_connector.ProgrammingError as exc:
                refused.append(exc.args[0]["C"])

    assert refused == ["40001"] * 3
    assert db.rows("select count(*) from t") == [[2]]


def test_a_statement_is_slowed(db: Any) -> None:
    db.execute("select localshift_fault('slow', 'ANALYZE', '30')")
    db.execute("select localshift_fault('slow', 'UTILITY', '0.3')")
    began = time.monotonic()

    db.execute("analyze")

    seconds = time.monotonic() - began
    db.execute("select localshift_fault('off')")
    assert 0.3 <= seconds < 30
