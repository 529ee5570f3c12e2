"""The embedded S3 server: moto's, on loopback, for one access key, with its objects kept in files.

Run by the supervisor as `python -m lakemart.local.s3_server FD DATA_DIR KEY_FILE READY_FILE`: FD is a listening socket,
KEY_FILE holds the one access key that is let in. READY_FILE appears when requests are answered.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from lakemart.local.s3_keeper import Keeper
from lakemart.local.state import REGION

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_ACCOUNT = "123456789012"
_CHANGES = frozenset({"PUT", "POST", "DELETE"})
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_REFUSED = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InvalidAccessKeyId</Code><Message>This key is not of this server</Message></Error>'


def for_one_key(application: Application, access_key: str) -> Application:
    """The application for requests that name the access key in their signature; 403 for all others."""

    def guarded(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        query = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
        given = match[1] if match else query.partition("/")[0]
        if given != access_key:
            start_response(
                "403 Forbidden", [("Content-Type", "application/xml"), ("Content-Length", str(len(_REFUSED)))]
            )
            return [_REFUSED]
        return application(environ, start_response)

    return guarded


def kept(application: Application, keeper: Keeper) -> Application:
    """The application whose changes are in files before they are answered."""

    def keeping(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        statuses: list[str] = []

        def noted(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        answer = application(environ, noted)
        if environ["REQUEST_METHOD"] in _CHANGES and statuses and statuses[-1].startswith("2"):
            # WSGI gives the path's bytes as latin-1 text.
            path = environ["PATH_INFO"].encode("latin-1").decode("utf-8")
            bucket, _, key = path.lstrip("/").partition("/")
            if bucket:
                keeper.keep(bucket, key)
        return answer

    return keeping


def main(arguments: list[str]) -> None:
    """Serves until it is killed."""
    from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app  # noqa: PLC0415 - the same
    from moto.s3.models import s3_backends  # noqa: PLC0415 - importing this module must not import moto
    from werkzeug.serving import make_server  # noqa: PLC0415 - the same

    class Quiet(MotoRequestHandler):
        """Handles requests without a log line for each, and keeps connections open."""

        protocol_version = "HTTP/1.1"

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nothing: the log is for faults."""

    descriptor, data_dir, key_file, ready_file = arguments
    keeper = Keeper(s3_backends[_ACCOUNT]["aws"], Path(data_dir))
    keeper.load(REGION)
    application = for_one_key(kept(create_backend_app("s3"), keeper), Path(key_file).read_text(encoding="utf-8"))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Quiet, fd=int(descriptor))
    Path(ready_file).write_text("ready", encoding="utf-8")
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
