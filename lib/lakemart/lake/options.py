"""How delta-rs reaches the lake: URIs and storage options made from a location."""

from __future__ import annotations

from lakemart.errors import ConfigError
from lakemart.storage.store import Location

_UNREADABLE = "%[]"
"""Signs that delta-rs takes for escapes or for a host in a folder's path."""


def delta_uri(lake: Location, table: str) -> str:
    """The table's root as delta-rs, Spark, Polars and DuckDB take it. Raises ConfigError for a folder they cannot open."""
    if not lake.is_s3 and any(sign in lake.uri for sign in _UNREADABLE):
        raise ConfigError(
            f"a lake cannot lie in the folder {lake.uri!r}: its path holds one of {' '.join(_UNREADABLE)}",
            next_step="Move the project, or name another folder for the lake.",
        )
    return f"{lake.uri.rstrip('/')}/{table}"


def delta_options(lake: Location) -> dict[str, str] | None:
    """Storage options of delta-rs for the lake; None on a local folder. Good for one use: they hold the keys of now.

    delta-rs knows fewer places to find keys in than boto3, so that it is handed those that boto3 found. It cannot say
    which account must own the bucket. Raises TransientError when keys have expired and cannot be renewed.
    """
    if not lake.is_s3:
        return None
    from lakemart.storage.s3_clients import current_keys  # noqa: PLC0415 - boto3, which a local lake need not load

    options = {"aws_conditional_put": "etag"}
    if lake.s3.region:
        options["aws_region"] = lake.s3.region
    if lake.s3.endpoint_url:
        options |= {
            "aws_endpoint": lake.s3.endpoint_url,
            "aws_allow_http": str(lake.s3.endpoint_url.startswith("http:")).lower(),
        }
    keys = current_keys(lake)
    if keys is not None:
        options |= {"aws_access_key_id": keys.access_key, "aws_secret_access_key": keys.secret_key}
        options |= {"aws_session_token": keys.token} if keys.token else {}
    return options
