"""One localshift and one S3 server for all tests of this folder; each test gets its own schema and key prefix."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector
from moto.server import ThreadedMotoServer

from localshift import Localshift

ROLE = "arn:aws:iam::123456789012:role/copy"
BUCKET = "staging"
NUMBERS = itertools.count()


@dataclass
class Stage:
    """A key prefix of the S3 server and what tests put there."""

    client: Any
    endpoint: str
    prefix: str
    bucket: str = BUCKET

    def put(self, name: str, data: bytes) -> str:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{name}", Body=data)
        return f"s3://{self.bucket}/{self.prefix}{name}"

    def parquet(self, name: str, table: pa.Table, **options: Any) -> dict[str, Any]:
        """Write a Parquet object (timestamps as INT96) and return its manifest entry."""
        sink = io.BytesIO()
        pq.write_table(table, sink, **{"use_deprecated_int96_timestamps": True, **options})
        url = self.put(name, sink.getvalue())
        return {"url": url, "mandatory": True, "meta": {"content_length": len(sink.getvalue())}}

    def manifest(self, *entries: dict[str, Any], name: str = "manifest") -> str:
        return self.put(name, json.dumps({"entries": list(entries)}).encode())


@pytest.fixture(scope="session")
def s3_server() -> Iterator[tuple[Any, str]]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    endpoint = f"http://127.0.0.1:{port}"
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1"
    )
    client.create_bucket(Bucket=BUCKET)
    yield client, endpoint
    client.close()
    server.stop()


@pytest.fixture(scope="session")
def server(s3_server: tuple[Any, str]) -> Iterator[Localshift]:
    users = {"admin": "Admin1", "reader": "Reader1"}
    with Localshift(
        s3_endpoint=s3_server[1], iam_roles={ROLE: [f"s3://{BUCKET}/in/"]}, users=users, faults=True
    ) as running:
        yield running


@pytest.fixture
def stage(s3_server: tuple[Any, str]) -> Stage:
    return Stage(s3_server[0], s3_server[1], f"in/{next(NUMBERS)}/")


@pytest.fixture
def connect(server: Localshift) -> Iterator[Callable[..., Any]]:
    """Return a function that connects; what it opened is closed at the end."""
    opened: list[Any] = []

    def make(**changes: Any) -> Any:
        connection = redshift_connector.connect(**{**server.connect_args, **changes})
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.close()


class Db:
    """A connection with one cursor, in the way tests speak."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor()
        self.commit = connection.commit
        self.rollback = connection.rollback

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> None:
        self.cursor.execute(sql, parameters)

    def rows(self, sql: str, *parameters: Any) -> list[list[Any]]:
        self.cursor.execute(sql, parameters)
        return [list(row) for row in self.cursor.fetchall()]

    def refusal(self, sql: str) -> dict[str, str]:
        """Run what must fail and return the error's fields; rolled back afterwards."""
        with pytest.raises((redshift_connector.Error, redshift_connector.InterfaceError)) as caught:
            self.cursor.execute(sql)
        self.rollback()
        fields: dict[str, str] = caught.value.args[0]
        return fields


@pytest.fixture
def db(connect: Callable[..., Any]) -> Db:
    """The superuser in a schema of this test's own."""
    made = Db(connect())
    schema = f"s{next(NUMBERS)}"
    made.execute(f"create schema {schema}")
    made.execute(f"set search_path to {schema}")
    made.commit()
    return made


@pytest.fixture
def wrangler(s3_server: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    import awswrangler  # noqa: PLC0415 - two seconds, and only here

    monkeypatch.setattr(awswrangler.config, "s3_endpoint_url", s3_server[1])
    return awswrangler
