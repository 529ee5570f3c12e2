"""What stands in project.yaml under one environment → locations, warehouse, engine; and their contradictions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lakemart.config.document import Node
from lakemart.config.problems import Problems, shown
from lakemart.config.project import EMBEDDED_STAGING_BUCKET, S3, Engine, Lease, Part, Place, Warehouse
from lakemart.config.project_file import EMBEDDED, BucketOwnersFile, ProjectFile, WarehouseFile

S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^\s?#]*)?")
LOCATIONS: tuple[Place, ...] = ("raw", "lake", "staging")
SECRET_WORDS = re.compile(r"secret|password|token|access\.?key|credential", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the command line says beside the files, and whether the project has marts."""

    folder: Path
    env: str
    state: Path | None
    has_marts: bool


def project_values(written: ProjectFile, node: Node, chosen: Chosen, problems: Problems) -> dict[str, Any]:
    """The project's values without its sources and models, as keywords of `Project`."""
    folder, env = chosen.folder, chosen.env
    state = chosen.state
    state_folder = (
        Path.cwd() / state if state is not None else _folder(written.state, node.at("state"), folder)
    ).resolve()
    locations, embedded = _locations(written, node, chosen, state_folder, problems)
    if "://" not in locations.get("staging", "s3://"):
        message = f"'staging' is {shown(written.staging)}, but COPY reads S3 only"
        problems.add(node.at("staging").place, message, "write s3://BUCKET/PREFIX, or embedded")
    if node.at("warehouse").content == EMBEDDED:
        embedded.add("warehouse")
    _check_places(locations, node, problems)
    if chosen.has_marts:
        _check_marts(written, node, env, problems)
    return {
        "name": written.project,
        "folder": folder,
        "env": env,
        "state": state_folder,
        "raw": locations["raw"],
        "lake": locations["lake"],
        "staging": locations.get("staging"),
        "warehouse": _warehouse(written.warehouse, node.at("warehouse"), env, problems),
        "s3": S3(endpoint_url=written.s3.endpoint_url, region=written.s3.region) if written.s3 else None,
        "bucket_owners": _owners(written.bucket_owners),
        "embedded": frozenset(embedded),
        "engine": _engine(written, node, problems),
        "lease": Lease(ttl=written.lease.ttl),
    }


def _locations(
    written: ProjectFile, node: Node, chosen: Chosen, state_folder: Path, problems: Problems
) -> tuple[dict[str, str], set[Part]]:
    """The locations of raw, lake and staging, and which of them the embedded S3 server holds."""
    embedded: set[Part] = set()
    locations: dict[str, str] = {}
    for part in LOCATIONS:
        text = getattr(written, part)
        if text is None:
            continue
        if text == EMBEDDED and part == "lake":
            locations[part] = str(state_folder / "lake")
            continue
        if text == EMBEDDED and part == "staging":
            locations[part] = f"s3://{EMBEDDED_STAGING_BUCKET}/{written.project}"
            embedded.add(part)
            continue
        locations[part] = _location(part, node.at(part), chosen.folder, problems)
        if chosen.env == "local" and written.s3 is None and locations[part].startswith("s3://"):
            embedded.add(part)
    return locations, embedded


def _owners(written: BucketOwnersFile | None) -> dict[Place, str]:
    if written is None:
        return {}
    return {part: owner for part in LOCATIONS if (owner := getattr(written, part)) is not None}


def _folder(text: str, node: Node, folder: Path) -> Path:
    """A local folder: relative to the project in files, to the current folder on the command line and in variables."""
    return (folder if node.place.origin == "file" else Path.cwd()) / Path(text).expanduser()


def _location(part: str, node: Node, folder: Path, problems: Problems) -> str:
    text = str(node.content)
    if text.startswith("s3://"):
        clean = text.rstrip("/")
        if S3_URI.fullmatch(clean) is None or ".." in clean.split("/"):
            # The text is not repeated: a location with keys in it is the usual reason.
            problems.add(
                node.place,
                f"'{part}' is not an S3 location",
                "write s3://BUCKET/PREFIX, without keys, spaces, '?' or '#'",
            )
        return clean
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+]*)://", text)
    if scheme is not None:
        hint = "write s3://" if scheme[1] in {"s3a", "s3n"} else "write s3://BUCKET/PREFIX or a folder"
        problems.add(node.place, f"'{part}' begins with {scheme[1]}://", hint)
        return text
    return str(_folder(text, node, folder).resolve())


def _check_places(locations: dict[str, str], node: Node, problems: Problems) -> None:
    """Nothing may lie within lake or staging, where lakemart cleans up; within raw is odd, but harms nothing."""
    for part, location in locations.items():
        for other, outer in locations.items():
            if other not in {part, "raw"} and f"{location}/".startswith(f"{outer}/"):
                problems.add(node.at(part).place, f"'{part}' lies within '{other}'", "give each a place of its own")


def _check_marts(written: ProjectFile, node: Node, env: str, problems: Problems) -> None:
    for part in ("staging", "warehouse"):
        if part not in node.items:
            problems.add(
                node.place,
                f"'{part}' is missing in the environment '{env}': there are models to publish",
                f"write {part}:, or embedded",
            )
    if (
        written.staging == EMBEDDED
        and isinstance(written.warehouse, WarehouseFile)
        and written.warehouse.host not in {"localhost", "127.0.0.1"}
    ):
        problems.add(
            node.key_place("warehouse"),
            "'warehouse' is not embedded but 'staging' is: Redshift cannot read a server on this machine",
            "write staging: s3://BUCKET/PREFIX",
        )


def _warehouse(written: WarehouseFile | None, node: Node, env: str, problems: Problems) -> Warehouse | None:
    if written is None:
        return None
    if written.iam == (written.password is not None) and "password" not in node.items:
        problems.add(
            node.key_place(),
            "'warehouse' has neither a password nor iam",
            "write password: secret://env/NAME, or iam: true",
        )
    elif written.iam and "password" in node.items:
        problems.add(node.key_place("password"), "'password' does not go with 'iam: true'", "take one out")
    if written.iam and (written.cluster is None) == (written.workgroup is None):
        problems.add(
            node.key_place("iam"),
            "'iam' needs one of 'cluster' and 'workgroup'",
            "name the cluster, or the Serverless workgroup",
        )
    if not written.iam and written.user is None and "user" not in node.items:
        problems.add(node.key_place(), "'user' is missing in 'warehouse'")
    if not written.ssl and env != "local":
        problems.add(
            node.at("ssl").place,
            "'ssl' is false outside the environment local",
            "take it out: the connection is encrypted",
        )
    return Warehouse(**{key: getattr(written, key) for key in type(written).model_fields})


def _engine(written: ProjectFile, node: Node, problems: Problems) -> Engine:
    for key in written.engine.spark:
        if SECRET_WORDS.search(key):
            problems.add(
                node.key_place("engine", "spark", key),
                f"'{key}' is a credential, which Spark would show in its pages and logs",
                "use the machine's role or profile",
            )
    return Engine(
        inline_below=written.engine.inline_below, task_size=written.engine.task_size, spark=dict(written.engine.spark)
    )
