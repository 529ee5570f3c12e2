"""A server that is killed in the middle of a COPY, and many clients that write at once."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redshift_connector

from localshift import Localshift

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::123456789012:role/copy"
CLIENTS = 50


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


def test_a_server_killed_in_the_middle_of_a_copy_starts_again_with_what_was_committed(
    tmp_path: Path, stage: Any, s3_server: Any
) -> None:
    # Quotes within quotes go the slow way, so that there is time for the kill.
    url = stage.put("big", b"".join(b'%d,"""%040d"""\n' % (i, i) for i in range(300_000)))
    small = stage.put("small", b"1,x\n2,y\n")
    arguments: dict[str, Any] = {
        "data_dir": tmp_path / "d", "s3_endpoint": s3_server[1], "iam_roles": {ROLE: [f"s3://{stage.bucket}/in/"]}
    }  # fmt: skip
    with Localshift(**arguments) as server:
        one, two = (redshift_connector.connect(**server.connect_args) for _ in range(2))
        one.autocommit = two.autocommit = True
        watch = two.cursor()
        watch.execute("create table t (a int, b varchar(99))")
        watch.execute(f"copy t from '{small}' iam_role '{ROLE}' csv")

        def load() -> None:
            with contextlib.suppress(redshift_connector.Error, redshift_connector.InterfaceError, OSError):
                one.cursor().execute(f"copy t from '{url}' iam_role '{ROLE}' csv")

        def under_way() -> bool:
            watch.execute("select 1 from pg_catalog.pg_stat_progress_copy where tuples_processed > 0")
            return bool(watch.fetchall())

        loading = threading.Thread(target=load)
        loading.start()
        wait_until(under_way)
        os.kill(server.pid, signal.SIGKILL)
        loading.join()
        for connection in (one, two):
            with contextlib.suppress(redshift_connector.InterfaceError, OSError):
                connection.close()

    with Localshift(**arguments) as server, redshift_connector.connect(**server.connect_args) as link:
        cursor = link.cursor()
        cursor.execute("select a, b from t order by a")
        rows = [list(row) for row in cursor.fetchall()]
        left = list((tmp_path / "d" / "scratch").iterdir())
        cursor.execute(f"copy t from '{small}' iam_role '{ROLE}' csv")
        cursor.execute("select count(*) from t")

        assert rows == [[1, "x"], [2, "y"]]
        assert left == []
        assert cursor.fetchone()[0] == 4


def test_fifty_clients_load_and_write_one_table_at_once(db: Any, connect: Any, stage: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table loaded (a int, b varchar(9))")
    db.execute("create table counted (n int)")
    db.execute("insert into counted values (0)")
    db.commit()
    url = stage.put("data", b"1,x\n2,y\n")
    connections = [connect() for _ in range(CLIENTS)]
    errors: list[Any] = []

    def work(connection: Any) -> None:
        connection.autocommit = True
        cursor = connection.cursor()
        try:
            cursor.execute(f"copy {schema}.loaded from '{url}' iam_role '{ROLE}' csv")
            # Each of them sees what the one before has written.
            cursor.execute(f"update {schema}.counted set n = n + 1")
        except redshift_connector.Error as exc:
            errors.append(exc.args[0])

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert db.rows("select (select count(*) from loaded), (select n from counted)") == [[2 * CLIENTS, CLIENTS]]


def test_error_1023_names_the_table_the_transactions_and_the_process(db: Any, connect: Any) -> None:
    db.execute("create table t (a int, b int)")
    db.execute("insert into t values (1, 0)")
    db.commit()
    schema, number = db.rows("select current_schema(), 't'::regclass::oid::int")[0]
    loser = connect()
    cursor = loser.cursor()
    cursor.execute(f"select b from {schema}.t")
    cursor.execute("select pg_backend_pid()")
    (pid,) = cursor.fetchone()
    db.execute("update t set b = 1")
    db.commit()
    with pytest.raises(redshift_connector.ProgrammingError) as caught:
        cursor.execute(f"update {schema}.t set b = 2")
    loser.rollback()
    find = "select max(transaction_id) from sys_query_history where query_text like %s"
    ours, theirs = (db.rows(find, f"update %t set b = {value}%")[0][0] for value in (1, 2))

    violation = f"Serializable isolation violation on table - {number}, transactions forming the cycle are: {ours}, {theirs} (pid:{pid})"
    assert caught.value.args[0]["M"] == f"1023 DETAIL:  {violation}"
