"""A process with everything imported and nothing begun. It forks a child for each order: a story costs no start-up.

A child that a fault kills dies by SIGKILL, as any other process would; its lanes of one order at a time are three.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

TESTS = Path(__file__).resolve().parents[1]
LANES = 3
LOADED = (
    "crash.acts",
    "pandas",
    "pyarrow.pandas_compat",
    "lakemart.models.build",
    "redshift_connector",
    "boto3",
    "sqlglot",
)
"""What a story would load only when it comes to it."""

LOG, PIDS = "said.log", "pids"
"""Beside the project: what children wrote to standard error, and a file named after each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended: `signal` is 0 unless it was killed; `said` is empty then."""

    signal: int
    said: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lane:
    """One nursery process; an order at a time."""

    process: subprocess.Popen[str]

    def obey(self, order: dict[str, Any]) -> Ended:
        """Has a child do it, to its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer, f"the nursery is gone: {self.process.poll()}"
        return Ended(**json.loads(answer))


class Nursery:
    """Lanes, borrowed by threads."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._free: queue.Queue[Lane] = queue.Queue()
        for lane in lanes:
            self._free.put(lane)

    def __call__(self, folder: Path, act: str, *faults: str, servers: Any = None, **more: Any) -> Ended:
        """Has a child of the next free lane do the act on the project in the folder. See `acts.Order`."""
        given = None if servers is None else asdict(servers)
        order = {"folder": str(folder), "act": act, "faults": faults, "servers": given, **more}
        lane = self._free.get()
        try:
            return lane.obey(order)
        finally:
            self._free.put(lane)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Lanes that end with the body."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-m", "crash.nursery"]
    processes = [
        subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(LANES)
    ]
    try:
        yield Nursery([Lane(process) for process in processes])
    finally:
        for process in processes:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            process.wait(timeout=60)
            process.stdout.close()


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Forks a child for each line of `orders` and answers with how it ended."""
    for name in LOADED:
        importlib.import_module(name)
    for line in orders:
        answers.write(json.dumps(asdict(_child(line))) + "\n")
        answers.flush()


def _child(line: str) -> Ended:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _live(json.loads(line), writing)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code < 0:
        return Ended(signal=-code)
    if code:
        return Ended(signal=0, said={"failed": said})
    return Ended(signal=0, said=json.loads(said))


def _live(order: dict[str, Any], writing: int) -> None:
    """The child's whole life; it never returns."""
    import traceback  # noqa: PLC0415 - of the child alone

    from crash.acts import Order, obey  # noqa: PLC0415 - see serve

    (Path(order["folder"]) / PIDS).mkdir(exist_ok=True)
    (Path(order["folder"]) / PIDS / str(os.getpid())).touch()
    nothing = os.open(os.devnull, os.O_RDWR)
    log = os.open(Path(order["folder"]) / LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    for descriptor, place in ((nothing, 0), (nothing, 1), (log, 2)):
        os.dup2(descriptor, place)
    code, said = 0, ""
    try:
        said = json.dumps(obey(Order(**{**order, "faults": tuple(order["faults"])})), default=str)
    except BaseException:  # noqa: BLE001 - whatever it is, the one who ordered shall read it
        code, said = 1, traceback.format_exc()
    with os.fdopen(writing, "w", encoding="utf-8") as pipe:
        pipe.write(said)
    os._exit(code)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
