"""The server itself: start, stop, kill and start again; passwords; clients that misbehave."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import redshift_connector

from localshift import Localshift, StartError

pytestmark = pytest.mark.e2e

LIB = Path(__file__).resolve().parents[3] / "lib"
ROLE = "arn:aws:iam::123456789012:role/copy"


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def postgres_of(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().splitlines()[0])


@contextlib.contextmanager
def raw(server: Localshift) -> Iterator[socket.socket]:
    with socket.create_connection((server.host, server.port), timeout=20) as link:
        yield link


def refused_login(error: type[Exception], arguments: dict[str, Any]) -> dict[str, str]:
    """Return the error's fields; the socket the driver leaves open is collected here, where its warning is expected."""
    with pytest.raises(error) as caught:
        redshift_connector.connect(**arguments)
    fields: dict[str, str] = caught.value.args[0]
    del caught
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return fields


def read_all(link: socket.socket) -> bytes:
    chunks = []
    while chunk := link.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def test_committed_data_outlives_a_kill_under_a_path_with_a_space_and_a_closed_parent(tmp_path: Path) -> None:
    closed = tmp_path / "closed to others"
    closed.mkdir(mode=0o700)
    data = closed / "my data"
    with Localshift(data_dir=data) as server:
        connection = redshift_connector.connect(**server.connect_args)
        cursor = connection.cursor()
        cursor.execute("create table t (a int distkey)")
        cursor.execute("insert into t values (1)")
        connection.commit()
        cursor.execute("insert into t values (2)")
        postgres = postgres_of(data)
        os.kill(server.pid, signal.SIGKILL)
        with contextlib.suppress(redshift_connector.InterfaceError):
            connection.close()
    wait_until(lambda: not is_running(postgres))

    with Localshift(data_dir=data) as server, redshift_connector.connect(**server.connect_args) as connection:
        cursor = connection.cursor()
        cursor.execute("select a from t")
        rows = cursor.fetchall()
        cursor.execute("select distkey from pg_table_def where tablename = 't'")

        assert rows == ([1],)
        assert cursor.fetchall() == ([True],)
    assert not is_running(postgres)


def test_two_servers_cannot_share_a_data_folder(tmp_path: Path) -> None:
    with Localshift(data_dir=tmp_path / "d"), pytest.raises(StartError, match="in use by another localshift"):
        Localshift(data_dir=tmp_path / "d").start()


def test_the_command_prints_one_line_writes_its_ready_file_and_stops_on_sigterm(tmp_path: Path) -> None:
    ready = tmp_path / "ready file.json"
    command = [sys.executable, "-m", "localshift", "--port", "0", "--user", "me=Secret1", "--ready-file", str(ready)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(LIB)})
    wait_until(ready.exists)
    told = json.loads(ready.read_text())
    redshift_connector.connect(
        host=told["host"], port=told["port"], database="dev", user="me", password="Secret1", ssl=False
    ).close()

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == 0
    assert told["pid"] == process.pid
    assert output.decode() == f"localshift ready: postgresql://me@127.0.0.1:{told['port']}/dev\n"
    assert not ready.exists()


def test_the_server_ends_with_its_parent_and_postgres_with_it(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    child = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "localshift", "--port", "0", "--data-dir", {str(tmp_path / "d")!r},
                  "--ready-file", {str(ready)!r}, "--die-with-parent"], stdout=subprocess.DEVNULL)
sys.stdin.read()
"""
    parent = subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(LIB)}
    )
    wait_until(ready.exists)
    pids = [json.loads(ready.read_text())["pid"], postgres_of(tmp_path / "d")]
    assert all(map(is_running, pids))

    parent.kill()
    parent.communicate()

    wait_until(lambda: not any(map(is_running, pids)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--iam-role", "nonsense"], "expected ARN=s3://"),
        (["--user", "onlyname"], "expected NAME=PASSWORD"),
        (["--port", "70000"], "expected 0 to 65535"),
        (["--users-file", "/no/such/file"], "cannot be read"),
        (["--no-such-option"], "unrecognized arguments"),
    ],
)
def test_wrong_options_are_one_sentence_and_exit_code_2(options: list[str], message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localshift", *options], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(LIB)},
    )  # fmt: skip

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"password": "wrong"}, redshift_connector.InterfaceError, "28000"),
        ({"user": "nobody"}, redshift_connector.InterfaceError, "28000"),
        ({"user": "rdsdb", "password": "x"}, redshift_connector.InterfaceError, "28000"),
        ({"database": "other"}, redshift_connector.ProgrammingError, "3D000"),
    ],
)
def test_who_may_not_come_in_is_told_so_and_stays_out(
    change: dict[str, str], error: Any, code: str, server: Localshift
) -> None:
    fields = refused_login(error, {**server.connect_args, **change})

    assert (fields["S"], fields["C"]) == ("FATAL", code)


def test_users_made_by_sql_can_come_in(db: Any, connect: Any) -> None:
    db.execute("create user made_here password 'Made1Here'")
    db.commit()

    assert connect(user="made_here", password="Made1Here") is not None


GARBAGE = {
    "zero length": struct.pack("!I", 0),
    "short length": struct.pack("!II", 7, 196608),
    "huge length": struct.pack("!II", 0x7FFFFFFF, 196608),
    "protocol 2": struct.pack("!II", 8, 0x00020000),
    "no terminator": struct.pack("!II", 12, 196608) + b"user",
    "not utf-8": struct.pack("!II", 18, 196608) + b"user\0\xff\xfe\0\0\0",
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "cancel of nobody": struct.pack("!IIII", 16, 80877102, 1, 2),
    "nothing": b"",
}


@pytest.mark.parametrize("packet", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_malformed_start_ends_only_that_client(packet: bytes, server: Localshift, db: Any) -> None:
    with raw(server) as link:
        link.sendall(packet)
        link.shutdown(socket.SHUT_WR)
        read_all(link)

    assert db.rows("select 1") == [[1]]


@pytest.mark.parametrize(
    "packet",
    [
        b"\0\0\0\0\4",
        b"Q\0\0\0\2",
        b"Q\x7f\xff\xff\xff",
        b"Q\0\0\0\5x",
        b"P\0\0\0\6ab",
        b"B\0\0\0\4",
        b"E\0\0\0\5\0",
        b"D\0\0\0\4",
        b"p\0\0\0\4",
    ],
)
def test_a_malformed_message_ends_only_that_client(packet: bytes, connect: Any, db: Any) -> None:
    connection = connect()
    link = connection._usock
    link.sendall(packet + b"S\0\0\0\4X\0\0\0\4")
    link.settimeout(20)

    read_all(link)

    assert db.rows("select 1") == [[1]]


def test_sixteen_megabytes_of_sql_are_read(db: Any) -> None:
    assert db.rows(f"select octet_length('{'x' * (16 << 20)}')") == [[16 << 20]]


def test_a_client_that_dies_in_the_middle_of_a_copy_leaves_nothing(db: Any, connect: Any, stage: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (id bigint, v varchar(100))")
    db.commit()
    table = pa.table({"id": pa.array(range(400_000), pa.int64()), "v": ["x" * 40] * 400_000})
    manifest = stage.manifest(*[stage.parquet(f"f{i}", table) for i in range(3)])
    connection = connect()
    connection.autocommit = True
    cursor = connection.cursor()

    def run() -> None:
        with contextlib.suppress(redshift_connector.Error, OSError):
            cursor.execute(f"copy {schema}.t from '{manifest}' iam_role '{ROLE}' parquet manifest")

    running = threading.Thread(target=run)
    running.start()
    db.connection.autocommit = True
    # PostgreSQL itself reports the COPY's progress.
    wait_until(lambda: bool(db.rows("select 1 from pg_catalog.pg_stat_progress_copy where tuples_processed > 0")))

    connection._usock.shutdown(socket.SHUT_RDWR)
    running.join()

    wait_until(lambda: not db.rows("select 1 from pg_catalog.pg_stat_progress_copy"))
    assert db.rows("select count(*) from t") == [[0]]
    wait_until(
        lambda: bool(db.rows("select 1 from sys_load_history where data_source = %s and status = 'aborted'", manifest))
    )


def test_fifty_clients_at_once(connect: Any) -> None:
    connections = [connect() for _ in range(50)]
    found = []
    for number, connection in enumerate(connections):
        cursor = connection.cursor()
        cursor.execute("select %s::int", (number,))
        found.append(cursor.fetchone()[0])

    assert found == list(range(50))


def test_a_running_query_can_be_cancelled(connect: Any, server: Localshift) -> None:
    connection = connect()
    pid, secret = struct.unpack("!II", connection._backend_key_data)
    cursor = connection.cursor()
    caught: list[Any] = []

    def run() -> None:
        with pytest.raises(redshift_connector.ProgrammingError) as info:
            cursor.execute(
                "select count(*) from pg_catalog.pg_class a, pg_catalog.pg_class b, pg_catalog.pg_class c, pg_catalog.pg_class d"
            )
        caught.append(info.value.args[0])

    running = threading.Thread(target=run)
    running.start()

    def cancelled() -> bool:
        # A cancel that comes before the query runs has no effect, as in PostgreSQL.
        with raw(server) as link:
            link.sendall(struct.pack("!IIII", 16, 80877102, pid, secret))
            read_all(link)
        running.join(0.2)
        return not running.is_alive()

    wait_until(cancelled)
    connection.rollback()

    assert caught == [{"S": "ERROR", "C": "57014", "M": "Query cancelled on user's request"}]


def test_serverless_has_no_stl_views_and_provisioned_has_them(tmp_path: Path, db: Any) -> None:
    assert db.rows("select count(*) >= 0 from stl_load_errors") == [[True]]
    with (
        Localshift(data_dir=tmp_path / "d", serverless=True) as server,
        redshift_connector.connect(**server.connect_args) as link,
    ):
        cursor = link.cursor()
        with pytest.raises(redshift_connector.ProgrammingError, match="does not exist"):
            cursor.execute("select count(*) from stl_load_errors")
        link.rollback()
        cursor.execute("select count(*) >= 0 from sys_load_history")
        assert cursor.fetchall() == ([True],)


def test_serializable_isolation_refuses_write_skew(tmp_path: Path) -> None:
    with Localshift(data_dir=tmp_path / "d", isolation="serializable") as server:
        one, two = (redshift_connector.connect(**server.connect_args) for _ in range(2))
        cursors = [one.cursor(), two.cursor()]
        # Two tables, because writers to one would queue.
        cursors[0].execute("create table t0 (a int)")
        cursors[0].execute("create table t1 (a int)")
        one.commit()
        for number, cursor in enumerate(cursors):
            cursor.execute(f"select count(*) from t{1 - number}")
        for number, cursor in enumerate(cursors):
            cursor.execute(f"insert into t{number} values (1)")
        one.commit()

        with pytest.raises(redshift_connector.ProgrammingError, match="Serializable isolation violation on table"):
            two.commit()
        one.close()
        two.close()
