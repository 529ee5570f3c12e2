"""How to reach a warehouse, and who speaks to it: values that never show a secret."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from lakemart.config.project import Warehouse
from lakemart.config.secrets import Secret, resolve
from lakemart.errors import ConfigError
from lakemart.steps import STEPS

URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.()=+@-]+)+")
ROLE = re.compile(r"arn:aws[a-z-]{0,20}:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}")
DEFAULT_ROLE = "default"

_LABEL_BYTES = 300
"""What Redshift keeps of a query label is 320 characters."""

_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_UNSAFE = re.compile(r"[^A-Za-z0-9 _.,:+=@-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseTarget:
    """A Redshift endpoint ready to connect to. Either `password`, or `iam` with `cluster` or `workgroup`, is set.

    `iam_role` is the role that COPY assumes: an ARN, ARNs chained by commas, or `default`.
    """

    host: str
    port: int
    database: str
    user: str
    password: Secret | None = None
    iam_role: str
    ssl: bool = True
    iam: bool = False
    cluster: str | None = None
    workgroup: str | None = None
    region: str | None = None

    @classmethod
    def of(cls, warehouse: Warehouse) -> WarehouseTarget:
        """The endpoint of a project's warehouse section; resolves its secret and raises ConfigError when there is none."""
        return cls(
            host=warehouse.host,
            port=warehouse.port,
            database=warehouse.database,
            user=warehouse.user or "",
            password=resolve(warehouse.password) if warehouse.password else None,
            iam_role=warehouse.iam_role,
            ssl=warehouse.ssl,
            iam=warehouse.iam,
            cluster=warehouse.cluster,
            workgroup=warehouse.workgroup,
        )

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return _LOOPBACK.fullmatch(self.host) is not None

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """Who sends a statement, for the comment before it and the session's label. Every field is shown, none is secret."""

    version: str
    project: str
    model: str
    run: str
    user: str

    def comment(self, step: str) -> str:
        r"""The comment that goes before a statement of `step`: JSON that can end or nest no comment.

        >>> Tag(version="1", project="p", model="*/ drop", run="r", user="u").comment("warehouse.copy")[57:71]
        '"\\u002a\\u002f '
        """
        if step not in STEPS and step != "warehouse.read":
            raise KeyError(step)
        fields = {"app": "lakemart", "version": self.version, "project": self.project, "model": self.model}
        return "/* " + _json({**fields, "step": step, "run": self.run, "user": self.user}) + " */"

    @property
    def label(self) -> str:
        """The session's query group: the run id first, for views that keep 30 characters, then the tag as JSON."""
        return f"{_safe(self.run)} {_json({'app': 'lakemart', 'project': self.project, 'model': self.model})}"[
            :_LABEL_BYTES
        ]


def checked_uri(uri: str) -> str:
    """The URI of an object that COPY may be told of; raises ConfigError for anything a quote or space could hide in."""
    if URI.fullmatch(uri) is None:
        raise ConfigError(
            f"{uri!r} cannot stand in COPY",
            next_step="Use a staging location of plain letters, digits and ! _ . ( ) = + @ - in each part.",
        )
    return uri


def checked_role(role: str) -> str:
    """The role of COPY: ARNs of IAM roles joined by commas, or `default`; raises ConfigError otherwise."""
    if role != DEFAULT_ROLE and not all(ROLE.fullmatch(part) for part in re.split(r",(?=arn:)", role)):
        raise ConfigError(
            f"{role!r} is not the ARN of an IAM role",
            next_step="Write arn:aws:iam::123456789012:role/name, or default.",
        )
    return role


def _json(fields: dict[str, str]) -> str:
    return "{" + ",".join(f'{json.dumps(name)}:"{_safe(value)}"' for name, value in fields.items()) + "}"


def _safe(text: str) -> str:
    r"""Text in which all but plain characters are JSON escapes, so that neither SQL nor a driver finds a mark in it."""
    return _UNSAFE.sub(
        lambda match: json.dumps(match[0])[1:-1] if ord(match[0]) > 0x7F else f"\\u{ord(match[0]):04x}", text
    )


def app_version() -> str:
    """The version of this lakemart as installed; 0 from a bare checkout."""
    try:
        return version("lakemart")
    except PackageNotFoundError:
        return "0"
