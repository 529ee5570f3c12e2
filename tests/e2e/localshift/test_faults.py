"""Faults on request that need S3: COPY meets them as it would meet the real ones."""

from __future__ import annotations

import contextlib
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
