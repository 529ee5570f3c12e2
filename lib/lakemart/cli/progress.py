"""Progress of long work: bars on a terminal, nothing elsewhere (the log lines tell it there)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from lakemart.pipeline.context import Progress as Told


@contextmanager
def shown(*, quiet: bool) -> Iterator[Told]:
    """What the pipeline tells its progress to. The bars go away when the body ends; the answer stays."""
    if quiet or not sys.stderr.isatty():
        yield _nothing
        return
    bars = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, TaskID] = {}

    def tell(what: str, done: int, of: int) -> None:
        if what not in tasks:
            tasks[what] = bars.add_task(what, total=of or None)
        bars.update(tasks[what], completed=done, total=of or None)

    with bars:
        yield tell


def _nothing(what: str, done: int, of: int) -> None:
    """Tells nobody."""
    del what, done, of
