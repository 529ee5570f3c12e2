"""The commands that do no work on data: the embedded environment up and down, the configuration, the schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.text import Text

from lakemart.cli.answer import Answer
from lakemart.cli.connections import configuration, connections
from lakemart.cli.invocation import Invocation
from lakemart.cli.opening import load
from lakemart.config.resolved import resolved
from lakemart.config.schema import schema_texts, schemas
from lakemart.local.ending import bring_down
from lakemart.local.environment import Environment
from lakemart.local.state import LOADER, Endpoints


def up(invocation: Invocation) -> Answer:
    """Leaves the embedded servers up and says how to connect."""
    project = load(invocation.options)
    with Environment(project) as environment:
        endpoints = environment.endpoints(keep=True)
    return Answer(document=_document(endpoints, str(project.state)), view=lambda: connections(endpoints, project.lake))


def _document(endpoints: Endpoints, state: str) -> dict[str, Any]:
    return {
        "state": state,
        "s3": {
            "endpoint_url": endpoints.s3_url,
            "access_key": endpoints.access_key,
            "secret_key": endpoints.secret_key,
            "region": "us-east-1",
        },
        "warehouse": {
            "host": endpoints.host,
            "port": endpoints.port,
            "database": endpoints.database,
            "user": LOADER,
            "password": endpoints.users[LOADER],
            "users": dict(endpoints.users),
            "iam_role": endpoints.iam_role,
        },
        "staging": endpoints.staging,
    }


def down(invocation: Invocation) -> Answer:
    """Ends the embedded servers of the state."""
    project = load(invocation.options)
    were_up = bring_down(project, wait=invocation.options.wait)
    words = "The embedded servers are down." if were_up else "The embedded servers were not up."
    return Answer(document={"state": str(project.state), "were_up": were_up}, view=lambda: Text(words))


def config(invocation: Invocation) -> Answer:
    """The resolved configuration with the origin of each written value."""
    document = resolved(load(invocation.options))
    return Answer(document=document, view=lambda: configuration(document))


def schema(folder: Path | None) -> Answer:
    """The JSON Schemas, printed or written into a folder."""
    if folder is None:
        document = schemas()
        texts = schema_texts()
        return Answer(document=document, view=lambda: Text("\n".join(texts.values()), no_wrap=True, overflow="ignore"))
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
        written.append(str(folder / name))
    return Answer(document={"written": written}, view=lambda: Text("\n".join(written)))
