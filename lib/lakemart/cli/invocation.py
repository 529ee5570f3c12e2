"""What one invocation of the command line carries through its commands."""

from __future__ import annotations

from dataclasses import dataclass, field

from lakemart.cli.arguments import Globals
from lakemart.pipeline.context import Run


@dataclass(slots=True, kw_only=True)
class Invocation:
    """The run this invocation is, and its global options once they are parsed."""

    run: Run
    options: Globals = field(default_factory=Globals)
