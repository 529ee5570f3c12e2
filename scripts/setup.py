"""Set-up: everything that lakemart needs on this machine, in .venv and .cache of the checkout, and nothing outside.

Safe to call at any time: each stage is remembered by a fingerprint of what it depends on, so a second call does nothing
and an interrupted one is taken up again; two calls at once wait for one another. `--again` also retries a native decoder
that failed to build. Called by scripts/setup, which finds the Python 3.11.
"""

from __future__ import annotations

import fcntl
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from setup_stages import jars, java, native, packages, quickstart
from setup_stages.place import CACHE, FAILED, LOCKS, LOG, PYTHON, ROOT, SPARK_JARS, VENV, SetupError, fingerprint

STATE = VENV / "setup.json"
BEGUN = "begun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One part of set-up: what it depends on, what must be there when it is done, and the work.

    `work` is told whether an earlier try was cut off, and returns a sentence for the user, mostly an empty one.
    """

    name: str
    about: str
    inputs: str
    result: Path
    work: Callable[[bool], str | None]


def main(arguments: list[str]) -> int:
    """The exit code: 0 all is there, 1 failed, 2 a tool is missing or wrong, 5 no network."""
    again = "--again" in arguments
    try:
        if all_there(again=again):
            if again:
                print("set-up: all is there.")
            return 0
        CACHE.mkdir(exist_ok=True)
        with one_at_a_time():
            set_up(again=again)
    except SetupError as problem:
        sys.stdout.flush()
        print(f"set-up: {problem}", file=sys.stderr)
        return problem.code
    except OSError as problem:
        print(f"set-up: {problem}. Details: {LOG}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("set-up: interrupted; the next call goes on from here.", file=sys.stderr)
        return 130
    return 0


def stages() -> list[Stage]:
    """The stages in their order; those that stand on another carry its inputs in theirs."""
    machine = java.find_java()
    base = f"{sys.version_info[:3]} {sys.base_prefix} {ROOT}"
    locked = fingerprint([LOCKS / "setup.txt", LOCKS / "dev.txt"], base)
    placed = fingerprint([jars.LIST], locked)
    project = fingerprint([ROOT / "pyproject.toml"], locked)
    return [
        Stage(
            name="environment",
            about="Java 17, and a Python environment in .venv (a few seconds)",
            inputs=f"{base} {machine.resolve()}",
            result=PYTHON,
            work=lambda _: prepare(machine),
        ),
        Stage(
            name="packages",
            about="the locked Python packages (800 MB, a minute or two)",
            inputs=locked,
            result=SPARK_JARS,
            work=lambda cut_off: packages.install(again=cut_off),
        ),
        Stage(
            name="jars",
            about="36 jars for Delta and S3 (18 MB, about 15 seconds)",
            inputs=placed,
            result=jars.PLACED,
            work=lambda _: jars.bring(machine),
        ),
        Stage(
            name="lakemart",
            about="lakemart itself (a few seconds)",
            inputs=project,
            result=VENV / "bin" / "lakemart",
            work=lambda _: packages.install_lakemart(),
        ),
        *native_stage(),
        Stage(
            name="quick start",
            about="an archive of Spark's classes, for quicker starts (130 MB, about a minute)",
            inputs=quickstart.inputs(placed, machine),
            result=quickstart.ARCHIVE,
            work=lambda _: quickstart.make(),
        ),
    ]


def native_stage() -> list[Stage]:
    """The stage of the native decoder, where its sources are."""
    if not native.stands():
        return []
    return [
        Stage(
            name="decoder",
            about="the native decoder (Rust, about a minute)",
            inputs=native.inputs(),
            result=native.result(),
            work=lambda _: native.build(),
        )
    ]


def all_there(*, again: bool) -> bool:
    """Whether nothing is left to do."""
    known = read_state()
    return not (again and native.WITHOUT.exists()) and all(is_done(stage, known) for stage in stages())


def set_up(*, again: bool) -> None:
    """Every stage is done; each is written down as begun before its work and as done after it."""
    if again:
        native.WITHOUT.unlink(missing_ok=True)
    LOG.write_text("", encoding="utf-8")
    todo = stages()
    for number, stage in enumerate(todo, start=1):
        known = read_state()
        if is_done(stage, known):
            continue
        print(f"set-up {number}/{len(todo)}: {stage.about} ...", end=" ", flush=True)
        started = time.monotonic()
        write_state({**known, stage.name: BEGUN})
        try:
            notice = stage.work(known.get(stage.name) == BEGUN)
        except BaseException:
            print("stopped.", flush=True)
            raise
        write_state({**read_state(), stage.name: stage.inputs})
        print(f"done in {time.monotonic() - started:.0f} s.")
        if notice:
            print(f"set-up: {notice}")


def prepare(machine: Path) -> None:
    """Java is a Java 17, and `.venv` works."""
    java.check(machine)
    packages.make_environment()


def is_done(stage: Stage, known: dict[str, str]) -> bool:
    """Whether the stage was finished with today's inputs and its result is still there."""
    return known.get(stage.name) == stage.inputs and stage.result.exists()


def read_state() -> dict[str, str]:
    """Stage by stage the inputs it was done with; empty where there is no environment or the file is torn."""
    try:
        return dict(json.loads(STATE.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def write_state(state: dict[str, str]) -> None:
    """The state in the environment it is about, replaced in one step; nothing where there is no environment yet."""
    if PYTHON.exists():
        fresh = STATE.with_suffix(".new")
        fresh.write_text(json.dumps(state, indent=1), encoding="utf-8")
        fresh.replace(STATE)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Holds the checkout's set-up lock, which the system lets go of when the process ends, however it ends."""
    with (CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("set-up: another set-up is at work in this checkout; waiting for it.", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
