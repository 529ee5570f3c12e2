"""Standard error of a job: spark-submit gives a Python driver one pipe for both streams; here they part again."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path


def part() -> None:
    """Sends standard error to where spark-submit's own goes, if both streams are the one pipe to its JVM.

    Nothing changes elsewhere, nor where that place cannot be opened.
    """
    out, err = os.fstat(1), os.fstat(2)
    if not stat.S_ISFIFO(out.st_mode) or not os.path.samestat(out, err):
        return
    parent = Path(f"/proc/{os.getppid()}")
    with suppress(OSError):
        if (parent / "comm").read_text(encoding="utf-8").strip() == "java":
            place = os.open(parent / "fd" / "2", os.O_WRONLY | os.O_APPEND)
            os.dup2(place, 2)
            os.close(place)
