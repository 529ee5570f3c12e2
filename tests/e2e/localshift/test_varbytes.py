"""VARBYTE as clients get it and send it, and messages of several statements of which one makes what a later one turns."""

from __future__ import annotations

from typing import Any

import boto3
import pandas as pd
import psycopg
import psycopg2
import pytest
import redshift_connector

from e2e.localshift.conftest import BUCKET, ROLE, Stage
from e2e.localshift.connecting import arguments, psql
from localshift import Localshift

pytestmark = pytest.mark.e2e
VARBYTE = 6551


def test_every_client_sees_hexadecimal_digits_and_the_type_varbyte(server: Localshift, db: Any) -> None:
    # A text that looks like PostgreSQL's form of bytes stays what it is.
    query = "select 'abc'::varbyte, '\\\\x41'::varchar(9), null::varbyte"

    assert psql(server, query) == "616263|\\x41|\n"
    assert db.rows(query) == [["abc", "\\x41", None]]
    assert db.cursor.description[0][:2] == ("varbyte", VARBYTE)
    with psycopg.connect(**arguments(server)) as connection:
        for number in range(7):
            # From the fifth time on the driver prepares it.
            row = connection.execute("select 'abc'::varbyte, %s::int", [number]).fetchone()
            assert row == ("616263", number)
        connection.execute("declare c cursor for select 5, 'abc'::varbyte")
        assert connection.execute("fetch 1 from c").fetchall() == [(5, "616263")]
        binary = connection.cursor(binary=True)
        binary.execute("select 'abc'::varbyte where 1 = %s", [1])
        assert binary.fetchall() == [(b"abc",)]
        assert binary.description is not None
        assert binary.description[0].type_code == VARBYTE
    connection.close()


def test_parameters_are_bytes_or_digits_for_from_hex(server: Localshift, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.cursor.execute("create table v (n int, b varbyte(8))")
    db.cursor.execute("insert into v values (1, from_hex(%s))", ("ff00",))
    db.commit()
    with psycopg.connect(**arguments(server)) as connection:
        connection.execute(f"insert into {schema}.v values (2, %s)", [b"\xff\x01"])
    connection.close()

    assert db.rows("select n, to_hex(b) from v order by n") == [[1, "ff00"], [2, "ff01"]]


def test_awswrangler_writes_bytes_into_varbyte(wrangler: Any, server: Localshift, stage: Stage, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    frame = pd.DataFrame({"id": [1, 2], "b": [b"\xff\x00a", None]})
    with redshift_connector.connect(**server.connect_args) as connection:
        wrangler.redshift.copy(
            frame,
            path=f"s3://{BUCKET}/{stage.prefix}wr/",
            con=connection,
            schema=schema,
            table="t",
            iam_role=ROLE,
            boto3_session=boto3.Session("a", "b", region_name="us-east-1"),
        )

        read = wrangler.redshift.read_sql_query(
            f"select id, to_hex(b) as b from {schema}.t order by id", con=connection
        )
        columns = wrangler.redshift.read_sql_query(f"show columns from table {schema}.t", con=connection)

    assert read.to_dict("list") == {"id": [1, 2], "b": ["ff0061", None]}
    assert list(columns["data_type"]) == ["bigint", "binary varying"]


def test_a_message_of_several_statements_may_turn_the_table_it_makes(server: Localshift, db: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    connection = psycopg2.connect(**arguments(server))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"set search_path to {schema}")
        cursor.execute("create table p (k char(1), n int); insert into p values ('a', 1), ('b', 2), ('a', 5)")
        cursor.execute(
            "create table q (like p); insert into q select * from p; select * from q pivot (sum(n) for k in ('a'))"
        )
        assert cursor.fetchall() == [(6,)]
        cursor.execute(
            "create table r (n int); insert into r values (3); select n * 2 as twice, twice + 1 as more from r"
        )
        assert cursor.fetchall() == [(6, 7)]
        for failing in ("select * from s pivot (sum(nothing) for n in (1))", "select string_agg('a', 'b')"):
            with pytest.raises(psycopg2.Error):
                cursor.execute(f"create table s (n int); {failing}")
            # All of the message is one transaction.
            with pytest.raises(psycopg2.errors.UndefinedTable):
                cursor.execute("select * from s")
    connection.close()
