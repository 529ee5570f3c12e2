from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lakemart.config.project import Project
from lakemart.local.ending import bring_down
from lakemart.local.state import State

DOUBLE = Path(__file__).parent / "double"

COMMAND = """
import sys
from pathlib import Path
from lakemart.config.project import Project
from lakemart.local.environment import Environment
state = Path(sys.argv[1])
project = Project(name="demo", folder=state, env="local", state=state, raw="/raw", lake=str(state / "lake"),
    staging="s3://lakemart-staging/demo", warehouse=None, embedded=frozenset({"staging", "warehouse"}))
with Environment(project) as environment:
    print(environment.endpoints().s3_url, environment.warehouse().port, flush=True)
    sys.stdin.readline()
"""


def project_in(state: Path) -> Project:
    return Project(
        name="demo",
        folder=state,
        env="local",
        state=state,
        raw="/raw",
        lake=str(state / "lake"),
        staging="s3://lakemart-staging/demo",
        warehouse=None,
        embedded=frozenset({"staging", "warehouse"}),
    )


def eventually(fact: Callable[[], bool], seconds: float = 30.0) -> bool:
    """Whether the fact came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.02)
    return fact()


def is_down(state: Path) -> bool:
    """Whether no supervisor holds the state and none of its processes is left."""
    with State(state).starting():
        lives = State(state).server_lives()
    return not lives and not processes(state)


def processes(state: Path, word: str = "") -> list[int]:
    """The processes whose command line names the state's folder, and the word."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                line = (folder / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ")
            except OSError:
                continue
            if str(state) in line and COMMAND[:20] not in line and word in line:
                found.append(int(folder.name))
    return found


class Command:
    """Another process that uses the environment until it is told to end."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(state)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )

    def ready(self) -> str:
        """Waits until it has the servers; what it says about them."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate("\n", timeout=30)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate(timeout=30)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state of its own under a path with a space, with the double in place of localshift; down at the end."""
    monkeypatch.syspath_prepend(str(DOUBLE))
    folder = tmp_path / "a state"
    yield folder
    bring_down(project_in(folder), wait=20)


@pytest.fixture
def other_state(state: Path) -> Iterator[Path]:
    """A second one beside it."""
    folder = state.with_name("another")
    yield folder
    bring_down(project_in(folder), wait=20)
