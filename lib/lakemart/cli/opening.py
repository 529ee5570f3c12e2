"""From the global options to a project, and to everything a story needs. Nothing is started before it is asked for."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from lakemart.cli import progress
from lakemart.cli.arguments import Globals
from lakemart.config.load import load_project
from lakemart.config.project import Project
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.errors import ConfigError
from lakemart.local.environment import Environment
from lakemart.pipeline.context import Context, Run

FILE = "project.yaml"


def new_run() -> Run:
    """A run that begins now, on this machine, by this user."""
    now = datetime.now(UTC)
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # an account without a name, as containers have
    return Run(id=f"{now:%Y%m%dt%H%M%S}-{secrets.token_hex(3)}", at=now, user=user, host=socket.gethostname())


def project_folder(given: Path | None, current: Path) -> Path:
    """The project's folder: the one given, else the current folder, else the only project under ./conf."""
    if given is not None:
        if (given / FILE).is_file():
            return given
        raise ConfigError(
            f"there is no {FILE} in {str(given)!r}", next_step="Give the folder of a project with --project DIR."
        )
    if (current / FILE).is_file():
        return current
    found = sorted(path.parent for path in (current / "conf").glob(f"*/{FILE}"))
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"conf/{folder.name}" for folder in found)
        raise ConfigError(
            f"there are {len(found)} projects here: {names}", next_step=f"Choose one: --project conf/{found[0].name}."
        )
    raise ConfigError(
        f"there is no project here: neither {FILE} nor conf/*/{FILE} in {str(current)!r}",
        next_step="Go to a project's folder, or give it with --project DIR.",
    )


def load(options: Globals) -> Project:
    """The project the options name, under their environment. Raises ConfigError with every problem."""
    folder = project_folder(options.project, Path.cwd())
    return load_project(folder, env=options.env, settings=options.settings, state=options.state)


@contextmanager
def context(options: Globals, run: Run, project: Project) -> Iterator[Context]:
    """All a story needs; Spark and servers that it started end with it."""
    with ExitStack() as stack:
        environment = stack.enter_context(Environment(project))
        raw, lake = environment.location(project.raw), environment.location(project.lake)
        settings = EngineSettings(
            spark=project.engine.spark,
            locations=tuple(place for place in (raw, lake) if place.is_s3),
            console="all" if options.debug else "quiet",
            name=f"lakemart {project.name}",
        )
        engine = stack.enter_context(Engine(settings))
        tell = stack.enter_context(progress.shown(quiet=options.json))
        yield Context(
            project=project,
            run=run,
            lake=lake,
            raw=raw,
            engine=engine,
            staging=environment.staging,
            warehouse=environment.warehouse,
            wait=options.wait,
            progress=tell,
        )
