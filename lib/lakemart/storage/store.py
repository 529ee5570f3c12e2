"""The protocol of an object store, the values it speaks in, and its errors.

Keys are relative to the store's location and use `/`. Listing is in key order (by UTF-8 bytes), as in S3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from lakemart.errors import TransientError


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """One object as a listing shows it: `etag` changes whenever the content does; `modified` is the store's clock."""

    key: str
    size: int
    etag: str
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """How to reach S3 where the defaults of boto3 will not do: an embedded or other endpoint, and its keys.

    `bucket_owner` is the account that must own the bucket; None: whoever does.
    """

    endpoint_url: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    bucket_owner: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place objects lie under: `s3://bucket/prefix` or an absolute folder. Small and picklable, so tasks open it."""

    uri: str
    s3: S3Settings = field(default_factory=S3Settings)

    def child(self, name: str) -> Location:
        """The place `name` under this one."""
        return Location(uri=f"{self.uri.rstrip('/')}/{name}", s3=self.s3)

    @property
    def is_s3(self) -> bool:
        """Whether it is on S3 rather than a local folder."""
        return self.uri.startswith("s3://")


BLOCK = 1024 * 1024
"""How many bytes of an object `blocks` gives at a time."""

READERS = 16
"""How many small objects of S3 are read at a time (see `ahead`)."""


class MissingObjectError(TransientError):
    """There is no such object (any more)."""


class ChangedObjectError(TransientError):
    """The object is no longer the one that was planned: its etag differs."""


class ForbiddenObjectError(TransientError):
    """The store refuses access to this object."""


class UnusableKmsKeyError(ForbiddenObjectError):
    """The object is encrypted, or would be, under a KMS key that is disabled, gone, or not this run's to use."""


class ExpiredKeysError(TransientError):
    """The store no longer accepts the credentials, and no others are to be had."""


class BrokenTransferError(TransientError):
    """The object's transfer broke off, again and again."""


class UnknownOutcomeError(TransientError):
    """A write may or may not have happened and reading back did not tell. Nothing may be deleted or assumed on it."""


class Store(Protocol):
    """An object store, or the part of one under a location. Every method raises TransientError when the store fails."""

    location: Location

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        """The objects whose keys begin with `prefix` and come after `start_after`, in key order, streamed."""
        ...

    def sizes(self, prefix: str = "", *, start_after: str = "") -> Iterator[tuple[str, int]]:
        """Keys and sizes of what `list` would give, in the same order. A folder is not read for it, as for etags."""
        ...

    def blocks(self, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        """The object's bytes in blocks of about a megabyte. With `etag`, of exactly that version.

        A transfer that breaks off is taken up where it broke, a few times. Raises ChangedObjectError when it is another
        version, MissingObjectError, ForbiddenObjectError, BrokenTransferError.
        """
        ...

    def read(self, key: str) -> tuple[bytes, str]:
        """The whole object and its etag. Raises MissingObjectError."""
        ...

    def write(self, key: str, data: bytes) -> None:
        """Puts the object, whatever was there. For data files under names used once, so that a repeat is harmless."""
        ...

    def put_if_absent(self, key: str, data: bytes) -> bool:
        """Puts the object if there is none: True when `data` is now there by this call, False when another's is.

        `data` must carry something unique to the caller, for a lost answer is read back by comparing bytes.
        Raises UnknownOutcomeError when even that does not tell.
        """
        ...

    def put_if_match(self, key: str, data: bytes, etag: str) -> bool:
        """Replaces the object if its etag still is `etag`: True when done, False when it changed. Unknown as above."""
        ...

    def delete(self, key: str) -> None:
        """Removes the object; none there is fine."""
        ...
