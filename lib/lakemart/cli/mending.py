"""The commands by which people set right what a plain run may not decide for them: accept, replay, backfill."""

from __future__ import annotations

from typing import Annotated

import typer

from lakemart.cli import work
from lakemart.cli.answer import Answer
from lakemart.cli.arguments import GLOBAL_NOTE

app = typer.Typer()


@app.command(epilog=GLOBAL_NOTE)
def accept(
    ctx: typer.Context,
    target: Annotated[
        str,
        typer.Argument(
            metavar="BATCH|OBJECT|TABLE", help="source/number, the key of an object, or a table.", show_default=False
        ),
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is kept in the ledger.")],
) -> Answer:
    """Take a refused batch, the readable part of a damaged object, or a table as others changed it, by explicit word.

    What cannot be read goes to quarantine with its range. `lakemart status` names what is held back. A table that
    somebody else committed to stops its writer; accepted, it goes on as it is, and a model's is built again. Examples:

    - `lakemart accept events/3 --reason "the vendor confirmed the rejects"`
    - `lakemart accept 2015/2015-01-01-0.json.gz --reason "the rest is lost at its source"`
    - `lakemart accept events --reason "deleted by hand on request 4711"`
    """
    return work.accept(ctx.obj, target, reason)


@app.command(epilog=GLOBAL_NOTE)
def replay(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source.", show_default=False)],
) -> Answer:
    """Decode a source's quarantined records again under today's contract, then build and publish what is due for it.

    Each record lands once and is marked resolved; what is rejected again stays in quarantine. Mend the contract first:
    `lakemart quarantine` shows why records were rejected. Example: `lakemart replay events`
    """
    return work.replay(ctx.obj, source)


@app.command(epilog=GLOBAL_NOTE)
def backfill(
    ctx: typer.Context,
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="One source; without it all.", show_default=False)
    ] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="SLICE", help="The first slice, included.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="SLICE", help="The last slice, included.")] = None,
) -> Answer:
    """Read slices again from raw: every object with records in them, in one batch; then build and publish them.

    The content is the same unless the contract changed. An object that is gone or has changed keeps its rows. Examples:

    - `lakemart backfill --from 2015-01-01 --to 2015-01-31`
    - `lakemart backfill events --from 2015-01-01`
    """
    return work.backfill(ctx.obj, source, first=first, last=last)
