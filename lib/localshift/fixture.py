"""localshift for tests and for programs that embed it: a server process of its own, up inside a `with` block."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localshift.options import DEFAULT_PASSWORD, DEFAULT_USER, Isolation

START_SECONDS = 90.0
STOP_SECONDS = 60.0
LOG = "log"


class StartError(Exception):
    """The server did not come up; the message is what it said."""


class Localshift:
    """A running server.

    Without `data_dir` its data is gone at the end; `users` maps names to passwords, the first is the superuser;
    `iam_roles` maps role ARNs to the s3:// prefixes COPY may read in their name. `certificate` is, with `tls`, the path
    of the certificate that clients check the server against. `faults` lets tests order faults (see localshift.faults).
    """

    def __init__(  # noqa: PLR0913 - the options of a server, all with defaults, all by name
        self,
        *,
        data_dir: str | Path | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        database: str = "dev",
        s3_endpoint: str | None = None,
        iam_roles: Mapping[str, Sequence[str]] | None = None,
        users: Mapping[str, str] | None = None,
        serverless: bool = False,
        isolation: Isolation = "snapshot",
        tls: bool = False,
        faults: bool = False,
    ) -> None:
        self.host = host
        self.port = port
        self.database = database
        self.users = dict(users) if users else {DEFAULT_USER: DEFAULT_PASSWORD}
        self._options = ["--host", host, "--port", str(port), "--database", database, "--isolation", isolation]
        self._options += ["--data-dir", str(data_dir)] if data_dir is not None else []
        self._options += ["--s3-endpoint", s3_endpoint] if s3_endpoint else []
        self._options += ["--serverless"] if serverless else []
        self._options += ["--tls"] if tls else []
        self._options += ["--faults"] if faults else []
        self.tls = tls
        self.certificate = ""
        for arn, prefixes in (iam_roles or {}).items():
            self._options += ["--iam-role", f"{arn}={','.join(prefixes)}"]
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def connect_args(self) -> dict[str, Any]:
        """What `redshift_connector.connect(**...)` takes, for the superuser.

        With TLS the driver looks for authorities where SSL_CERT_FILE points: set it to `certificate`.
        """
        user, password = next(iter(self.users.items()))
        return {
            "host": self.host, "port": self.port, "database": self.database, "user": user, "password": password,
            "ssl": self.tls,
        }  # fmt: skip

    @property
    def pid(self) -> int:
        """The process id of the server."""
        if self._process is None:
            raise StartError("localshift is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the server's process is there."""
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """Return what the server has written to its output so far; empty when it is not running."""
        path = Path(self._folder.name) / LOG if self._folder is not None else None
        return path.read_text(encoding="utf-8", errors="replace") if path is not None and path.exists() else ""

    def start(self) -> Self:
        """Start the server and wait until it is ready; StartError with what it said when it is not."""
        self._folder = tempfile.TemporaryDirectory(prefix="localshift-up-")
        folder = Path(self._folder.name)
        users, ready, log = folder / "users.json", folder / "ready.json", folder / LOG
        users.touch(mode=0o600)
        users.write_text(json.dumps(self.users), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "localshift",
            *self._options,
            "--users-file",
            str(users),
            "--ready-file",
            str(ready),
        ]
        path = os.pathsep.join(
            [str(Path(__file__).resolve().parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--die-with-parent"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": path},
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = self.log().strip()
                self.stop()
                raise StartError(f"localshift did not start: {said[-2000:]}")
            time.sleep(0.02)
        told = json.loads(ready.read_text(encoding="utf-8"))
        self.port, self.certificate = int(told["port"]), str(told["certificate"] or "")
        return self

    def stop(self) -> None:
        """Stop the server and wait for its end; safe to call twice."""
        process, self._process = self._process, None
        if process is not None:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
