"""The values of a whole project under one environment: what `load_project` gives and every stage works from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from lakemart.config.model import Model
from lakemart.config.source import Source

Part = Literal["raw", "lake", "staging", "warehouse"]
"""What an environment can embed: a location on the embedded S3 server, or the warehouse as localshift."""

Place = Literal["raw", "lake", "staging"]

EMBEDDED_STAGING_BUCKET = "lakemart-staging"
"""The bucket of the embedded S3 server that COPY reads from when a project names no staging of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warehouse:
    """How to reach Amazon Redshift. Exactly one of `password` (a `secret://` reference, never a value) and `iam` is set.

    `iam` takes temporary credentials for `cluster` or `workgroup`. `iam_role` is the role that COPY assumes: an ARN, a
    chain of ARNs joined by commas, or `default`.
    """

    host: str
    port: int = 5439
    database: str
    user: str | None = None
    password: str | None = None
    iam: bool = False
    iam_role: str
    cluster: str | None = None
    workgroup: str | None = None
    ssl: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """An S3 endpoint by explicit word; without it the AWS SDK's own rules hold. None: the SDK decides."""

    endpoint_url: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How work is run: sizes in bytes of raw JSON. A batch below `inline_below` needs no Spark."""

    inline_below: int = 256_000_000
    task_size: int = 256_000_000
    spark: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """How long a lease that nobody renews is watched before it is taken over."""

    ttl: timedelta = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project under one environment.

    `raw`, `lake` and `staging` are `s3://bucket/prefix` or an absolute folder, without a slash at the end; `staging` is
    always S3, None when no environment needs it. `warehouse` is None when it is embedded or when the project has none.
    `bucket_owners` has the accounts that must own the buckets of `raw`, `lake` and `staging`, as far as they are named.
    `embedded` names the parts that the embedded environment provides; empty means nothing needs to be started.
    `origins` says for every written value where it came from (`project.yaml:3:8`, `LAKEMART__raw`, `--set raw`).
    """

    name: str
    folder: Path
    env: str
    state: Path
    raw: str
    lake: str
    staging: str | None
    warehouse: Warehouse | None
    s3: S3 | None = None
    bucket_owners: Mapping[Place, str] = field(default_factory=dict)
    embedded: frozenset[Part] = frozenset()
    engine: Engine = field(default_factory=Engine)
    lease: Lease = field(default_factory=Lease)
    sources: Mapping[str, Source] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def marts(self) -> Mapping[str, Model]:
        """The models with a publish section."""
        return {name: model for name, model in self.models.items() if model.publish is not None}

    @property
    def embedded_buckets(self) -> frozenset[str]:
        """The buckets that the embedded S3 server must hold for this project."""
        places = {"raw": self.raw, "lake": self.lake, "staging": self.staging or ""}
        return frozenset(
            uri.removeprefix("s3://").partition("/")[0] for part, uri in places.items() if part in self.embedded
        )

    def bucket_owner(self, uri: str) -> str | None:
        """The account that must own the bucket of a location of the project; None: whoever does."""
        return next((owner for part, owner in self.bucket_owners.items() if self.location(part) == uri), None)

    def location(self, part: Place) -> str:
        """The location of one part; a staging that the project does not name is an empty text."""
        return {"raw": self.raw, "lake": self.lake, "staging": self.staging or ""}[part]
