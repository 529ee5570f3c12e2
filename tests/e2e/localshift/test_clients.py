"""Clients in wide use, each through its own public interface."""

from __future__ import annotations

import contextlib
import socket
import struct
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import psycopg
import psycopg2
import pytest
import redshift_connector

from e2e.localshift.conftest import BUCKET, ROLE, Stage
from e2e.localshift.connecting import arguments, psql
from e2e.localshift.packets import startup
from localshift import Localshift

pytestmark = pytest.mark.e2e


def test_psql_runs_statements_and_describes_tables(server: Localshift, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    psql(
        server,
        f"create table {schema}.t (a int distkey, b varchar(10) not null)",
        f"insert into {schema}.t values (1, 'x')",
    )

    assert psql(server, f"select a, b from {schema}.t") == "1|x\n"
    assert f"{schema}|t|table|admin" in psql(server, f"\\dt {schema}.*")
    described = psql(server, f"\\d {schema}.t")
    assert "a|integer" in described
    assert "b|character varying(10)" in described
    assert "public" in psql(server, "\\dn")


def test_psycopg_3_binds_copies_nothing_and_keeps_transactions(server: Localshift, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    with psycopg.connect(**arguments(server)) as connection:
        connection.execute(f"create table {schema}.t (a int, b varchar(10), c timestamp)")
        connection.execute(f"insert into {schema}.t values (%s, %s, getdate())", (1, "x"))
        connection.rollback()
        connection.execute(f"create table {schema}.t (a bigint, b varchar(10))")
        with connection.cursor() as cursor:
            cursor.executemany(f"insert into {schema}.t values (%s, %s)", [(1, "x"), (2, None)])
            binary_rows = cursor.execute(f"select a, b from {schema}.t where a = %b order by a", (2,), binary=True)
            assert binary_rows.fetchall() == [(2, None)]
        with pytest.raises(psycopg.errors.UndefinedFunction):
            connection.execute(f"select array_agg(a) from {schema}.t")
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        connection.rollback()
    connection.close()


def test_psycopg2_binds_and_keeps_transactions(server: Localshift, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    connection = psycopg2.connect(**arguments(server))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(f"create table {schema}.t (a int, b varchar(10))")
            cursor.execute(f"insert into {schema}.t values (%s, %s), (%s, %s)", (1, "x", 2, None))
            cursor.execute(f"select a, b from {schema}.t order by a")
            assert cursor.fetchall() == [(1, "x"), (2, None)]
        with pytest.raises(psycopg2.errors.SyntaxError), connection, connection.cursor() as cursor:
            cursor.execute(f"insert into {schema}.t values (3, 'z') returning a")
    finally:
        connection.close()


def test_redshift_connector_shows_the_catalogue_and_takes_frames(db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (a int, b varchar(10))")
    db.commit()

    assert (db.connection.autocommit, db.cursor.paramstyle) == (False, "format")
    assert [row[2] for row in db.cursor.get_tables(schema_pattern=schema)] == ["t"]
    for pattern in (schema, None):  # the driver has a query for each
        columns = db.cursor.get_columns(schema_pattern=pattern, tablename_pattern="t")
        assert {row[3]: row[5] for row in columns if row[1] == schema} == {"a": "int4", "b": "varchar"}
    assert schema in [row[0] for row in db.cursor.get_schemas()]
    db.cursor.write_dataframe(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), f"{schema}.t")
    db.execute("select a, b from t order by a")
    assert db.cursor.fetch_dataframe().to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_awswrangler_copies_appends_overwrites_upserts_unloads_and_reads(
    wrangler: Any, server: Localshift, stage: Stage, db: Any
) -> None:
    schema = db.rows("select current_schema()")[0][0]
    session = boto3.Session("a", "b", region_name="us-east-1")
    path = f"s3://{BUCKET}/{stage.prefix}wr/"
    frame = pd.DataFrame({"id": [1, 2], "v": ["x", "y"], "n": [0.5, 1.5]})
    with redshift_connector.connect(**server.connect_args) as connection:
        target = {"con": connection, "schema": schema, "table": "t"}
        copied = {**target, "path": path, "iam_role": ROLE, "boto3_session": session}
        wrangler.redshift.copy(frame, mode="overwrite", **copied)
        wrangler.redshift.copy(frame.assign(id=[2, 3], v=["Y", "z"]), mode="upsert", primary_keys=["id"], **copied)
        wrangler.redshift.to_sql(frame.head(1).assign(id=9), mode="append", index=False, **target)
        read = wrangler.redshift.read_sql_query(f"select id, v from {schema}.t order by id", con=connection)
        assert read.to_dict("list") == {"id": [1, 2, 3, 9], "v": ["x", "Y", "z", "x"]}

        out = {"con": connection, "iam_role": ROLE, "boto3_session": session}
        query = f"select id, v from {schema}.t"
        unloaded = wrangler.redshift.unload(query, path=f"s3://{BUCKET}/{stage.prefix}un/", **out)
        assert sorted(unloaded["id"]) == [1, 2, 3, 9]
        wrangler.redshift.unload_to_files(query, path=f"s3://{BUCKET}/{stage.prefix}uf/", **out)
        wrangler.s3.to_parquet(frame, path=f"s3://{BUCKET}/{stage.prefix}files/x.parquet", boto3_session=session)
        wrangler.redshift.copy_from_files(
            path=f"s3://{BUCKET}/{stage.prefix}files/", mode="overwrite", iam_role=ROLE, boto3_session=session, **target
        )
        wrangler.redshift.to_sql(frame, mode="overwrite", index=False, **target)
        wrangler.redshift.to_sql(frame.assign(v="u"), mode="upsert", primary_keys=["id"], index=False, **target)
        read = wrangler.redshift.read_sql_query(f"select v from {schema}.t", con=connection)
        assert read.to_dict("list") == {"v": ["u", "u"]}


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")  # the driver's own way of making a context
def test_tls_is_spoken_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Localshift(data_dir=tmp_path / "d", tls=True, faults=True) as server:
        monkeypatch.setenv("SSL_CERT_FILE", server.certificate)
        with redshift_connector.connect(**server.connect_args) as connection:
            cursor = connection.cursor()
            cursor.execute("select 1")
            assert cursor.fetchall() == ([1],)
        with psycopg.connect(
            **(arguments(server) | {"sslmode": "verify-full", "sslrootcert": server.certificate})
        ) as other:
            assert other.execute("select 1").fetchall() == [(1,)]
        other.close()
        with socket.create_connection((server.host, server.port), timeout=20) as link:
            # What comes in the clear together with the request would be taken for what was sent under TLS.
            link.sendall(struct.pack("!II", 8, 80877103) + startup(user="awsuser"))
            assert b"received unencrypted data after SSL request" in link.recv(1000)
        check_faults(server)


def check_faults(server: Localshift) -> None:
    """Order each fault of SQL's and see it come once, on the server that is up already."""

    def connect() -> Any:
        connection = redshift_connector.connect(**server.connect_args)
        connection.autocommit = True
        return connection

    def run(connection: Any, *statements: str) -> list[Any]:
        with connection.cursor() as cursor:
            for sql in statements:
                cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    watcher = connect()
    run(watcher, "create table public.t (a int)")
    for moment, expected in (("before", 0), ("during", 1), ("after", 2)):
        victim = connect()
        run(
            victim, "begin", "insert into public.t values (1)", f"select localshift_fault('drop', 'COMMIT', '{moment}')"
        )
        with pytest.raises((redshift_connector.InterfaceError, redshift_connector.Error, OSError)):
            run(victim, "commit", "select 1")
        with contextlib.suppress(redshift_connector.InterfaceError, OSError):
            victim.close()
        assert run(watcher, "select count(*) from public.t") == [[expected]]
    run(
        watcher,
        "select localshift_fault('conflict', '2')",
        "begin",
        "insert into public.t values (1)",
        "commit",
        "begin",
    )
    run(watcher, "insert into public.t values (1)")
    with pytest.raises(redshift_connector.ProgrammingError, match="1023"):
        run(watcher, "commit")
    assert run(watcher, "select count(*) from public.t") == [[3]]
    run(watcher, "select localshift_fault('slow', 'SELECT', '0.01')", "select localshift_fault('off')")
    watcher.close()
