"""What S3 answered to delta-rs about keys, of which delta-rs hands on the words alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lakemart.storage.store import ExpiredKeysError, Location

if TYPE_CHECKING:
    from lakemart.errors import LakemartError

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def said(error: Exception) -> str:
    """What delta-rs says, in one line and without the colours it gives to some of it."""
    return " ".join(_COLOURS.sub("", str(error)).split())


def refusal(lake: Location, what: str, error: Exception) -> LakemartError | None:
    """The error to raise when S3 refused the keys that delta-rs came with, or a KMS key; else None. `what` did not go."""
    if not lake.is_s3:
        return None
    from lakemart.storage.s3_errors import told_to_another  # noqa: PLC0415 - boto3, which a local lake need not load

    return told_to_another(what, said(error), lake)


def is_worth_new_keys(lake: Location, error: Exception) -> bool:
    """Whether S3 refused the keys that delta-rs came with, so that it may be tried once more; with others, if there are."""
    if not isinstance(refusal(lake, "", error), ExpiredKeysError):
        return False
    from lakemart.storage.s3_clients import renew  # noqa: PLC0415 - see refusal

    renew(lake)
    return True
