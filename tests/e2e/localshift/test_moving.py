"""COPY of text and UNLOAD when something happens in their midst, and who may run them."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import redshift_connector

from localshift import Localshift

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::123456789012:role/copy"
LONG = "select a.oid::bigint as a, repeat(''x'', 200) as b from pg_class a, pg_class b, (select 1 from pg_class limit 100) c"


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def in_background(connection: Any, sql: str) -> tuple[threading.Thread, list[Any]]:
    connection.autocommit = True
    cursor = connection.cursor()
    errors: list[Any] = []

    def run() -> None:
        try:
            cursor.execute(sql)
        except (redshift_connector.Error, redshift_connector.InterfaceError, OSError) as exc:
            errors.append(exc.args[0] if exc.args else exc)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors


def test_a_client_that_dies_in_the_middle_of_a_text_copy_leaves_nothing(db: Any, connect: Any, stage: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (id int, v varchar(100))")
    db.commit()
    # A quote keeps a row from going to PostgreSQL as it stands, so that there is time to die.
    url = stage.put("big", b"".join(b'%d|%040d"\n' % (i, i) for i in range(400_000)))
    connection = connect()
    running, _ = in_background(connection, f"copy {schema}.t from '{url}' iam_role '{ROLE}' delimiter '|'")
    db.connection.autocommit = True
    wait_until(lambda: bool(db.rows("select 1 from pg_catalog.pg_stat_progress_copy where tuples_processed > 0")))

    connection._usock.shutdown(socket.SHUT_RDWR)
    running.join()

    wait_until(
        lambda: bool(db.rows("select 1 from sys_load_history where data_source = %s and status = 'aborted'", url))
    )
    assert db.rows("select count(*) from t") == [[0]]


def test_an_unload_can_be_cancelled_and_the_session_goes_on(
    db: Any, connect: Any, server: Localshift, stage: Any
) -> None:
    connection = connect()
    db.connection.autocommit = True
    target = f"s3://staging/{stage.prefix}cut/"
    running, errors = in_background(connection, f"unload ('{LONG}') to '{target}' iam_role '{ROLE}' csv")
    packet = struct.pack("!II", 16, 80877102) + connection._backend_key_data
    # Before it moves rows it would be the preparation that is cancelled.
    wait_until(lambda: bool(db.rows("select 1 from pg_catalog.pg_stat_progress_copy where tuples_processed > 0")))

    def cancelled() -> bool:
        with socket.create_connection((server.host, server.port)) as link:
            link.sendall(packet)
        running.join(0.2)
        return not running.is_alive()

    wait_until(cancelled)

    cursor = connection.cursor()
    assert [error["C"] for error in errors] == ["57014"]
    cursor.execute("select status from sys_unload_history where unloaded_location = %s", (target,))
    assert [list(row) for row in cursor.fetchall()] == [["aborted"]]


def test_a_client_that_dies_in_the_middle_of_an_unload_ends_its_query(db: Any, connect: Any, stage: Any) -> None:
    connection = connect()
    running, _ = in_background(
        connection, f"unload ('{LONG}') to 's3://staging/{stage.prefix}cut/' iam_role '{ROLE}' csv"
    )
    db.connection.autocommit = True
    wait_until(lambda: bool(db.rows("select 1 from pg_catalog.pg_stat_progress_copy where tuples_processed > 0")))

    with contextlib.suppress(OSError):
        connection._usock.shutdown(socket.SHUT_RDWR)
    running.join()

    wait_until(lambda: not db.rows("select 1 from pg_catalog.pg_stat_progress_copy"))
    assert db.rows("select 1") == [[1]]


def test_copy_needs_insert_and_unload_select(db: Any, connect: Any, stage: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (a super)")
    db.execute("insert into t select json_parse('[1]')")
    db.execute(f"grant usage on schema {schema} to reader")
    db.commit()
    url = stage.put("data", b"1\n")
    connection = connect(user="reader", password="Reader1")
    connection.autocommit = True
    cursor = connection.cursor()
    unload = f"unload ('select a from {schema}.t') to 's3://staging/{stage.prefix}out' iam_role '{ROLE}' csv"

    with pytest.raises(Exception, match="permission denied"):
        cursor.execute(f"copy {schema}.t from '{url}' iam_role '{ROLE}'")
    with pytest.raises(Exception, match="permission denied"):
        cursor.execute(unload)
    db.execute("grant select on t to reader")
    db.commit()
    cursor.execute(unload)

    cursor.execute("select pg_last_unload_count()")
    assert list(cursor.fetchone()) == [1]
