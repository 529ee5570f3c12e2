"""A warehouse, an S3 server and a small lake, for publishing for real: the wire, COPY and conditional puts are real."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

import boto3
import pytest
from moto.server import ThreadedMotoServer

from e2e.publish.lab import ROLE, Mart, Wire
from lakemart import steps
from lakemart.storage.store import Location, S3Settings
from localshift.fixture import Localshift
from unit.storage.faulty_proxy import Faults, faulty_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Settings]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Settings(endpoint_url=f"http://{host}:{port}", region="us-east-1", access_key="test", secret_key="test")
    server.stop()


@pytest.fixture(scope="session")
def copy_faults(s3: S3Settings) -> Iterator[Faults]:
    """What may go wrong between the warehouse and its S3."""
    with faulty_proxy(str(s3.endpoint_url)) as made:
        yield made


@pytest.fixture(scope="session")
def localshift(copy_faults: Faults) -> Iterator[Localshift]:
    with Localshift(s3_endpoint=copy_faults.url, iam_roles={ROLE: ["s3://staging/"]}) as server:
        with Wire(server) as wire:
            wire.run("CREATE ROLE analyst")
        yield server


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    yield
    steps.disarm()


@pytest.fixture
def mart(tmp_path: Path, s3: S3Settings, localshift: Localshift) -> Mart:
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    if "staging" not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket="staging")
    client.close()
    password = tmp_path / "password"
    password.write_text(localshift.connect_args["password"])
    place = Location(uri=f"s3://staging/{uuid.uuid4().hex}", s3=s3)
    return Mart(lake=Location(uri=str(tmp_path / "lake")), staging=place, server=localshift, password=str(password))
