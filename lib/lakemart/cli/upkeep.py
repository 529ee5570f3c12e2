"""The command that keeps lake, staging, warehouse and ledger in order."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from lakemart.cli import work
from lakemart.cli.answer import Answer
from lakemart.cli.arguments import GLOBAL_NOTE
from lakemart.config.notations import SIZE, as_size
from lakemart.errors import ConfigError

app = typer.Typer()


@app.command(epilog=GLOBAL_NOTE)
def maintain(  # noqa: PLR0913, PLR0917 - one parameter for each option, as typer wants them
    ctx: typer.Context,
    target: Annotated[
        str, typer.Option("--target", metavar="SIZE", help="Small files are merged up to this size, such as 256MB.")
    ] = "128MB",
    keep: Annotated[
        float,
        typer.Option("--keep", metavar="DAYS", help="How long replaced files stay, for readers of older versions."),
    ] = 7.0,
    no_readers: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--no-readers", metavar="", help="Let --keep be less than a day: nobody reads old versions.")
    ] = False,
    dry_run: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--dry-run", metavar="", help="Say what would be done, and do nothing.")
    ] = False,
    rebuild_ledger: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool,
        typer.Option("--rebuild-ledger", metavar="", help="Only make the ledger's tables anew from its small objects."),
    ] = False,
) -> Answer:
    """Merge small files, delete what no version needs any more, take old slices out of the warehouse.

    Safe at any time and twice; readers are not disturbed. What failed attempts left behind goes by the ledger's numbers,
    never by age; the ledger itself is never shortened. Examples:

    - `lakemart maintain --dry-run`
    - `lakemart maintain --target 256MB --keep 14`
    - `lakemart maintain --rebuild-ledger`
    """
    return work.maintain(
        ctx.obj,
        target=_size(target),
        keep=timedelta(days=keep),
        flags={"no_readers": no_readers, "dry": dry_run, "rebuild_ledger": rebuild_ledger},
    )


def _size(text: str) -> int:
    """A size as the project's files have it, in bytes. Raises ConfigError for anything else."""
    if SIZE.fullmatch(text) is None or not as_size(text):
        raise ConfigError(f"{text!r} is not a size", next_step="Write it as 128MB or 1.5GB.")
    return as_size(text)
