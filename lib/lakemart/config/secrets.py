"""Secrets by reference: resolved when a connection is made, never before, and masked wherever they might be shown."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lakemart.config.notations import SECRET
from lakemart.errors import ConfigError

MASK = "********"


class Secret:
    """A resolved secret. Only `reveal()` gives the text; repr, str, format and pickle do not."""

    __slots__ = ("_text", "reference")

    def __init__(self, text: str, reference: str) -> None:
        self._text = text
        self.reference = reference

    def reveal(self) -> str:
        """The secret itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self.reference!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled: resolve its reference where it is needed")


def resolve(reference: str, environ: Mapping[str, str] | None = None) -> Secret:
    """The secret behind a `secret://…` reference; asks AWS for `secretsmanager` and `ssm`.

    Raises ConfigError that names the reference, never the value, when there is none.
    """
    if SECRET.fullmatch(reference) is None:
        raise ConfigError(
            "a secret is not written as a reference", next_step="Write secret://env/NAME, file, secretsmanager or ssm."
        )
    kind, _, name = reference.removeprefix("secret://").partition("/")
    if kind == "env":
        text = (os.environ if environ is None else environ).get(name)
        if text is None:
            raise ConfigError(
                f"the environment variable {name} is not set", where=reference, next_step=f"Export {name}."
            )
    elif kind == "file":
        text = _from_file(name, reference)
    elif kind == "secretsmanager":
        text = _from_secrets_manager(name, reference)
    else:
        text = _from_parameter_store(name, reference)
    if not text:
        raise ConfigError("the secret is empty", where=reference)
    return Secret(text, reference)


def _from_file(name: str, reference: str) -> str:
    """The file's text without the newline that editors put at its end. Relative paths are relative to the current folder."""
    try:
        return Path(name).expanduser().read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the file of a secret cannot be read: {type(error).__name__}", where=reference) from error


def _from_secrets_manager(name: str, reference: str) -> str:
    identity, _, key = name.partition("#")
    text = _asked("secretsmanager", "get_secret_value", {"SecretId": identity}, ("SecretString",), reference)
    if not key:
        return text
    try:
        value = json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        # The cause is left out: json's error holds the whole text.
        raise ConfigError(f"the secret is not a JSON object with the key '{key}'", where=reference) from None
    return str(value)


def _from_parameter_store(name: str, reference: str) -> str:
    path = name if "/" not in name else f"/{name.lstrip('/')}"
    return _asked("ssm", "get_parameter", {"Name": path, "WithDecryption": True}, ("Parameter", "Value"), reference)


def _asked(service: str, call: str, request: dict[str, object], path: tuple[str, ...], reference: str) -> str:
    """One value of one answer of AWS; raises ConfigError, or TransientError when the network failed."""
    import boto3  # noqa: PLC0415 - a second of import that only references to AWS need
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    client: Callable[..., Any] = boto3.client
    try:
        answer = getattr(client(service), call)(**request)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise ConfigError(
            f"AWS refused the secret: {code}", where=reference, next_step="Check its name, the region and the role."
        ) from error
    except BotoCoreError as error:
        raise ConfigError(
            f"AWS could not be asked: {type(error).__name__}",
            where=reference,
            next_step="Check credentials, region and network.",
        ) from error
    for step in path:
        answer = answer.get(step)
        if answer is None:
            raise ConfigError("the secret holds no text", where=reference)
    return str(answer)
