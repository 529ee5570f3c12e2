"""SIGTERM and SIGINT: the first ends the run cleanly, a second one at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from lakemart.steps import forget_stops, stop_at_next


class StoppedError(KeyboardInterrupt):
    """A signal asked the run to stop. No room catches it; on its way out leases are released and servers let go.

    What was under way is left as after a crash, and the next run finishes it.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@contextmanager
def stoppable() -> Iterator[None]:
    """While the body runs, the first signal raises StoppedError in the main thread and a second one kills.

    Should a library swallow the error, the next step raises it again.
    """
    before = {number: signal.signal(number, _stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        forget_stops()
        for number, handler in before.items():
            signal.signal(number, handler)


def _stop(number: int, _frame: FrameType | None) -> None:
    for known in (signal.SIGTERM, signal.SIGINT):
        signal.signal(known, _end_at_once)
    stop = StoppedError(signal.Signals(number).name)
    stop_at_next(stop)
    raise stop


def _end_at_once(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
