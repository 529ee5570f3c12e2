"""What the process's environment asks of lakemart itself, beside the project's keys."""

from __future__ import annotations

import os
from collections.abc import Mapping

FAULTS = "LAKEMART_FAULT"


def faults(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The faults that a test asks for: `step:before|after:kill|stop|raise|hang|lose[:nth]`, separated by commas."""
    text = (os.environ if environ is None else environ).get(FAULTS, "")
    return tuple(part.strip() for part in text.split(",") if part.strip())
