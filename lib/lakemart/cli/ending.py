"""The end of the process: with the exit code of the command, whatever threads libraries still have.

Python's own end tears the interpreter down around them. A thread of pyarrow that lets go of a buffer at that moment
aborts the process, after everything was done and said: 15 of 1,500 such ends on one busy core, 25 of 466 with wide tables.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from contextlib import suppress
from typing import NoReturn


def end(code: int) -> NoReturn:
    """Ends the process with this exit code: what waits for its end is called, what was printed is out, then at once.

    Threads are not waited for: whatever a command needs of them it has waited for before it answers.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - what Python's own end calls: coverage, temporary folders of libraries
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # a reader that went away, a stream that was closed
            stream.flush()
    os._exit(code)
