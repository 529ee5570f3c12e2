"""Objects in S3 as a COPY may read them: roles with prefixes, manifests, downloads. The only module that knows boto3."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localshift.errors import INTERNAL, SqlError, internal_detail

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file to load; `length` is the size the manifest promises, None for files found by prefix."""

    url: str
    mandatory: bool
    length: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Access to S3 in the name of one role: only its prefixes can be read."""

    client: S3Client
    role: str
    prefixes: tuple[str, ...]

    def _key(self, url: str) -> tuple[str, str]:
        if not any(url.startswith(prefix) for prefix in self.prefixes):
            raise s3_error(f"Access Denied,Status 403,Error AccessDenied,ExtRequestId none,CanRetry 1: {url}")
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return bucket, key

    def read(self, url: str) -> bytes:
        """Return a small object's bytes; SqlError when it is not there or not allowed."""
        bucket, key = self._key(url)
        try:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, url) from exc

    def size(self, url: str) -> int | None:
        """Return an object's size in bytes, None when there is no such object."""
        bucket, key = self._key(url)
        try:
            return self.client.head_object(Bucket=bucket, Key=key)["ContentLength"]
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") in MISSING:
                return None
            raise _translated(exc, url) from exc
        except BotoCoreError as exc:
            raise _translated(exc, url) from exc

    def download(self, url: str, path: Path) -> None:
        """Write an object's bytes to `path`."""
        bucket, key = self._key(url)
        try:
            body = self.client.get_object(Bucket=bucket, Key=key)["Body"]
            with path.open("wb") as file:
                for chunk in body.iter_chunks(1 << 20):
                    file.write(chunk)
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, url) from exc

    def list(self, url: str) -> list[Entry]:
        """Return the objects whose keys begin with the prefix, without hidden ones (`_*`, `.*`) and folder marks."""
        bucket, prefix = self._key(url)
        entries: list[Entry] = []
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                keys = (item["Key"] for item in page.get("Contents", []))
                entries += [
                    Entry(url=f"s3://{bucket}/{key}", mandatory=True, length=None)
                    for key in keys
                    if not key.endswith("/") and key.rpartition("/")[2][0] not in "_."
                ]
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, url) from exc
        return entries


def make_client(endpoint: str | None) -> S3Client:
    """Return an S3 client; with an endpoint and no credentials of the caller's, stand-in ones (local servers take any)."""
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}, max_pool_connections=32)
    if endpoint is None:
        return boto3.client("s3", config=config)
    known = "AWS_ACCESS_KEY_ID" in os.environ or "AWS_PROFILE" in os.environ
    session = boto3.Session() if known else boto3.Session("localshift", "localshift", region_name="us-east-1")
    return session.client("s3", endpoint_url=endpoint, config=config, region_name=session.region_name or "us-east-1")


def open_bucket(client: S3Client, roles: Mapping[str, tuple[str, ...]], role: str) -> Bucket:
    """Return access in the name of `role`; SqlError when the server was not told of such a role."""
    if role == "default" and roles:
        role = next(iter(roles))
    if role not in roles:
        raise SqlError(
            INTERNAL,
            f"User arn:aws:redshift:us-east-1:000000000000:dbuser:localshift is not authorized to assume IAM Role {role}",
            hint="Start localshift with --iam-role ARN=s3://bucket/prefix.",
        )
    return Bucket(client=client, role=role, prefixes=tuple(roles[role]))


def read_manifest(bucket: Bucket, url: str) -> list[Entry]:
    """Return the entries of a manifest for columnar files; SqlError when it is not one or lacks `content_length`."""
    try:
        document = json.loads(bucket.read(url))
        return [_entry(item, url) for item in document["entries"]]
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise SqlError(INTERNAL, f"The manifest {url} is not valid: {exc!r}") from exc


def _entry(item: Mapping[str, object], url: str) -> Entry:
    target, mandatory, meta = item["url"], item.get("mandatory", False), item.get("meta")
    if not isinstance(target, str) or not target.startswith("s3://") or not isinstance(mandatory, bool):
        raise SqlError(
            INTERNAL, f"The manifest {url} is not valid: an entry has no s3:// url or a wrong mandatory flag"
        )
    length = meta.get("content_length") if isinstance(meta, Mapping) else None
    if not isinstance(length, int) or isinstance(length, bool):
        raise SqlError(
            INTERNAL,
            f"Missing content_length in manifest {url} for {target}",
            detail=internal_detail(
                "Missing content_length", 8001, "COPY from columnar formats needs meta.content_length"
            ),
        )
    return Entry(url=target, mandatory=mandatory, length=length)


def s3_error(what: str) -> SqlError:
    """Return the error Redshift makes of an answer of S3."""
    return SqlError(
        INTERNAL, f"S3ServiceException:{what}", detail=internal_detail(f"S3ServiceException:{what}", 8001, "S3")
    )


def _translated(exc: ClientError | BotoCoreError, url: str) -> SqlError:
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = "NoSuchKey" if error.get("Code") == "404" else error.get("Code")
        return s3_error(f"{error.get('Message')},Status {status},Error {code}: {url}")
    return s3_error(f"{exc}: {url}")
