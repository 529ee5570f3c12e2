"""The registry of steps: every act that changes the world has a name here, for logs, tags and fault tests.

A test arms a fault by `arm("ingest.decision:after:kill")`; without that call a step costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from lakemart.errors import ConfigError, TransientError

STEPS: Final[dict[str, str]] = {
    "lease.take": "take the lease of a writer",
    "lease.renew": "renew the lease of a writer",
    "lease.release": "write the lease of a writer as free",
    "plan.write": "freeze what goes into number n of a writer",
    "ingest.files": "write the data files of a batch",
    "build.files": "write the data files of a model's slices",
    "compact.files": "write the merged files of a compaction",
    "publish.stage": "write the files and the manifest that COPY reads",
    "rebase.write": "let a number go onto a later version than its intent names",
    "decision.write": "freeze the intent, or the refusal, of number n",
    "lake.commit": "commit the actions of one table as one Delta version",
    "warehouse.prepare": "create schema, target and loads table where they lack",
    "warehouse.copy": "COPY the staged files into the session's staging table",
    "warehouse.replace": "replace the slices and record the load, in the transaction",
    "warehouse.commit": "commit the warehouse transaction",
    "done.write": "write the outcome of number n",
    "ledger.rebuild": "make one of the ledger's tables anew from the small objects",
    "ledger.project": "append the closed number to the ledger's tables",
}

When = Literal["before", "after"]
Act = Literal["kill", "stop", "raise", "hang", "lose"]


@dataclass(slots=True)
class Fault:
    """One armed fault: at the `nth` pass of `step`, do `act` before or after the step's body."""

    step: str
    when: When
    act: Act
    nth: int = 1
    passes: int = 0


_armed: list[Fault] = []
_stops: list[BaseException] = []


class LostAnswerError(TransientError, ConnectionError):
    """What a client sees when the other side did the work and the answer was lost. Raised by faults only."""


def arm(text: str) -> None:
    """Arms a fault written as `step:before|after:kill|stop|raise|hang|lose[:nth]`. For tests; nothing else calls it."""
    parts = text.split(":")
    known = len(parts) in (3, 4) and parts[0] in STEPS and parts[1] in get_args(When) and parts[2] in get_args(Act)
    if not known or not all(nth.isdecimal() and int(nth) for nth in parts[3:]):
        raise ConfigError(
            f"{text!r} is not a fault",
            next_step=f"Write step:before|after:kill|stop|raise|hang|lose[:nth]; steps: {', '.join(STEPS)}.",
        )
    nth = int(parts[3]) if parts[3:] else 1
    _armed.append(Fault(parts[0], cast("When", parts[1]), cast("Act", parts[2]), nth))


def disarm() -> None:
    """Takes every fault back."""
    _armed.clear()


def stop_at_next(stop: BaseException) -> None:
    """Has the next step of the main thread raise `stop` instead of beginning, unless it is what is being handled there.

    For what a signal raises wherever the program happens to be: a library that is being imported may swallow it.
    """
    _stops.append(stop)


def forget_stops() -> None:
    """Takes back what no step has raised."""
    _stops.clear()


@contextmanager
def step(name: str) -> Iterator[None]:
    """Marks the body as the step `name`. An armed fault fires before or after the body; `after` only when it succeeded."""
    if name not in STEPS:
        raise KeyError(name)
    if _stops and threading.current_thread() is threading.main_thread() and sys.exc_info()[1] is not _stops[0]:
        raise _stops.pop(0)
    if not _armed:
        yield
        return
    _fire(name, "before")
    yield
    _fire(name, "after")


def _fire(name: str, when: When) -> None:
    for fault in _armed:
        if (fault.step, fault.when) != (name, when):
            continue
        fault.passes += 1
        if fault.passes != fault.nth:
            continue
        if fault.act == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault.act == "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        elif fault.act == "hang":
            time.sleep(3600)
        elif fault.act == "lose":
            raise LostAnswerError(f"the answer to {name} was lost (fault)")
        else:
            raise RuntimeError(f"fault raised {when} {name}")
