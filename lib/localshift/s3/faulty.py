"""An S3 client that answers 503 when a fault asks for it; the retries of the client see it as they see S3's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from localshift.faults import Faults
from localshift.s3.objects import make_client

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from mypy_boto3_s3 import S3Client


class _Nothing:
    """The body of an answer that has none."""

    def stream(self) -> Iterator[bytes]:
        """Yield nothing."""
        yield from ()


def client_for(endpoint: str | None, faults: Faults | None) -> S3Client:
    """Return an S3 client, one with faults where there are any to be ordered."""
    client = make_client(endpoint)
    if faults is not None:

        def fail(request: AWSPreparedRequest, **_: object) -> AWSResponse | None:
            return AWSResponse(request.url, 503, HTTPHeaders(), _Nothing()) if faults.fails_s3() else None

        # What the handler returns is the answer; botocore's stubs say None.
        client.meta.events.register("before-send.s3", fail)  # type: ignore[arg-type]
    return client
