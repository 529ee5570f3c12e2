"""The commands, as people type them: their options and their help. What they do stands in `work.py` and `places.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lakemart.cli import mending, new, places, upkeep, work
from lakemart.cli.answer import Answer
from lakemart.cli.arguments import GLOBAL_NOTE, Globals, waiting
from lakemart.cli.work import Slices

app = typer.Typer(
    name="lakemart",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(new.app)
app.add_typer(mending.app)
app.add_typer(upkeep.app)

Date = Annotated[str | None, typer.Option("--date", metavar="SLICE", help="Only this slice, such as 2015-01-01.")]
From = Annotated[str | None, typer.Option("--from", metavar="SLICE", help="Only slices from this one on.")]
To = Annotated[str | None, typer.Option("--to", metavar="SLICE", help="Only slices up to this one, included.")]
SourceName = Annotated[
    str | None, typer.Argument(metavar="SOURCE", help="One source; without it all.", show_default=False)
]
Again = Annotated[bool, typer.Option("--again", metavar="", help="All slices: undoes what others did to a mart.")]
ModelName = Annotated[
    str | None, typer.Argument(metavar="MODEL", help="One model; without it all.", show_default=False)
]


@app.callback()
def options(  # noqa: PLR0913, PLR0917 - one parameter for each global option, as typer wants them
    ctx: typer.Context,
    project: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The project's folder. Default: the current folder, or the only project in ./conf."
        ),
    ] = None,
    env: Annotated[str, typer.Option(metavar="NAME", help="Which section of `environments` holds.")] = "local",
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the embedded environment keeps its data. Default: .lakemart in the project."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="a.b=VALUE", help="Sets one key of the project, such as raw=/some/folder. Repeatable."
        ),
    ] = None,
    json: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--json", metavar="", help="One JSON document on standard output, and nothing else there.")
    ] = False,
    debug: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--debug", metavar="", help="All log lines, Spark's too, and a stack trace with an error.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(
            metavar="[SECONDS]",
            help="Wait for another run that is at work; without a number as long as it takes.",
            show_default=False,
        ),
    ] = 0.0,
) -> None:
    """Raw JSON in S3 → Delta lake → Redshift marts, with books that balance.

    Begin with `lakemart run`: it ingests, builds and publishes whatever is due, and is safe to run at any time. The
    environment `local` needs no cloud: its S3 and its Redshift double run on this machine while a command needs them.

    Exit codes: 0 done or nothing to do · 1 failed · 2 usage or configuration · 3 a data gate stopped something ·
    4 another run is at work · 5 try again later.
    """
    ctx.obj.options = Globals(
        project=project,
        env=env,
        state=state,
        settings=tuple(settings or ()),
        json=json,
        debug=debug,
        wait=waiting(wait),
    )


@app.command(epilog=GLOBAL_NOTE)
def run(
    ctx: typer.Context,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="Only this source or model. Repeatable.")
    ] = None,
    date: Date = None,
    first: From = None,
    last: To = None,
) -> Answer:
    """Ingest, build and publish whatever is due.

    Finishes first what an earlier run left open; a second run in a row has nothing to do. Examples:

    - `lakemart run`
    - `lakemart run --project conf/gharchive --env prod --json`
    - `lakemart run --only hourly_activity --from 2015-01-01 --to 2015-01-31`
    """
    return work.run(ctx.obj, ("ingest", "build", "publish"), only, Slices(date, first, last))


@app.command(epilog=GLOBAL_NOTE)
def ingest(ctx: typer.Context, source: SourceName = None) -> Answer:
    """Read new raw objects into the clean tables; what is malformed goes to quarantine.

    Examples: `lakemart ingest` · `lakemart ingest events --set raw=/some/folder`
    """
    return work.run(ctx.obj, ("ingest",), [source] if source else None, Slices(), kind="source")


@app.command(epilog=GLOBAL_NOTE)
def build(
    ctx: typer.Context, model: ModelName = None, date: Date = None, first: From = None, last: To = None
) -> Answer:
    """Build the slices of models whose inputs changed, and audit them before anyone sees them.

    Examples: `lakemart build` · `lakemart build hourly_activity --date 2015-01-01`
    """
    return work.run(ctx.obj, ("build",), [model] if model else None, Slices(date, first, last), kind="model")


@app.command(epilog=GLOBAL_NOTE)
def publish(ctx: typer.Context, model: ModelName = None, again: Again = False) -> Answer:  # noqa: FBT002 - a flag
    """Load the changed slices of marts into the warehouse by COPY, in one short transaction each.

    Examples: `lakemart publish` · `lakemart publish hourly_activity --again --env prod`
    """
    return work.run(ctx.obj, ("publish",), [model] if model else None, Slices(again=again), kind="mart")


@app.command(epilog=GLOBAL_NOTE)
def status(ctx: typer.Context) -> Answer:
    """Show how each source, model and mart stands: last run, rows, freshness, what is open, refused or damaged.

    Reads the lake only; starts no Spark and no server. Example: `lakemart status --json`
    """
    return work.status(ctx.obj)


@app.command(epilog=GLOBAL_NOTE)
def books(
    ctx: typer.Context,
    run_id: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="Of one run; without it since the beginning.")
    ] = None,
) -> Answer:
    """Show the balance sheet: records = good + quarantined + duplicate + filtered; lake = staged = copied = warehouse.

    Exit 3 when an equation does not hold. Examples: `lakemart books` · `lakemart books --run 20261124t061153-7f3c2a`
    """
    return work.books(ctx.obj, run_id)


@app.command(epilog=GLOBAL_NOTE)
def verify(ctx: typer.Context) -> Answer:
    """Recompute what the ledger claims: lake tables file by file, marts against the warehouse. Exit 3 on drift.

    Example: `lakemart verify --env prod --json`
    """
    return work.verify(ctx.obj)


@app.command(epilog=GLOBAL_NOTE)
def quarantine(
    ctx: typer.Context,
    source: SourceName = None,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the exact raw bytes, a record a line.")
    ] = None,
) -> Answer:
    """Show why records were rejected, with counts and samples; or export them exactly as they came.

    Examples: `lakemart quarantine` · `lakemart quarantine events --export rejected.ndjson`
    """
    return work.quarantine(ctx.obj, source, export)


@app.command(epilog=GLOBAL_NOTE)
def query(
    ctx: typer.Context,
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One statement; quote it for the shell.", show_default=False)
    ],
    lake: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--lake", metavar="", help="Spark SQL over the lake's tables instead of the warehouse.")
    ] = False,
) -> Answer:
    """Run SQL on the warehouse, or with --lake on the lake's tables, and print the rows.

    Examples: `lakemart query "select count(*) from marts.hourly_activity"` ·
    `lakemart query --lake "select event_type, count(*) from events group by 1" --json`
    """
    return work.query(ctx.obj, sql, lake=lake)


@app.command(epilog=GLOBAL_NOTE)
def up(ctx: typer.Context) -> Answer:
    """Start the embedded S3 server and warehouse and leave them up; print how to connect. `lakemart down` ends them.

    For psql, notebooks and BI tools. Commands find the servers and use them. Example: `lakemart up --json`
    """
    return places.up(ctx.obj)


@app.command(epilog=GLOBAL_NOTE)
def down(ctx: typer.Context) -> Answer:
    """End the embedded servers and wait until they are gone; their data stays in the state folder.

    A command that still uses them is not disturbed: exit 4, or give --wait. Example: `lakemart down --wait`
    """
    return places.down(ctx.obj)


@app.command(epilog=GLOBAL_NOTE)
def config(ctx: typer.Context) -> Answer:
    """Print the project as it is after environment, variables and --set, and where each value came from.

    Secrets stay references. Example: `lakemart config --env prod --set lake=s3://other/lake`
    """
    return places.config(ctx.obj)


@app.command(epilog=GLOBAL_NOTE)
def schema(
    write: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write the schemas as files into this folder.")
    ] = None,
) -> Answer:
    """Print the JSON Schemas of project, source and model files, for editors.

    Examples: `lakemart schema --json` · `lakemart schema --write conf/schema`
    """
    return places.schema(write)
