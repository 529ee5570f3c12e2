"""A process with everything imported and nothing begun. It forks lanes, and a lane a child for each order: no start-up.

A child that a fault kills dies by SIGKILL, as any other process would. A lane obeys one order at a time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import queue
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

TESTS = Path(__file__).resolve().parents[1]
LANES = 3
LOADED = (
    "crash.acts",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.substrait",
    "deltalake.fs",
    "lakemart.models.build",
    "redshift_connector",
    "boto3",
    "sqlglot.dialects.spark",
    "sqlglot.generators.spark",
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
    """The near end of a lane; an order at a time."""

    wire: IO[str]

    def obey(self, order: dict[str, Any]) -> Ended:
        """Has a child do it, to its end."""
        self.wire.write(json.dumps(order) + "\n")
        self.wire.flush()
        answer = self.wire.readline()
        assert answer, "the lane is gone"
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
    with ExitStack() as stack:
        ends = [socket.socketpair() for _ in range(LANES)]
        far = [stack.enter_context(end).fileno() for _, end in ends]
        process = started("crash.nursery", *map(str, far), pass_fds=far)
        stack.callback(process.wait, timeout=60)
        lanes = []
        for near, end in ends:
            end.close()
            stack.enter_context(near)
            lanes.append(Lane(stack.enter_context(near.makefile("rw", encoding="utf-8"))))
        yield Nursery(lanes)


def started(module: str, *words: str, **more: Any) -> subprocess.Popen[str]:
    """A module of these tests as a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])}
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, env=environment, text=True, **{"stdin": subprocess.DEVNULL, **more})


def fork_lanes(wires: Sequence[int]) -> None:
    """Forks a lane for each wire, which serves until the other end is closed; returns when all have ended."""
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()
    lanes = []
    for wire in wires:
        lane = os.fork()
        if not lane:
            for other in wires:
                if other != wire:
                    os.close(other)
            with os.fdopen(wire, "r", encoding="utf-8") as orders, os.fdopen(os.dup(wire), "w") as answers:
                serve(orders, answers)
            os._exit(0)
        lanes.append(lane)
    for wire in wires:
        os.close(wire)
    for lane in lanes:
        os.waitpid(lane, 0)


def serve(orders: IO[str], answers: IO[str]) -> None:
    """Forks a child for each line of `orders` and answers with how it ended."""
    from crash.acts import warm  # noqa: PLC0415 - see fork_lanes

    for line in orders:
        order = json.loads(line)
        warm(order["servers"])
        answers.write(json.dumps(asdict(_child(order))) + "\n")
        answers.flush()


def _child(order: dict[str, Any]) -> Ended:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _live(order, writing)
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

    from crash.acts import Order, obey  # noqa: PLC0415 - see fork_lanes

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
    fork_lanes([int(word) for word in sys.argv[1:]])
