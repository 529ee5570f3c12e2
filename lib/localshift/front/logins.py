"""How a client comes in: its password, the settings it brings, and what it is told."""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets

from localshift import wire
from localshift.backend.upstream import Upstream
from localshift.catalog import database as catalog
from localshift.errors import INVALID_LOGIN, PROTOCOL_VIOLATION, FatalError
from localshift.options import Options
from localshift.sql.words import SETTABLE
from localshift.wire import ClientReader

# By the padb ones clients tell Redshift from PostgreSQL.
OWN_STATUS = {"server_version": "8.0.2", "padb_version": "1.0.0", "padb_revision": "localshift"}
OPTION = re.compile(r"(?:-c\s*|--)(?P<name>[\w-]+)=(?P<value>.*)", re.DOTALL)
LOGIN_SECONDS = 60.0
MAX_PASSWORD = 1 << 16
REPORTED = (
    "client_encoding", "DateStyle", "integer_datetimes", "is_superuser", "server_encoding", "session_authorization",
    "standard_conforming_strings", "TimeZone", "application_name", "IntervalStyle",
)  # fmt: skip
ISOLATION = {"snapshot": "repeatable read", "serializable": "serializable"}
ISOLATION_NAMES = {"snapshot": "Snapshot Isolation", "serializable": "Serializable"}


async def authenticate(admin: Upstream, reader: ClientReader, writer: asyncio.StreamWriter, user: str) -> None:
    """Check the password by an MD5 challenge; unknown users are challenged alike, so that names are not told apart."""
    stored = await catalog.stored_password(admin, user)
    salt = secrets.token_bytes(4)
    writer.write(wire.authentication(5, salt))
    await writer.drain()
    # Only the client is waited for with patience that ends: what is broken off on our own connection stays half said.
    answer = await asyncio.wait_for(wire.read_message(reader, from_client=True, most=MAX_PASSWORD), LOGIN_SECONDS)
    if answer.kind != b"p":
        raise FatalError(PROTOCOL_VIOLATION, f"expected password response, got message type {answer.kind[0]}")
    given, _ = wire.cstring(answer.body, 0)
    expected = catalog.expected_answer(stored or secrets.token_hex(16), salt)
    if stored is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise FatalError(INVALID_LOGIN, f'password authentication failed for user "{user}"')
    writer.write(wire.authentication(0))


def upstream_parameters(options: Options, given: dict[str, str], user: str, database: str) -> dict[str, str]:
    """Return what PostgreSQL is told at the start of a client's session: of its settings those a user may make."""
    settings = {
        name: value for name, value in ((key.lower(), value) for key, value in given.items()) if name in SETTABLE
    }
    return {
        **_options(given.get("options", "")),
        **settings,
        "user": user,
        "database": database,
        "default_transaction_isolation": ISOLATION[options.isolation],
        "redshift.isolation": ISOLATION_NAMES[options.isolation],
    }


def _options(text: str) -> dict[str, str]:
    """Return the settings of a start-up packet's `options` (`-c name=value`) that Redshift lets a user set."""
    found = (OPTION.match(word.replace("\\ ", " ")) for word in re.split(r"(?<!\\)\s+(?=-)", text.strip()))
    given = {match["name"].lower().replace("-", "_"): match["value"].strip() for match in found if match}
    return {name: value for name, value in given.items() if name in SETTABLE}


def greeting(upstream: Upstream, key: tuple[int, int]) -> bytes:
    """Return what a client is told when it may come in: the server's parameters, its key to cancel by, and that all is ready."""
    statuses = [
        wire.parameter_status(name, upstream.parameters[name]) for name in REPORTED if name in upstream.parameters
    ]
    statuses += [wire.parameter_status(name, value) for name, value in OWN_STATUS.items()]
    return b"".join([*statuses, wire.backend_key(*key), wire.ready_for_query(b"I")])
