"""Object stores for unit tests: a folder of the test's own, and an S3 server of this process on loopback."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from lakemart.storage.store import Location, S3Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

BUCKET = "unit"


def one_change_at_a_time(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """S3 compares and sets in one; the double's two steps are made one by a lock."""
    lock = threading.Lock()

    def serial(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with lock:
            return application(environ, start_response)

    return serial


@pytest.fixture(scope="session")
def s3_settings() -> Iterator[S3Settings]:
    """A running S3 server with one empty bucket."""
    from moto.server import MotoRequestHandler, create_backend_app  # noqa: PLC0415 - costs a second, only S3 tests pay it
    from werkzeug.serving import make_server  # noqa: PLC0415 - the same

    class Quiet(MotoRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing."""

    application = one_change_at_a_time(create_backend_app("s3"))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, name="s3", daemon=True)
    thread.start()
    settings = S3Settings(
        endpoint_url=f"http://127.0.0.1:{server.server_port}", region="us-east-1", access_key="test", secret_key="test"
    )
    from lakemart.storage.s3_clients import forget_clients, s3_client  # noqa: PLC0415 - boto3 only where S3 is used

    s3_client(settings).create_bucket(Bucket=BUCKET)
    yield settings
    forget_clients()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def s3_location(s3_settings: S3Settings) -> Location:
    """An empty place on S3."""
    return Location(uri=f"s3://{BUCKET}/{uuid4().hex}", s3=s3_settings)


@pytest.fixture(params=["local", "s3"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    """An empty place, once in a folder and once on S3: what is true of one store is true of the other."""
    if request.param == "local":
        return Location(uri=str(tmp_path / "store"))
    found: Location = request.getfixturevalue("s3_location")
    return found
