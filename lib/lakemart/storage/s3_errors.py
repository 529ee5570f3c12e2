"""What an answer of S3 means, and who can mend it: one function, by the error's code."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from lakemart.errors import ConfigError, LakemartError, TransientError
from lakemart.storage.store import (
    ExpiredKeysError,
    ForbiddenObjectError,
    Location,
    MissingObjectError,
    UnusableKmsKeyError,
)

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
CHANGED = frozenset({"PreconditionFailed", "412"})
REFUSED = CHANGED | MISSING
"""Answers to a conditional put that say for sure it was not done. A 409 does not: it asks for the put again."""

EXPIRED = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired"}
)
"""Keys that were good once, or are not yet: others may be had later."""

_FORBIDDEN = frozenset({"AccessDenied", "403", "Forbidden", "AllAccessDisabled"})
_NOT_RENEWED = (CredentialRetrievalError, SSOTokenLoadError, TokenRetrievalError, UnauthorizedSSOTokenError)
_NO_KEYS = (NoCredentialsError, PartialCredentialsError)


def named(error: Exception, act: str, key: str, location: Location) -> LakemartError:
    """The error to raise for what `act` (list, read, write, delete) met with at the key."""
    code, where = code_of(error), location.uri
    if code == "NoSuchBucket":
        return ConfigError(
            f"there is no bucket {_bucket(location)!r}",
            where=where,
            next_step="Create it, or mend the location in project.yaml.",
        )
    if code in MISSING:
        return MissingObjectError(f"there is no object {key!r}", where=where)
    about_keys = _about_keys("ExpiredToken" if isinstance(error, _NOT_RENEWED) else code, said(error), location)
    if about_keys is not None:
        return about_keys(f"cannot {act} {key!r}")
    if code in _FORBIDDEN:
        return _forbidden(act, key, location)
    if code == "SignatureDoesNotMatch" or isinstance(error, _NO_KEYS):
        return ConfigError(
            f"S3 does not accept the credentials: {said(error)}", where=where, next_step="Mend them and run again."
        )
    return TransientError(f"cannot {act} {key!r}: {said(error)}", where=where, next_step="Run again when S3 answers.")


def told_to_another(what: str, words: str, location: Location) -> LakemartError | None:
    """The error for an answer of S3 that another client hands on in words, when it is about keys; `what` did not go."""
    code = re.search(r"<Code>([A-Za-z0-9.]+)</Code>", words)
    message = re.search(r"<Message>(.*?)</Message>", words, re.DOTALL)
    if code is None:
        return None
    about_keys = _about_keys(code[1], f"{code[1]}: {message[1] if message else ''}", location)
    return None if about_keys is None else about_keys(what)


def _about_keys(code: str, words: str, location: Location) -> Callable[[str], LakemartError] | None:
    """Makes the error for an answer about a KMS key or about keys that expired; None when it is about neither."""
    if is_of_kms(code, words):
        return partial(_unusable, words=words, location=location)
    return partial(expired, words=words, location=location) if code in EXPIRED else None


def _unusable(what: str, words: str, location: Location) -> UnusableKmsKeyError:
    return UnusableKmsKeyError(
        f"{what}, for its KMS key cannot be used: {words}",
        where=location.uri,
        next_step="Enable the key, or let this run's role decrypt and generate data keys by it, and run again.",
    )


def expired(what: str, words: str, location: Location) -> ExpiredKeysError:
    """The error for keys that S3 no longer accepts and that could not be renewed."""
    return ExpiredKeysError(
        f"{what}, for the credentials have expired or are not known to S3: {words}",
        where=location.uri,
        next_step="Renew them and run again; the next run goes on where this one stopped.",
    )


def _forbidden(act: str, key: str, location: Location) -> LakemartError:
    owner = location.s3.bucket_owner
    hint = f" The bucket must be account {owner}'s, by `bucket_owners` in project.yaml." if owner else ""
    if key and act == "read":
        return ForbiddenObjectError(
            f"object {key!r} may not be read", where=location.uri, next_step=f"Grant s3:GetObject on it.{hint}"
        )
    return ConfigError(
        f"may not {act} {key!r}",
        where=location.uri,
        next_step=f"Grant this run's role the right, or mend the location.{hint}",
    )


def is_of_kms(code: str, text: str) -> bool:
    """Whether an answer is about the key an object is encrypted under, rather than about the object.

    >>> is_of_kms("KMS.DisabledException", ""), is_of_kms("AccessDenied", "not authorized to perform: kms:Decrypt")
    (True, True)
    """
    return code.startswith("KMS.") or (code in _FORBIDDEN and "kms:" in text)


def code_of(error: Exception) -> str:
    """S3's code of an error, empty when S3 did not answer."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def said(error: Exception) -> str:
    """What an error says, in one line."""
    return str(error).replace("\n", " ")[:300]


def _bucket(location: Location) -> str:
    return location.uri.removeprefix("s3://").partition("/")[0]
