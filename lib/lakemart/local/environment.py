"""What a command sees of the embedded environment: locations, settings and the warehouse, started when first asked for."""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from lakemart.config.project import Project, Warehouse
from lakemart.errors import ConfigError, LockedError, TransientError
from lakemart.local.children import python, small_environment
from lakemart.local.state import LOADER, REGION, Endpoints, State, locked, opened, pause
from lakemart.storage.store import Location, S3Settings

START_SECONDS = 90.0
STOP_SECONDS = 60.0


class Environment:
    """The places of one project under its environment. While it is open, its user lock keeps the servers up.

    Nothing is started before `endpoints`, `staging`, `warehouse`, or an embedded `s3` or `location` is asked for. Threads
    may share one. A command that is killed loses its lock to the kernel, and the servers leave.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._state = State(project.state)
        self._guard = threading.Lock()
        self._users: int | None = None
        self._endpoints: Endpoints | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Lets the servers go, unless they are kept or others use them. Safe to call twice."""
        with self._guard:
            self._endpoints = None
            if self._users is not None:
                os.close(self._users)
                self._users = None

    def endpoints(self, *, keep: bool = False) -> Endpoints:
        """Where the servers listen; started when they are not up. `keep` leaves them up until `down`.

        Raises TransientError with the end of the log when a server does not come up, ConfigError when the servers that
        are up serve another staging prefix or lack a user.
        """
        with self._guard:
            if self._users is None:
                self._state.prepare()
                self._users = _join(self._state)
            if keep:
                self._state.keep.touch(mode=0o600)
            if self._endpoints is None:
                self._endpoints = self._started()
                for bucket in sorted(self._project.embedded_buckets):
                    _make_bucket(self._endpoints, bucket)
            return self._endpoints

    def s3(self) -> S3Settings:
        """How to reach the S3 of this project's locations: the embedded server if any of them is on it."""
        return self._embedded_s3() if self._project.embedded_buckets else self._other_s3()

    def location(self, uri: str) -> Location:
        """The place `uri` with the settings to reach it; only a bucket of the embedded server starts it."""
        if not uri.startswith("s3://"):
            return Location(uri=uri)
        bucket = uri.removeprefix("s3://").partition("/")[0]
        embedded = bucket in self._project.embedded_buckets
        return Location(uri=uri, s3=self._embedded_s3() if embedded else self._other_s3())

    def staging(self) -> Location:
        """What COPY reads. Raises ConfigError when the project names none."""
        if self._project.staging is None:
            raise ConfigError(
                "the project has no 'staging'", next_step="Write staging: s3://BUCKET/PREFIX, or embedded."
            )
        return self.location(self._project.staging)

    def warehouse(self) -> Warehouse:
        """How to reach the warehouse: the project's, or localshift. Raises ConfigError when the project names none."""
        if self._project.warehouse is not None:
            return self._project.warehouse
        if "warehouse" not in self._project.embedded:
            raise ConfigError("the project has no 'warehouse'", next_step="Write one in project.yaml, or embedded.")
        endpoints = self.endpoints()
        return Warehouse(
            host=endpoints.host,
            port=endpoints.port,
            database=endpoints.database,
            user=LOADER,
            password=f"secret://file/{self._state.password_file(LOADER)}",
            iam_role=endpoints.iam_role,
            ssl=False,
        )

    def _embedded_s3(self) -> S3Settings:
        endpoints = self.endpoints()
        return S3Settings(
            endpoint_url=endpoints.s3_url,
            region=REGION,
            access_key=endpoints.access_key,
            secret_key=endpoints.secret_key,
        )

    def _other_s3(self) -> S3Settings:
        s3 = self._project.s3
        return S3Settings(endpoint_url=s3.endpoint_url, region=s3.region) if s3 else S3Settings()

    def _started(self) -> Endpoints:
        wanted_staging = self._project.staging or f"s3://lakemart-staging/{self._project.name}"
        wanted_users = sorted(
            {user for mart in self._project.marts.values() if mart.publish for user in mart.publish.grant_select_to}
        )
        endpoints = _endpoints(self._state, wanted_staging, wanted_users)
        serves = endpoints.staging == wanted_staging or "staging" not in self._project.embedded
        if not serves or not endpoints.users.keys() >= set(wanted_users):
            raise ConfigError(
                f"the servers of this state are up for staging {endpoints.staging} and users {', '.join(endpoints.users)}",
                where=str(self._state.folder),
                next_step="Run `lakemart down` and repeat the command, or give another folder with --state.",
            )
        return endpoints


def bring_down(project: Project, *, wait: float | None = 0.0) -> bool:
    """Ends the servers of the project's state and returns when they are gone; False when none were up.

    Raises LockedError when a command still uses them after `wait` seconds (None: waits without end).
    """
    state = State(project.state)
    if not state.run.is_dir():
        return False
    state.keep.unlink(missing_ok=True)
    with state.starting():
        if not state.server_lives():
            return False
    patience = None if wait is None else time.monotonic() + max(wait, 2.0)
    users = _only_user(state, patience)
    if users is None:
        raise LockedError(
            "a command still uses the servers; they end after it",
            where=str(state.folder),
            next_step="Wait for it, or give --wait.",
        )
    try:
        # Whoever comes now waits for the lock, and starts new servers when these are gone.
        return _end(state)
    finally:
        os.close(users)


def _end(state: State) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        with state.starting():
            if not state.server_lives():
                return True
            endpoints = state.read_endpoints()
            if endpoints is not None:  # written by the supervisor that lives; without them it is just starting
                with suppress(ProcessLookupError):
                    os.kill(endpoints.supervisor, signal.SIGTERM)
        pause()
    raise TransientError(
        f"the servers did not end within {STOP_SECONDS:.0f} s",
        where=str(state.folder),
        next_step=f"Look into {state.log('supervisor')}.",
    )


def _only_user(state: State, deadline: float | None) -> int | None:
    """users.lock alone, or None after the deadline. A supervisor that looks or leaves holds it for moments too."""
    while True:
        users = locked(state.users_lock, fcntl.LOCK_EX)
        if users is not None or (deadline is not None and time.monotonic() > deadline):
            return users
        pause()


def _join(state: State) -> int:
    """The shared user lock; waits while a supervisor that leaves holds it."""
    users = opened(state.users_lock)
    fcntl.flock(users, fcntl.LOCK_SH)
    return users


def _endpoints(state: State, staging: str, users: list[str]) -> Endpoints:
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


def _make_bucket(endpoints: Endpoints, bucket: str) -> None:
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
