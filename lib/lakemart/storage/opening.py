"""How a store is opened; which kind it is shows in the location."""

from __future__ import annotations

from lakemart.storage.local import LocalStore
from lakemart.storage.store import Location, Store


def open_store(location: Location) -> Store:
    """The store at `location`. Opening touches nothing; a missing bucket or folder shows at the first use."""
    if location.is_s3:
        from lakemart.storage.s3 import S3Store  # noqa: PLC0415 - boto3 costs 0.3 s, which a local lake need not pay

        return S3Store(location)
    return LocalStore(location)
