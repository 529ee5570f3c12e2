"""Objects in S3 as COPY and UNLOAD may reach them: roles with prefixes, reading and writing. The only module that knows boto3."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from localshift.errors import INTERNAL, SqlError, internal_detail

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

# The client repeats a request that was answered wrongly, but not a body that breaks off: seconds between the attempts.
PAUSES = (0.2, 1.0, 3.0)
MISSING = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file to load; `length` is the size the manifest promises, None without a promise; `size` is the object's own."""

    url: str
    mandatory: bool
    length: int | None
    size: int = 0

    def sized(self, size: int) -> Entry:
        """Return the entry with the size its object has."""
        return replace(self, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """Access to S3 in the name of one role: only what lies below its prefixes."""

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
        body = self._body(url)
        try:
            return body.read()
        except BotoCoreError as exc:
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

    def download(self, url: str, path: Path, over: Event) -> None:
        """Write an object's bytes to `path`, begun anew when its body breaks off; no further once `over` is set."""
        for pause in (*PAUSES, None):
            body = self._body(url)
            try:
                with path.open("wb") as file:
                    for chunk in body.iter_chunks(1 << 20):
                        if over.is_set():
                            return
                        file.write(chunk)
            except BotoCoreError as exc:
                if pause is None or over.wait(pause):
                    raise _translated(exc, url) from exc
            except OSError as exc:
                raise SqlError(
                    "58030", f"{url} could not be written to the data folder's disk: {exc.strerror}"
                ) from exc
            else:
                return
            finally:
                body.close()

    def _body(self, url: str) -> StreamingBody:
        bucket, key = self._key(url)
        try:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"]
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, url) from exc

    def upload(self, path: Path, url: str) -> None:
        """Write a file's bytes as an object, in parts when it is large."""
        bucket, key = self._key(url)
        try:
            self.client.upload_file(str(path), bucket, key)
        except (ClientError, BotoCoreError, Boto3Error) as exc:
            raise _translated(exc, url) from exc

    def write(self, url: str, body: bytes) -> None:
        """Write a small object."""
        bucket, key = self._key(url)
        try:
            self.client.put_object(Bucket=bucket, Key=key, Body=body)
        except (ClientError, BotoCoreError) as exc:
            raise _translated(exc, url) from exc

    def delete(self, urls: Sequence[str]) -> None:
        """Remove objects; those that are not there are no error."""
        for url in urls:
            bucket, key = self._key(url)
            try:
                self.client.delete_object(Bucket=bucket, Key=key)
            except (ClientError, BotoCoreError) as exc:
                raise _translated(exc, url) from exc

    def list(self, url: str, *, hidden: bool = False) -> list[Entry]:
        """Return the objects whose keys begin with the prefix, without folder marks, and hidden ones (`_*`, `.*`) if asked."""
        bucket, prefix = self._key(url)
        entries: list[Entry] = []
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                entries += [
                    Entry(url=f"s3://{bucket}/{item['Key']}", mandatory=True, length=None, size=item["Size"])
                    for item in page.get("Contents", [])
                    if not item["Key"].endswith("/") and (hidden or item["Key"].rpartition("/")[2][0] not in "_.")
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
    # In a chain each role assumes the next; what the last one may do counts.
    for link in role.split(","):
        if link not in roles:
            raise SqlError(
                INTERNAL,
                f"User arn:aws:redshift:us-east-1:000000000000:dbuser:localshift is not authorized to assume IAM Role {link}",
                hint="Start localshift with --iam-role ARN=s3://bucket/prefix.",
            )
        role = link
    return Bucket(client=client, role=role, prefixes=tuple(roles[role]))


def s3_error(what: str) -> SqlError:
    """Return the error Redshift makes of an answer of S3."""
    return SqlError(
        INTERNAL, f"S3ServiceException:{what}", detail=internal_detail(f"S3ServiceException:{what}", 8001, "S3")
    )


def _translated(exc: ClientError | BotoCoreError | Boto3Error, url: str) -> SqlError:
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = "NoSuchKey" if error.get("Code") == "404" else error.get("Code")
        return s3_error(f"{error.get('Message')},Status {status},Error {code}: {url}")
    return s3_error(f"{exc}: {url}")
