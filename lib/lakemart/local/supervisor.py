"""The process that owns the embedded servers of one state: starts them, watches who uses them, ends them.

`python -m lakemart.local.supervisor STATE --lock-fd N --staging s3://… [--user NAME]…`: the starter hands over the
lock on server.lock as descriptor N, so that there is no moment in which nobody holds it.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakemart.local.children import Program, launch, stop
from lakemart.local.state import DATABASE, IAM_ROLE, LOADER, Endpoints, State, locked, write_private

START_SECONDS = 60.0
POLL_SECONDS = 0.5
_WATCHED = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the servers are started for: the prefix COPY may read, and the warehouse users that must exist."""

    staging: str
    users: tuple[str, ...]


class ServerFailedError(Exception):
    """A server did not come up; `server` names it and its log."""

    def __init__(self, server: str, what: str) -> None:
        super().__init__(what)
        self.server = server


def serve(state: State, wanted: Wanted) -> None:
    """Runs the servers until nobody uses them and nobody asked to keep them, one of them ends, or a signal comes."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            try:
                endpoints = _start(state, wanted, listener, running)
            except ServerFailedError as failure:
                write_private(state.failure, json.dumps({"server": failure.server, "what": str(failure)}))
                return
            state.write_endpoints(endpoints)
            _watch(state, running)
        finally:
            state.remove_endpoints()
            stop(list(running.values()))


def _start(
    state: State, wanted: Wanted, listener: socket.socket, running: dict[str, subprocess.Popen[bytes]]
) -> Endpoints:
    """Starts both servers at once; the S3 server's port is known beforehand because we listen on it."""
    known = state.credentials(wanted.users)
    s3_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    programs = [_s3(state, listener, known), _localshift(state, wanted, s3_url, known)]
    for program in programs:
        running[program.name] = launch(program)
    deadline = time.monotonic() + START_SECONDS
    for program in programs:
        _wait_ready(program, running, deadline)
    ready = json.loads(programs[1].ready_file.read_text(encoding="utf-8"))
    return Endpoints(
        supervisor=os.getpid(),
        s3_url=s3_url,
        access_key=known["access_key"],
        secret_key=known["secret_key"],
        host="127.0.0.1",
        port=int(ready["port"]),
        database=DATABASE,
        users={user: known["users"][user] for user in (LOADER, *wanted.users)},
        iam_role=IAM_ROLE,
        staging=wanted.staging,
    )


def _s3(state: State, listener: socket.socket, known: dict[str, Any]) -> Program:
    key_file, ready_file = state.run / "s3.key", state.run / "s3.ready"
    write_private(key_file, known["access_key"])
    descriptor = listener.fileno()
    return Program(
        name="s3",
        module="lakemart.local.s3_server",
        arguments=[str(descriptor), str(state.folder / "s3"), str(key_file), str(ready_file)],
        log=state.log("s3"),
        ready_file=ready_file,
        pass_fds=(descriptor,),
        # Bodies above this size lie in temporary files instead of memory.
        environment={"MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(256 * 1024)},
    )


def _localshift(state: State, wanted: Wanted, s3_url: str, known: dict[str, Any]) -> Program:
    users_file, ready_file = state.run / "users.json", state.run / "localshift.ready"
    write_private(users_file, json.dumps({user: known["users"][user] for user in (LOADER, *wanted.users)}))
    arguments = ["--port", "0", "--data-dir", str(state.folder / "localshift"), "--s3-endpoint", s3_url]
    arguments += [
        "--users-file",
        str(users_file),
        "--iam-role",
        f"{IAM_ROLE}={wanted.staging}/",
        "--ready-file",
        str(ready_file),
    ]
    return Program(
        name="localshift",
        module="localshift",
        arguments=arguments,
        log=state.log("localshift"),
        ready_file=ready_file,
        environment={
            "AWS_ACCESS_KEY_ID": known["access_key"],
            "AWS_SECRET_ACCESS_KEY": known["secret_key"],
            "AWS_REGION": "us-east-1",
        },
    )


def _wait_ready(program: Program, running: dict[str, subprocess.Popen[bytes]], deadline: float) -> None:
    """Waits for the ready file. A server that ends is started again: its killed predecessor may still be letting go."""
    while not (program.ready_file.is_file() and program.ready_file.stat().st_size):
        if time.monotonic() > deadline:
            raise ServerFailedError(program.name, f"it was not ready after {START_SECONDS:.0f} s")
        number = signal.sigtimedwait(_WATCHED, 0.05)
        if number is not None and number.si_signo != signal.SIGCHLD:
            raise ServerFailedError(program.name, "the start was interrupted")
        code = running[program.name].poll()
        if code is not None:
            if time.monotonic() > deadline - START_SECONDS + _patience(program, code):
                raise ServerFailedError(program.name, f"it ended with code {code}")
            time.sleep(_RETRY_SECONDS)
            program.log.unlink(missing_ok=True)  # the last attempt's reason is the one to read
            running[program.name] = launch(program)


def _patience(program: Program, code: int) -> float:
    """For how long a server that ends at the start is tried again: one whose data folder another may still hold.

    A wrong option (code 2) is wrong for ever, and the S3 server holds nothing.
    """
    return 12.0 if program.name == "localshift" and code != 2 else 0.0


def _watch(state: State, running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Returns when it is time to leave. Left alone, it holds users.lock until the process ends, so nobody joins late."""
    while True:
        received = signal.sigtimedwait(_WATCHED, POLL_SECONDS)
        if received is not None and received.si_signo != signal.SIGCHLD:
            return
        for name, process in running.items():
            if process.poll() is not None:
                _say(f"{name} ended with code {process.returncode}; leaving")
                return
        users = locked(state.users_lock, fcntl.LOCK_EX)
        if users is None:
            continue
        if not state.keep.exists():
            return
        os.close(users)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
    sys.stderr.flush()


def main(arguments: Sequence[str]) -> None:
    """Detaches from the starter and serves; the lock that came with `--lock-fd` ends with this process."""
    parser = argparse.ArgumentParser(
        prog="lakemart.local.supervisor", description="Owns the embedded servers of one state."
    )
    parser.add_argument("state", type=Path)
    parser.add_argument("--lock-fd", type=int, required=True)
    parser.add_argument("--staging", required=True)
    parser.add_argument("--user", action="append", default=[])
    options = parser.parse_args(arguments)
    if os.fork():  # the starter waits for this half only, and the other is nobody's child
        os._exit(0)
    os.set_inheritable(options.lock_fd, False)  # noqa: FBT003 - the signature of os
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    serve(State(options.state), Wanted(staging=options.staging, users=tuple(options.user)))


if __name__ == "__main__":
    main(sys.argv[1:])
