"""The shape of `project.yaml`: every key, its type, default and meaning. JSON Schema and reference come from here."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field

from lakemart.config.scalars import wrong
from lakemart.config.written_types import (
    Account,
    AlsoWritten,
    Duration,
    Flag,
    Name,
    Positive,
    Reference,
    Role,
    Size,
    Text,
    Written,
)

EMBEDDED = "embedded"


class WarehouseFile(Written):
    """Amazon Redshift, provisioned or Serverless. The password only by reference, or `iam: true`."""

    host: Text = Field(description="The endpoint's host.", examples=["${REDSHIFT_HOST}"])
    port: Positive = Field(5439, description="The endpoint's port.")
    database: Text = Field(description="The database.", examples=["analytics"])
    user: Text | None = Field(None, description="The database user.", examples=["loader"])
    password: Reference | None = Field(
        None,
        description="A reference to its password: secret://env/…, file, secretsmanager or ssm.",
        examples=["secret://env/REDSHIFT_PASSWORD"],
    )
    iam: Flag = Field(
        default=False, description="Instead of a password: temporary credentials by IAM, for `cluster` or `workgroup`."
    )
    iam_role: Role = Field(
        description="The role that COPY reads the staging location with.",
        examples=["arn:aws:iam::123456789012:role/copy"],
    )
    cluster: Text | None = Field(None, description="With `iam`: the cluster's identifier.")
    workgroup: Text | None = Field(None, description="With `iam`: the Serverless workgroup.")
    ssl: Flag = Field(default=True, description="Encrypt the connection; false only in the environment `local`.")


class S3File(Written):
    """An S3 endpoint by explicit word, such as MinIO or a region's."""

    endpoint_url: Text | None = Field(None, description="The endpoint.", examples=["http://localhost:9000"])
    region: Text | None = Field(None, description="The region.", examples=["eu-central-1"])


class BucketOwnersFile(Written):
    """The AWS accounts that must own the buckets: S3 refuses a request to a bucket that is another's."""

    raw: Account | None = Field(None, description="The account of the raw zone's bucket.", examples=["123456789012"])
    lake: Account | None = Field(None, description="The account of the lake's bucket.", examples=["123456789012"])
    staging: Account | None = Field(None, description="The account of staging's bucket.", examples=["123456789012"])


class EngineFile(Written):
    """How work is cut and run."""

    inline_below: Size = Field(
        256_000_000,
        json_schema_extra={"default": "256 MB"},
        description="A batch with less raw JSON than this runs without Spark.",
        examples=["256 MB"],
    )
    task_size: Size = Field(
        256_000_000,
        json_schema_extra={"default": "256 MB"},
        description="How much raw JSON one task decodes.",
        examples=["256 MB"],
    )
    spark: dict[str, Text] = Field(
        {}, description="Settings of the Spark session.", examples=[{"spark.driver.memory": "4g"}]
    )


class LeaseFile(Written):
    """The lease that keeps two runs from doing the same work."""

    ttl: Duration = Field(
        timedelta(seconds=15),
        json_schema_extra={"default": "15s"},
        description="How long a lease that nobody renews is watched before it is taken over.",
        examples=["60s"],
    )


def _warehouse(value: object) -> object:
    if value == EMBEDDED:
        return None
    if isinstance(value, str):
        raise wrong("must be a mapping or 'embedded'", "write host, database, user, password and iam_role under it")
    return value


WarehouseRule = Annotated[WarehouseFile | None, BeforeValidator(_warehouse), AlsoWritten({"const": EMBEDDED})]


class ProjectFile(Written):
    """A project: where raw objects, the lake, the staging area and the warehouse are, and how that differs by environment."""

    project: Name = Field(description="The project's name.", examples=["gharchive"])
    raw: Text = Field(
        description="Where raw objects lie: s3://bucket/prefix or a folder.", examples=["s3://demo-raw/gharchive"]
    )
    lake: Text = Field(
        description="Where the lake's tables and the ledger lie: s3://, a folder, or `embedded`.",
        examples=["s3://demo-lake/gharchive"],
    )
    staging: Text | None = Field(
        None,
        description="What COPY reads: s3://, or `embedded`. Needed by marts.",
        examples=["s3://demo-staging/gharchive"],
    )
    warehouse: WarehouseRule = Field(None, description="Amazon Redshift, or `embedded` (localshift). Needed by marts.")
    state: Text = Field(
        ".lakemart", description="The folder of the embedded environment's data.", examples=[".lakemart"]
    )
    s3: S3File | None = Field(
        None,
        description="The S3 endpoint of all s3:// locations. Default: the AWS SDK's; in `local` the embedded server.",
    )
    bucket_owners: BucketOwnersFile | None = Field(
        None,
        description="Who must own the buckets. Asked with every S3 request of lakemart's own, and first of each run; "
        "the Delta and Spark libraries and Redshift's COPY cannot ask it.",
    )
    engine: EngineFile = Field(
        default_factory=lambda: EngineFile.model_validate({}), description="Sizes of tasks, and Spark's settings."
    )
    lease: LeaseFile = Field(default_factory=lambda: LeaseFile.model_validate({}), description="The lease.")
