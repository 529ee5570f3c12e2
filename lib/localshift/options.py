"""What a server is started with: one value, made from the command line or by a fixture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DEFAULT_USER = "awsuser"
DEFAULT_PASSWORD = "Localshift1"  # noqa: S105 - the documented password of a throw-away double on loopback
RESERVED = frozenset({"rdsdb", "public", "none"})
Isolation = Literal["snapshot", "serializable"]


class OptionError(Exception):
    """An option cannot be honoured; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How one server runs. `users` maps names to passwords, the first is the superuser; `iam_roles` ARN to prefixes."""

    host: str = "127.0.0.1"
    port: int = 5439
    data_dir: Path | None = None
    database: str = "dev"
    s3_endpoint: str | None = None
    iam_roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=lambda: {DEFAULT_USER: DEFAULT_PASSWORD}, repr=False)
    serverless: bool = False
    isolation: Isolation = "snapshot"
    tls: bool = False
    faults: bool = False


def parse_iam_role(text: str) -> tuple[str, tuple[str, ...]]:
    """Return ARN and prefixes of `ARN=s3://bucket/prefix,…`; OptionError when the text is not of this shape."""
    arn, equals, prefixes = text.rpartition("=") if "=s3://" not in text else _cut(text)
    parts = tuple(part.strip() for part in prefixes.split(",") if part.strip())
    if not equals or not arn.startswith("arn:") or not parts:
        raise OptionError(f"--iam-role {text!r}: expected ARN=s3://bucket/prefix[,s3://…]")
    for part in parts:
        if not part.startswith("s3://") or part == "s3://":
            raise OptionError(f"--iam-role {text!r}: {part!r} is no s3:// prefix")
    return arn, parts


def parse_user(text: str) -> tuple[str, str]:
    """Return name and password of `NAME=PASSWORD`; the message of an OptionError never holds the password."""
    name, equals, password = text.partition("=")
    if not equals or not name or not password:
        raise OptionError("--user: expected NAME=PASSWORD, both not empty")
    return _checked(name.lower(), "--user"), password


def read_users(path: Path) -> dict[str, str]:
    """Return the users of a JSON file `{"name": "password", …}`; OptionError when it cannot be read as such."""
    where = f"--users-file {str(path)!r}"
    try:
        pairs = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=tuple)
    except (OSError, ValueError) as exc:
        raise OptionError(f"{where}: cannot be read as JSON: {exc}") from exc
    texts = isinstance(pairs, tuple) and all(name and isinstance(value, str) and value for name, value in pairs)
    if not pairs or not texts:
        raise OptionError(f"{where}: expected an object of names and passwords, none of them empty")
    users: dict[str, str] = {}
    for name, password in pairs:
        if name.lower() in users:
            raise OptionError(f"{where}: the name {name.lower()!r} stands there twice (names fold to lower case)")
        users[_checked(name.lower(), where)] = password
    return users


def _checked(name: str, where: str) -> str:
    """Return a user's name; OptionError for one that PostgreSQL behind the front keeps for itself."""
    if name in RESERVED or name.startswith("pg_"):
        raise OptionError(f"{where}: the name {name!r} is localshift's own; choose another one")
    return name


def _cut(text: str) -> tuple[str, str, str]:
    arn, _, rest = text.partition("=s3://")
    return arn, "=", "s3://" + rest
