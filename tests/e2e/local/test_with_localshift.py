"""The environment with the real localshift: what it lets COPY read, and what is left when its supervisor is killed."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector

from e2e.local.conftest import processes, project_in
from lakemart.local.ending import bring_down
from lakemart.local.environment import Environment
from lakemart.local.state import Endpoints
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

pytestmark = pytest.mark.e2e


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[Environment]:
    folder = tmp_path / "a state"
    with Environment(project_in(folder)) as made:
        yield made
    bring_down(project_in(folder), wait=30)


def connect(endpoints: Endpoints) -> redshift_connector.Connection:
    password = endpoints.users["lakemart"]
    return redshift_connector.connect(
        host=endpoints.host,
        port=endpoints.port,
        database=endpoints.database,
        user="lakemart",
        password=password,
        ssl=False,
    )


def staged(place: Location) -> str:
    """A Parquet file of three rows and its manifest under the place; the manifest's address."""
    body = io.BytesIO()
    pq.write_table(pa.table({"n": pa.array([1, 2, 3], pa.int64())}), body)
    store = open_store(place)
    store.write("part.parquet", body.getvalue())
    entry = {"url": f"{place.uri}/part.parquet", "mandatory": True, "meta": {"content_length": len(body.getvalue())}}
    store.write("manifest", json.dumps({"entries": [entry]}).encode())
    return f"{place.uri}/manifest"


def test_copy_reads_the_staging_prefix_and_nothing_else(environment: Environment) -> None:
    endpoints, own = environment.endpoints(), environment.staging()
    beside = Location(uri=f"{own.uri}2", s3=own.s3)
    copy = f"COPY public.numbers FROM '{{}}' IAM_ROLE '{endpoints.iam_role}' FORMAT PARQUET MANIFEST"

    connection = connect(endpoints)
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE public.numbers (n bigint)")
            cursor.execute(copy.format(staged(own)))
            cursor.execute("SELECT sum(n) FROM public.numbers")
            assert cursor.fetchone() == [6]
            connection.commit()
            with pytest.raises(redshift_connector.Error):
                cursor.execute(copy.format(staged(beside)))
    finally:
        connection.close()


def test_a_killed_supervisor_takes_postgresql_with_it_and_committed_rows_are_there_again(
    environment: Environment, tmp_path: Path
) -> None:
    state = tmp_path / "a state"
    before = environment.endpoints()
    connection = connect(before)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE public.kept AS SELECT 7 AS n")
        connection.commit()
    connection.close()

    os.kill(before.supervisor, signal.SIGKILL)

    with Environment(project_in(state)) as following:
        after = following.endpoints()
        connection = connect(after)
        with connection.cursor() as cursor:
            cursor.execute("SELECT n FROM public.kept")
            assert cursor.fetchone() == [7]
        connection.close()
        assert len(processes(state, "-m localshift")) == 1
