"""How to connect to the embedded environment, and the configuration with the origin of each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.local.state import LOADER, Endpoints
from lakemart.report.layout import table


def connections(endpoints: Endpoints, lake: str) -> RenderableType:
    """Endpoints, credentials and lines to paste, for the warehouse and for S3."""
    password = endpoints.users[LOADER]
    warehouse = table("warehouse", "")
    for label, content in (
        ("host", endpoints.host),
        ("port", str(endpoints.port)),
        ("database", endpoints.database),
        ("user", LOADER),
        ("password", password),
        *((f"also {user}", secret) for user, secret in endpoints.users.items() if user != LOADER),
        ("COPY's role", endpoints.iam_role),
    ):
        warehouse.add_row(Text(label, style="dim"), Text(content))
    s3 = table("s3", "")
    for label, content in (
        ("endpoint", endpoints.s3_url),
        ("access key", endpoints.access_key),
        ("secret key", endpoints.secret_key),
        ("staging", endpoints.staging),
    ):
        s3.add_row(Text(label, style="dim"), Text(content))
    psql = f"PGPASSWORD={password} psql -h {endpoints.host} -p {endpoints.port} -U {LOADER} {endpoints.database}"
    return Group(
        Text("The embedded environment is up and stays up.", style="bold green"),
        Text(""),
        warehouse,
        Text(""),
        s3,
        Text(""),
        Text.assemble(("psql   ", "dim"), psql, overflow="fold"),
        Text.assemble(("lake   ", "dim"), lake, overflow="fold"),
        Text.assemble(("end    ", "dim"), "lakemart down"),
    )


def configuration(document: Mapping[str, Any]) -> RenderableType:
    """Each value and where it was written, project first, then a block for each source and model. No origin: a default."""
    origins = document.get("origins", {})
    own = {key: content for key, content in document.items() if key not in {"sources", "models", "origins"}}
    parts: list[RenderableType] = [Text(f"project {document['name']}", style="bold"), _values(own, "", origins)]
    for kind in ("sources", "models"):
        for name, content in document[kind].items():
            parts += [Text(""), Text(f"{kind.removesuffix('s')} {name}", style="bold")]
            parts.append(_values(content, f"{kind}.{name}.", origins))
    return Group(*parts)


def _values(content: Mapping[str, Any], prefix: str, origins: Mapping[str, str]) -> RenderableType:
    made = table()
    made.show_header = False
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    made.add_column(style="dim", no_wrap=True)
    for path, value in _leaves(content, ""):
        made.add_row(Text(f"  {path}"), Text(value), Text(str(origins.get(prefix + path, ""))))
    return made


def _leaves(content: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every value that says something, with its dotted path; lists of scalars in one line."""
    if isinstance(content, Mapping):
        for key, item in content.items():
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    elif isinstance(content, list) and any(isinstance(item, Mapping | list) for item in content):
        for index, item in enumerate(content):
            yield from _leaves(item, f"{path}.{index}")
    elif isinstance(content, list) and content:
        yield path, ", ".join(str(item) for item in content)
    elif content not in (None, "", [], False):
        yield path, str(content)
