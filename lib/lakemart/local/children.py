"""Child processes that end with the process that started them, whatever ends it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One server to run: a module and its arguments, its log, and the file that appears when it is ready.

    `pass_fds` are descriptors it inherits; `environment` is added to the little that every child gets.
    """

    name: str
    module: str
    arguments: Sequence[str]
    log: Path
    ready_file: Path
    pass_fds: tuple[int, ...] = ()
    environment: Mapping[str, str]


def python(module: str, arguments: Sequence[str]) -> list[str]:
    """The command that runs a module under this interpreter."""
    return [sys.executable, "-P", "-m", module, *arguments]


def small_environment() -> dict[str, str]:
    """What a server needs of an environment: where modules are found, a temporary folder, UTF-8, and nothing else.

    The user's AWS settings, proxies and PG* variables would change what the servers do.
    """
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": tempfile.gettempdir(),
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def launch(program: Program) -> subprocess.Popen[bytes]:
    """Starts the program with its output appended to its log. It gets SIGTERM when this process ends."""
    program.ready_file.unlink(missing_ok=True)
    with program.log.open("ab") as log:
        return subprocess.Popen(
            python(program.module, program.arguments),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**small_environment(), **program.environment},
            pass_fds=program.pass_fds,
            start_new_session=True,
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - the supervisor has one thread
        )


def stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ends the processes, all asked at once; by force what does not go."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def setup() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:  # it ended before we could ask
            os._exit(1)

    return setup
