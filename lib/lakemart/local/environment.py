"""What a command sees of the embedded environment: locations, settings and the warehouse, started when first asked for."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from types import TracebackType
from typing import Self

from lakemart.config.project import Project, Warehouse
from lakemart.errors import ConfigError, TransientError
from lakemart.local.starting import found_or_started, join, make_bucket
from lakemart.local.state import LOADER, REGION, Endpoints, State, pause
from lakemart.storage.store import Location, S3Settings

ANSWER_SECONDS = 10.0


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
                self._users = join(self._state)
            if keep:
                self._state.keep.touch(mode=0o600)
            if self._endpoints is None:
                self._endpoints = self._answering()
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
        if embedded:
            return Location(uri=uri, s3=self._embedded_s3())
        return Location(uri=uri, s3=replace(self._other_s3(), bucket_owner=self._project.bucket_owner(uri)))

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

    def _answering(self) -> Endpoints:
        """The endpoints of servers that answer, with the project's buckets made.

        Servers may be dying while their endpoints are read (someone kills them): then the next ones are waited for.
        """
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            endpoints = self._started()
            try:
                for bucket in sorted(self._project.embedded_buckets):
                    make_bucket(endpoints, bucket)
            except TransientError:
                if time.monotonic() > deadline:
                    raise
                pause()
            else:
                return endpoints

    def _started(self) -> Endpoints:
        wanted_staging = self._project.staging or f"s3://lakemart-staging/{self._project.name}"
        wanted_users = sorted(
            {user for mart in self._project.marts.values() if mart.publish for user in mart.publish.grant_select_to}
        )
        endpoints = found_or_started(self._state, wanted_staging, wanted_users)
        serves = endpoints.staging == wanted_staging or "staging" not in self._project.embedded
        if not serves or not endpoints.users.keys() >= set(wanted_users):
            raise ConfigError(
                f"the servers of this state are up for staging {endpoints.staging} and users {', '.join(endpoints.users)}",
                where=str(self._state.folder),
                next_step="Run `lakemart down` and repeat the command, or give another folder with --state.",
            )
        return endpoints
