"""What tests of killed runs stand on: the small project, and what it comes to when nothing disturbs it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from crash.evidence import Evidence, evidence
from crash.hearth import hearth
from crash.nursery import nursery
from crash.project import Servers
from crash.workshop import Workshop
from e2e.conftest import built, shop  # noqa: F401 - the same projects, as fixtures of this folder too
from e2e.shop import built_shop
from localshift.fixture import Localshift

ROLE = "arn:aws:iam::123456789012:role/copy"


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What a run that nothing disturbed leaves."""
    made = built_shop(tmp_path_factory).copy_to(tmp_path_factory.mktemp("undisturbed"))
    made.ok("publish")
    return evidence(made)


@pytest.fixture(scope="session")
def _workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("workshop")
    with ExitStack() as stack:
        run = stack.enter_context(nursery())
        servers = cache(partial(_started, stack, folder))
        yield Workshop(folder=folder, run=run, servers=servers, spark=cache(partial(_kept, stack)))


@pytest.fixture
def workshop(_workshop: Workshop, record_property: Callable[[str, object], None]) -> Workshop:
    """Where cases are made. Servers start when the first story publishes, Spark when the first one has a model."""
    _workshop.tell = record_property
    return _workshop


def _kept(stack: ExitStack) -> Mapping[str, str]:
    return stack.enter_context(hearth())


def _started(stack: ExitStack, folder: Path) -> Servers:
    s3 = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    s3.start()
    stack.callback(s3.stop)
    url = "http://{}:{}".format(*s3.get_host_and_port())
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    client.create_bucket(Bucket="staging")
    client.close()
    server = stack.enter_context(Localshift(s3_endpoint=url, iam_roles={ROLE: ["s3://staging/"]}))
    password = folder / "password"
    password.write_text(server.connect_args["password"], encoding="utf-8")
    return Servers(s3_url=url, host=server.host, port=server.port, password_file=str(password), role=ROLE)
