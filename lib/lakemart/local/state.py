"""The files of one state folder: locks, logs, endpoints and generated credentials. Two states share none of them.

    run/start.lock      held for a moment by whoever looks whether a supervisor lives, or starts one
    run/server.lock     held by the supervisor as long as it lives
    run/users.lock      shared by every command that uses the environment; the supervisor leaves when it gets it alone
    run/keep            stands from `up` to `down`
    run/endpoints.json  where the servers listen; written by the supervisor when all are up, gone when they go

All locks are the kernel's (flock), so they are free again whatever kills their holder.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lakemart.errors import ConfigError

LOADER = "lakemart"
"""The user that loads marts; it owns everything in the embedded warehouse."""

DATABASE = "dev"
IAM_ROLE = "arn:aws:iam::000000000000:role/lakemart-embedded"
REGION = "us-east-1"
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the embedded servers listen and how to log in. `users` maps warehouse users to passwords."""

    supervisor: int
    s3_url: str
    access_key: str
    secret_key: str = field(repr=False)
    host: str
    port: int
    database: str
    users: Mapping[str, str] = field(repr=False)
    iam_role: str
    staging: str

    def as_json(self) -> dict[str, Any]:
        """The endpoints as plain values, credentials included."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class State:
    """The files under one state folder."""

    folder: Path

    @property
    def run(self) -> Path:
        """The folder of locks, logs and endpoints; nothing in it must outlive a restart of the machine."""
        return self.folder / "run"

    @property
    def keep(self) -> Path:
        """Stands while the servers shall stay up without a command."""
        return self.run / "keep"

    @property
    def server_lock(self) -> Path:
        """Held by the supervisor."""
        return self.run / "server.lock"

    @property
    def users_lock(self) -> Path:
        """Shared by the commands at work."""
        return self.run / "users.lock"

    @property
    def failure(self) -> Path:
        """What the last supervisor that could not start says about it."""
        return self.run / "failure.json"

    def password_file(self, user: str) -> Path:
        """The file that holds nothing but this user's password, for a `secret://file` reference."""
        return self.run / f"{user}.password"

    def log(self, name: str) -> Path:
        """The log file of `supervisor`, `s3` or `localshift`."""
        return self.run / f"{name}.log"

    def log_tail(self, name: str) -> str:
        """The end of a log as text; empty when there is none."""
        try:
            lines = self.log(name).read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return "\n".join(lines[-_LOG_TAIL_LINES:])
        except OSError:
            return ""

    def prepare(self) -> None:
        """Makes the folders. Raises ConfigError when they cannot be made or written."""
        try:
            self.run.mkdir(parents=True, exist_ok=True)
            self.run.chmod(0o700)
        except OSError as error:
            raise ConfigError(
                f"the state folder {str(self.folder)!r} cannot be used: {error.strerror}",
                next_step="Give one that can be written with --state DIR.",
            ) from error

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Held by one process at a time, and only for moments: to look at server.lock and to start a supervisor."""
        descriptor = opened(self.run / "start.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def server_lives(self) -> bool:
        """Whether a supervisor holds the state. Call it inside `starting`, or the look itself may mislead another."""
        descriptor = locked(self.server_lock, fcntl.LOCK_EX)
        if descriptor is None:
            return True
        os.close(descriptor)
        return False

    def read_endpoints(self) -> Endpoints | None:
        """What the supervisor wrote; None before it is ready."""
        try:
            text = (self.run / "endpoints.json").read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        return Endpoints(**json.loads(text))

    def write_endpoints(self, endpoints: Endpoints) -> None:
        """Publishes the endpoints whole or not at all, readable by the owner only."""
        write_private(self.run / "endpoints.json", json.dumps(endpoints.as_json(), indent=2))

    def remove_endpoints(self) -> None:
        """Takes the endpoints back; nothing there is fine."""
        (self.run / "endpoints.json").unlink(missing_ok=True)

    def credentials(self, users: tuple[str, ...]) -> dict[str, Any]:
        """The keys and passwords of this state; made once, kept, and completed for users that are new."""
        path = self.folder / "credentials.json"
        known: dict[str, Any] = {"access_key": "", "secret_key": "", "users": {}}
        with suppress(OSError, ValueError):
            known |= json.loads(path.read_text(encoding="utf-8"))
        known["access_key"] = known["access_key"] or f"EMBEDDED{secrets.token_hex(8).upper()}"
        known["secret_key"] = known["secret_key"] or secrets.token_urlsafe(30)
        # Redshift wants capital, small letter and digit in a password; the double is as strict.
        known["users"] = {user: f"Aa1{secrets.token_hex(16)}" for user in (LOADER, *users)} | known["users"]
        write_private(path, json.dumps(known, indent=2))
        for user, password in known["users"].items():
            write_private(self.password_file(user), password)
        return known


def opened(path: Path) -> int:
    """A descriptor of a lock file, made when absent."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def locked(path: Path, kind: int) -> int | None:
    """The descriptor that holds the lock, or None when another holds it. Closing it frees the lock."""
    descriptor = opened(path)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Writes a file of mode 0600, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    temporary.replace(path)


def pause() -> None:
    """The short wait between two looks at a lock or a file."""
    time.sleep(_POLL_SECONDS)
