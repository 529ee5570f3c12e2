"""`lakemart new`: a project to begin with, and a source's contract inferred from samples. Nothing is ever overwritten."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from lakemart.cli.answer import Answer
from lakemart.cli.arguments import Globals
from lakemart.cli.opening import FILE, load, project_folder
from lakemart.errors import ConfigError
from lakemart.infer.api import Inferred, infer
from lakemart.infer.samples import Sample
from lakemart.names import checked

BLOCK_BYTES = 1024 * 1024
SCHEMA_LINE = "# yaml-language-server: $schema={}\n"

PROJECT = """\
project: {name}
raw: s3://${{{upper}_RAW_BUCKET}}/{name}
lake: s3://${{{upper}_LAKE_BUCKET}}/{name}
staging: s3://${{{upper}_STAGING_BUCKET}}/{name}   # what COPY reads: always S3
warehouse:                                     # Redshift; passwords and keys only by reference
  host: ${{REDSHIFT_HOST}}
  port: 5439
  database: analytics
  user: loader
  password: secret://env/REDSHIFT_PASSWORD
  iam_role: ${{REDSHIFT_COPY_ROLE}}
environments:
  local:
    raw: raw                                   # a folder beside this file; lake, staging and warehouse are embedded
  prod: {{}}
"""

app = typer.Typer(name="new", help="Scaffold a project, or a source from sample data.")


@app.command("project")
def new_project(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Also the folder: ./conf/NAME, or ./NAME.")],
) -> Answer:
    """Make a project's folder with a project.yaml that runs under the environment `local` as it is.

    Put raw objects into its folder raw/, then infer a contract from one of them. Example: `lakemart new project shop`
    """
    folder = Path("conf" if Path("conf").is_dir() else ".") / checked(name)
    if folder.exists():
        raise ConfigError(f"'{folder}' is there already", next_step="Choose another name; nothing was changed.")
    for part in ("raw", "sources", "models"):
        (folder / part).mkdir(parents=True)
    text = PROJECT.format(name=name, upper=name.upper())
    _write(folder / FILE, _schema_line(folder, "../schema/project.schema.json") + text)
    words = f"{folder / FILE} written. Next: lakemart --project {folder} new source NAME --from FILE"
    return Answer(document={"project": name, "file": str(folder / FILE)}, view=lambda: Text(words))


@app.command("source")
def new_source(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the source and its table.")],
    first: Annotated[list[Path], typer.Option("--from", metavar="FILE", help="A sample. Repeatable.")],
    more: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Further samples.", show_default=False)
    ] = None,
    stdout: Annotated[  # noqa: FBT002 - a flag, as typer wants it
        bool, typer.Option("--stdout", metavar="", help="Print the contract even within a project.")
    ] = False,
) -> Answer:
    """Infer a contract from samples and write it as sources/NAME.yaml of the project; without a project, print it.

    Samples are JSON: one record a line, one after another, an array, or documents with an array of records; plain,
    gzip, zstd or bzip2. The contract takes every record of the samples. Examples:

    - `lakemart new source events --from raw/2015-01-01-0.json.gz`
    - `lakemart new source orders --from exports/*.json --stdout`
    """
    options: Globals = ctx.obj.options
    target = None if stdout else _target(options, name)
    files = [*first, *(more or [])]
    found = infer(name, [_sample(file) for file in files], prefix=_prefix(options, files) if target else None)
    if target is None:
        return Answer(
            document=_document(name, None, found),
            view=lambda: Text(found.text.rstrip("\n"), no_wrap=True, overflow="ignore"),
        )
    target.parent.mkdir(exist_ok=True)
    _write(target, _schema_line(target.parents[1], "../../schema/source.schema.json") + found.text)
    words = Text(_summary(target, found))
    return Answer(document=_document(name, target, found), view=lambda: words)


def _target(options: Globals, name: str) -> Path | None:
    """The file to write; None outside of any project. Raises ConfigError when a source of this name is there."""
    here = Path.cwd()
    if options.project is None and not (here / FILE).is_file() and not any(here.glob(f"conf/*/{FILE}")):
        return None
    folder = project_folder(options.project, here)
    for ending in ("yaml", "yml"):
        file = folder / "sources" / f"{checked(name)}.{ending}"
        if file.exists():
            raise ConfigError(
                f"'{file}' is there already",
                next_step="Choose another name, or print the contract with --stdout; nothing was changed.",
            )
    return folder / "sources" / f"{name}.yaml"


def _prefix(options: Globals, files: Sequence[Path]) -> str | None:
    """Where all samples lie under the project's raw folder; None when they lie elsewhere or raw is no folder."""
    with suppress(ConfigError, ValueError):
        raw = load(options).raw
        places = {file.resolve().parent.relative_to(Path(raw).resolve()) for file in files}
        if not raw.startswith("s3://"):
            common = next(iter(places)).parts
            for place in places:
                same = [one == other for one, other in zip(common, place.parts, strict=False)]
                common = common[: (*same, False).index(False)]
            return "".join(f"{part}/" for part in common)
    return None


def _sample(file: Path) -> Sample:
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "does not exist"
        raise ConfigError(f"the sample '{file}' {what}", next_step="Give files with --from.")

    def blocks() -> Iterator[bytes]:
        try:
            with file.open("rb") as stream:
                while block := stream.read(BLOCK_BYTES):
                    yield block
        except OSError as error:
            raise ConfigError(f"the sample '{file}' cannot be read: {error.strerror}") from error

    return Sample(file.name, blocks)


def _schema_line(folder: Path, relative: str) -> str:
    """The line that tells editors the schema, where a folder of schemas lies beside the project."""
    name = relative.rpartition("/")[2]
    return SCHEMA_LINE.format(relative) if (folder.resolve().parent / "schema" / name).is_file() else ""


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as sink:
            sink.write(text)
    except OSError as error:
        raise ConfigError(f"'{file}' cannot be written: {error.strerror}") from error


def _document(name: str, file: Path | None, found: Inferred) -> dict[str, object]:
    return {
        "source": name,
        "file": str(file) if file else None,
        "format": found.format.name,
        "records": found.counts.records,
        "good": found.counts.good,
        "quarantined": found.counts.quarantined,
        "reasons": dict(found.rejects),
        "columns": len(found.feed.tables[0].columns),
        "contract": found.text,
    }


def _summary(file: Path, found: Inferred) -> str:
    table, counts = found.feed.tables[0], found.counts
    rejects = ", ".join(f"{reason} {count:,}" for reason, count in sorted(found.rejects.items()))
    refused = f"; {counts.quarantined:,} would go to quarantine ({rejects})" if rejects else ", none is rejected"
    key = f"key {', '.join(table.key)}" if table.key else "no key is certain"
    return (
        f"{file} written: {len(table.columns)} columns, {key}.\n"
        f"It takes {counts.good:,} of {counts.records:,} records of the samples{refused}."
    )
