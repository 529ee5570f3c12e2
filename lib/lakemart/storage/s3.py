"""S3 as an object store, through boto3. Conditional puts are S3's own; a lost answer is read back before it is judged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError

from lakemart.errors import ConfigError, LakemartError
from lakemart.storage.s3_clients import s3_client
from lakemart.storage.s3_errors import CHANGED, REFUSED, code_of, named, said
from lakemart.storage.store import (
    BLOCK,
    BrokenTransferError,
    ChangedObjectError,
    ExpiredKeysError,
    Location,
    MissingObjectError,
    ObjectInfo,
    UnknownOutcomeError,
    UnusableKmsKeyError,
)

if TYPE_CHECKING:
    from botocore.response import StreamingBody

_RESUMES = 4
"""How often the transfer of one object is taken up again; with the pauses, of 1.5 seconds in all."""

_PAUSE = 0.1


class S3Store:
    """See `Store`. One client per process and endpoint, with botocore's standard retries: see `s3_clients`."""

    def __init__(self, location: Location) -> None:
        bucket, _, prefix = location.uri.removeprefix("s3://").partition("/")
        self.location = location
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._client = s3_client(location.s3)

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        after: dict[str, Any] = {"StartAfter": self._prefix + start_after} if start_after else {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix, **after
        )
        try:
            for page in pages:
                for item in page.get("Contents", []):
                    yield ObjectInfo(
                        key=item["Key"].removeprefix(self._prefix),
                        size=item["Size"],
                        etag=item["ETag"].strip('"'),
                        modified=item["LastModified"],
                    )
        except (ClientError, BotoCoreError) as error:
            raise self._error("list", prefix, error) from error

    def sizes(self, prefix: str = "", *, start_after: str = "") -> Iterator[tuple[str, int]]:
        yield from ((info.key, info.size) for info in self.list(prefix, start_after=start_after))

    def blocks(self, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        for _, block in self._transfer(key, etag):
            if block:
                yield block

    def read(self, key: str) -> tuple[bytes, str]:
        answers = list(self._transfer(key, None))
        return b"".join(block for _, block in answers), answers[0][0]

    def _transfer(self, key: str, etag: str | None) -> Iterator[tuple[str, bytes]]:
        """The etag with the object's bytes, an empty block first; taken up where it broke off, under the same etag."""
        at = 0
        for broken in range(_RESUMES + 1):
            try:
                etag, body = self._opened(key, etag, at)
                with closing(body):
                    yield etag, b""
                    for block in body.iter_chunks(BLOCK):  # checks the length promised by the store at the end
                        at += len(block)
                        yield etag, block
            except FlexibleChecksumError as error:  # the wrong bytes are given out: there is nothing to take up
                raise BrokenTransferError(
                    f"{key!r} came with other bytes than its checksum says",
                    where=self.location.uri,
                    next_step="Run again.",
                ) from error
            except (BotoCoreError, OSError) as error:
                if broken == _RESUMES:
                    raise BrokenTransferError(
                        f"the transfer of {key!r} broke off {broken + 1} times: {said(error)}",
                        where=self.location.uri,
                        next_step="Run again when S3 answers.",
                    ) from error
                time.sleep(_PAUSE * 2**broken)
            else:
                return

    def _opened(self, key: str, etag: str | None, at: int) -> tuple[str, StreamingBody]:
        """The object's etag and its bytes from `at` on; with `etag`, of exactly that version."""
        wanted: dict[str, Any] = {"IfMatch": f'"{etag}"'} if etag is not None else {}
        if at:
            wanted["Range"] = f"bytes={at}-"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key, **wanted)
        except (ClientError, BotoCoreError) as error:
            if code_of(error) in CHANGED:
                raise ChangedObjectError(
                    f"object {key!r} is no longer version {etag}", where=self.location.uri
                ) from error
            raise self._error("read", key, error) from error
        return answer["ETag"].strip('"'), answer["Body"]

    def write(self, key: str, data: bytes) -> None:
        try:
            self._put(key, data, {})
        except (ClientError, BotoCoreError) as error:
            raise self._error("write", key, error) from error

    def put_if_absent(self, key: str, data: bytes) -> bool:
        return self._conditional(key, data, {"IfNoneMatch": "*"})

    def put_if_match(self, key: str, data: bytes, etag: str) -> bool:
        return self._conditional(key, data, {"IfMatch": f'"{etag}"'})

    def _put(self, key: str, data: bytes, condition: dict[str, Any]) -> None:
        self._client.put_object(Bucket=self._bucket, Key=self._prefix + key, Body=data, **condition)

    def _conditional(self, key: str, data: bytes, condition: dict[str, Any]) -> bool:
        """A refusal may be the answer to our own retry, and an error may hide a success: both are read back."""
        try:
            self._put(key, data, condition)
        except (ClientError, BotoCoreError) as error:
            known = code_of(error) in REFUSED
            try:
                if self.read(key)[0] == data:
                    return True
            except MissingObjectError:
                if known:
                    return False
            except LakemartError:
                known = False
            if known:
                return False
            told = self._error("write", key, error)
            if isinstance(told, ConfigError | ExpiredKeysError | UnusableKmsKeyError):
                raise told from error
            raise UnknownOutcomeError(
                f"cannot tell whether {key!r} was written: {said(error)}",
                where=self.location.uri,
                next_step="Run again; the next run reads it back.",
            ) from error
        return True

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + key)
        except (ClientError, BotoCoreError) as error:
            raise self._error("delete", key, error) from error

    def _error(self, act: str, key: str, error: Exception) -> LakemartError:
        return named(error, act, key, self.location)
