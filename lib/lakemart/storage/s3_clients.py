"""Clients of S3 and the keys they sign with. Keys are asked for at each request, never frozen when a run begins.

What the SDK can renew by itself (roles, SSO, a credential process) it renews before it expires. Keys out of the
environment or a file are read again when S3 no longer accepts those that were read before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeGuard

import boto3
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from lakemart.storage.s3_errors import EXPIRED, expired, said
from lakemart.storage.store import READERS, Location, S3Settings

if TYPE_CHECKING:
    from botocore.model import OperationModel
    from mypy_boto3_s3 import S3Client

ATTEMPTS = 5
"""How often a request is sent that S3 does not answer, or answers by 5xx or SlowDown. The pauses between, random and
doubling, are at most 1, 2, 4 and 8 seconds: 15 in all, then the run hears of it."""

_SILENCE = 60
"""Seconds without a byte after which an attempt has failed; a store that takes requests and never answers is given up
after five minutes and the pauses."""

_OWNER = "ExpectedBucketOwner"

_clients: dict[S3Settings, S3Client] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys that sign requests now, for a client that does not find or renew them itself. Never shown."""

    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def _session(settings: S3Settings) -> boto3.session.Session:
    return _opened(replace(settings, endpoint_url=None, bucket_owner=None))


@lru_cache(maxsize=8)
def _opened(settings: S3Settings) -> boto3.session.Session:
    return boto3.session.Session(
        aws_access_key_id=settings.access_key,
        aws_secret_access_key=settings.secret_key,
        region_name=settings.region,
    )


def s3_client(settings: S3Settings) -> S3Client:
    """The client of this process for an endpoint, with botocore's standard retries: see `ATTEMPTS`."""
    if settings not in _clients:
        _clients[settings] = _made(settings)
    return _clients[settings]


def _made(settings: S3Settings) -> S3Client:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        connect_timeout=10,
        read_timeout=_SILENCE,
        max_pool_connections=READERS + 4,
        s3={"addressing_style": "path"} if settings.endpoint_url else {},
    )
    session = _session(settings)
    client: S3Client = session.client("s3", endpoint_url=settings.endpoint_url, config=config)
    found = session.get_credentials()
    if _is_written(found) and not settings.access_key:
        again: Any = partial(_send_again, found)  # its answer counts, which the stubs do not say
        client.meta.events.register("needs-retry.s3", again)
    if settings.bucket_owner:
        client.meta.events.register("provide-client-params.s3", partial(_expect_owner, settings.bucket_owner))
    return client


def current_keys(location: Location) -> Keys | None:
    """The keys of a location as they are good now; None when there are none. Raises TransientError when none can be had."""
    try:
        found = _session(location.s3).get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except BotoCoreError as error:
        raise expired("cannot sign requests to S3", said(error), location) from error
    if frozen is None or not frozen.access_key or not frozen.secret_key:
        return None
    return Keys(access_key=frozen.access_key, secret_key=frozen.secret_key, token=frozen.token)


def forget_clients() -> None:
    """Closes the clients of this process; the next use opens new ones, with whatever keys are there by then."""
    for client in _clients.values():
        client.close()
    _clients.clear()
    _opened.cache_clear()


def renew(location: Location) -> None:
    """Reads keys out of the environment and files again, where those of the location came from there."""
    known = _session(location.s3).get_credentials()
    if _is_written(known) and not location.s3.access_key:
        _read_again(known)


def _is_written(keys: object) -> TypeGuard[Credentials]:
    """Whether keys come from the environment or a file; all other kinds renew themselves."""
    return type(keys) is Credentials


def _send_again(
    known: Credentials, response: tuple[Any, dict[str, Any]] | None, attempts: int, **_: object
) -> int | None:
    """Has a request whose keys were refused sent again, after 0 seconds: once, or with keys that were not refused yet.

    Once in any case, for another thread may have read them again meanwhile.
    """
    code = "" if response is None else response[1].get("Error", {}).get("Code", "")
    return 0 if code in EXPIRED and (_read_again(known) or attempts == 1) else None


def _read_again(known: Credentials) -> bool:
    """Whether other keys are there by now; they are used from now on."""
    fresh = boto3.session.Session().get_credentials()
    now = None if fresh is None else fresh.get_frozen_credentials()
    if now is None or not now.access_key or not now.secret_key:
        return False
    if (now.access_key, now.token or "") == (known.access_key, known.token or ""):
        return False
    known.access_key, known.secret_key, known.token = now.access_key, now.secret_key, now.token or ""
    return True


def _expect_owner(owner: str, params: dict[str, Any], model: OperationModel, **_: object) -> None:
    """Has S3 refuse the request when its bucket is another account's."""
    shape = model.input_shape
    if shape is not None and _OWNER in shape.members:
        params[_OWNER] = owner
