"""Finds the supervisor of a state or starts one, so that however many come at once there is one."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import subprocess
import time
from contextlib import suppress
from urllib.parse import urlsplit

from lakemart.errors import TransientError
from lakemart.local.children import python, small_environment
from lakemart.local.state import REGION, Endpoints, State, locked, opened, pause

START_SECONDS = 90.0


def join(state: State) -> int:
    """The shared user lock; waits while a supervisor that leaves holds it."""
    users = opened(state.users_lock)
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def found_or_started(state: State, staging: str, users: list[str]) -> Endpoints:
    """The endpoints of the supervisor that lives, or of one that this call starts, once."""
    deadline = time.monotonic() + START_SECONDS
    started = False
    while time.monotonic() < deadline:
        with state.starting():
            lock = locked(state.server_lock, fcntl.LOCK_EX)
            if lock is None:
                endpoints = state.read_endpoints()
                if endpoints is not None:
                    return endpoints
            else:
                try:
                    if started:
                        raise _failed(state)
                    _spawn(state, lock, staging, users)
                    started = True
                finally:
                    os.close(lock)
        pause()
    raise _failed(state)


def _spawn(state: State, lock: int, staging: str, users: list[str]) -> None:
    """Starts a supervisor that inherits the lock. What an earlier one left is stale and goes first."""
    state.remove_endpoints()
    state.failure.unlink(missing_ok=True)
    arguments = [str(state.folder), "--lock-fd", str(lock), "--staging", staging]
    for user in users:
        arguments += ["--user", user]
    for name in ("supervisor", "s3", "localshift"):
        with suppress(FileNotFoundError):
            state.log(name).replace(state.log(f"{name}.before"))
    with state.log("supervisor").open("ab") as log:
        subprocess.run(
            python("lakemart.local.supervisor", arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=small_environment(),
            pass_fds=(lock,),
            start_new_session=True,
            check=False,
        )


def _failed(state: State) -> TransientError:
    """What is known about servers that did not come up, with the end of the log that tells why."""
    server, what = "supervisor", "it ended before the servers were up"
    if state.failure.is_file():
        failure = json.loads(state.failure.read_text(encoding="utf-8"))
        server, what = failure["server"], failure["what"]
    tail = state.log_tail(server)
    return TransientError(
        f"the embedded {server} did not start: {what}" + (f"\n{tail}\n" if tail else ""),
        where=str(state.log(server)),
        next_step="Mend what the log says and run again.",
    )


def make_bucket(endpoints: Endpoints, bucket: str) -> None:
    """Creates a bucket of the embedded server; one that is there is fine. boto3 would cost more than the request."""
    address = urlsplit(endpoints.s3_url)
    credential = f"AWS4-HMAC-SHA256 Credential={endpoints.access_key}/20000101/{REGION}/s3/aws4_request, SignedHeaders=host, Signature=0"
    connection = http.client.HTTPConnection(address.hostname or "127.0.0.1", address.port, timeout=30)
    try:
        connection.request("PUT", f"/{bucket}", headers={"Authorization": credential})
        answer = connection.getresponse()
        answer.read()
    except OSError as error:
        raise TransientError(
            f"the embedded S3 server does not answer: {error}", where=endpoints.s3_url, next_step="Run again."
        ) from error
    finally:
        connection.close()
    if answer.status not in (200, 409):
        raise TransientError(
            f"the bucket {bucket!r} cannot be made: {answer.status} {answer.reason}", where=endpoints.s3_url
        )
