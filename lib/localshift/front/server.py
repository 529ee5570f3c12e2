"""The listening server: start-up packets, passwords, cancel requests, and one session per client."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
import shutil
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError, cancel, connect
from localshift.catalog import database as catalog
from localshift.errors import INVALID_LOGIN, PROTOCOL_VIOLATION, FatalError, SqlError, redshift_fields
from localshift.faults import DroppedError, Faults
from localshift.front import tls
from localshift.front.execution import Executor, Surroundings
from localshift.front.session import Session
from localshift.history import History, Who
from localshift.loading.load import Stores
from localshift.options import Options
from localshift.s3.faulty import client_for
from localshift.sql.words import SETTABLE
from localshift.wire import ClientReader

# By the padb ones clients tell Redshift from PostgreSQL.
OWN_STATUS = {"server_version": "8.0.2", "padb_version": "1.0.0", "padb_revision": "localshift"}
OPTION = re.compile(r"(?:-c\s*|--)(?P<name>[\w-]+)=(?P<value>.*)", re.DOTALL)
LOGIN_SECONDS = 60.0
REPORTED = (
    "client_encoding", "DateStyle", "integer_datetimes", "is_superuser", "server_encoding", "session_authorization",
    "standard_conforming_strings", "TimeZone", "application_name", "IntervalStyle",
)  # fmt: skip
ISOLATION = {"snapshot": "repeatable read", "serializable": "serializable"}
ISOLATION_NAMES = {"snapshot": "Snapshot Isolation", "serializable": "Serializable"}


@dataclass(slots=True, kw_only=True)
class Server:
    """A server that listens: the port it got, and what it needs to end."""

    socket: str
    options: Options
    shared: Surroundings
    admin: Upstream
    listener: asyncio.Server | None
    sessions: dict[tuple[int, int], Executor]
    tasks: set[asyncio.Task[None]]
    certificate: str | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.listener.sockets[0].getsockname()[1]) if self.listener is not None else 0

    async def close(self) -> None:
        """Take no more clients, end those that are here, close our own connections."""
        if self.listener is not None:
            self.listener.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.admin.close()
        await self.shared.history.connection.close()


async def open_server(socket: str, cluster: Path, options: Options) -> Server:
    """Make the database ready and listen; `cluster` is PostgreSQL's data folder."""
    admin = await catalog.open_admin(socket, options)
    writer = await connect(
        socket, {"user": "rdsdb", "database": options.database, "application_name": "localshift history"}
    )
    await writer.query("SET synchronous_commit = off")
    history = History(writer, cluster / "rs_sessions")
    await history.open()
    scratch = cluster.parent / "scratch"
    # A killed server leaves the file it was loading.
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    faults = Faults() if options.faults else None
    stores = Stores(
        client=cache(lambda: client_for(options.s3_endpoint, faults)),
        roles=options.iam_roles,
        scratch=scratch,
        error_log="sys_load_error_detail" if options.serverless else "stl_load_errors",
    )
    shared = Surroundings(
        history=history, stores=stores, builtins=await catalog.builtin_functions(admin), faults=faults,
        columns=await catalog.system_columns(admin),
        isolation=ISOLATION_NAMES[options.isolation],
    )  # fmt: skip
    server = Server(socket=socket, options=options, shared=shared, admin=admin, listener=None, sessions={}, tasks=set())
    if options.tls:
        server.certificate = str(tls.certificate(cluster.parent, options.host))

    async def serve(reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None and isinstance(reader, ClientReader):
            server.tasks.add(task)
            try:
                await _client(server, reader, stream)
            finally:
                server.tasks.discard(task)

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(ClientReader(limit=1 << 20, loop=loop), serve, loop=loop)

    loop = asyncio.get_running_loop()
    server.listener = await loop.create_server(protocol, options.host, options.port)
    return server


async def _client(server: Server, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
    """One client from its first byte to its last; whatever it sends ends this connection at most."""
    try:
        parameters = await asyncio.wait_for(_startup(server, reader, writer), LOGIN_SECONDS)
        if parameters is not None:
            await _session(server, reader, writer, parameters)
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
        pass
    except DroppedError:
        writer.transport.abort()
    except SqlError as error:
        fields = error.fields() if not isinstance(error, UpstreamError) else redshift_fields(error.pg_fields, {})
        with contextlib.suppress(ConnectionError):
            writer.write(wire.error_response(fields | {"S": "FATAL"}))
            await writer.drain()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _startup(server: Server, reader: ClientReader, writer: asyncio.StreamWriter) -> dict[str, str] | None:
    """Return the start-up parameters of a client that wants a session; None when it only wanted to cancel."""
    while True:
        packet = await wire.read_startup(reader)
        if packet.code == wire.SSL_REQUEST and server.certificate and writer.get_extra_info("ssl_object") is None:
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(tls.context(Path(server.certificate).parent))
        elif packet.code in (wire.SSL_REQUEST, wire.GSS_REQUEST):
            writer.write(b"N")
            await writer.drain()
        elif packet.code == wire.CANCEL_REQUEST:
            await _cancel(server, packet.body)
            return None
        elif packet.code >> 16 == 3:
            return wire.parse_parameters(packet.body)
        else:
            raise FatalError(
                PROTOCOL_VIOLATION, f"unsupported frontend protocol {packet.code >> 16}.{packet.code & 0xFFFF}"
            )


async def _cancel(server: Server, body: bytes) -> None:
    if len(body) != 8:
        return
    session = server.sessions.get((int.from_bytes(body[:4]), int.from_bytes(body[4:])))
    if session is not None:
        session.cancelled = True
        await cancel(server.socket, session.upstream.pid, session.upstream.secret)


async def _session(
    server: Server, reader: ClientReader, writer: asyncio.StreamWriter, parameters: dict[str, str]
) -> None:
    user = parameters.get("user", "").lower()
    database = parameters.get("database") or server.options.database
    await asyncio.wait_for(_authenticate(server, reader, writer, user), LOGIN_SECONDS)
    if database != server.options.database:
        raise FatalError("3D000", f'database "{database}" does not exist')
    upstream = await connect(server.socket, _upstream_parameters(server.options, parameters, user, database))
    who = Who(user=user, database=database, pid=upstream.pid)
    executor = Executor(reader, writer, upstream, who, server.shared)
    key = (upstream.pid, secrets.randbits(31))
    server.sessions[key] = executor
    try:
        writer.write(_greeting(upstream, key))
        await writer.drain()
        await Session(executor).run()
    finally:
        del server.sessions[key]
        server.shared.history.forget(upstream.pid)
        # A statement still running for a client that has gone must not go on to its end.
        with contextlib.suppress(OSError):
            await cancel(server.socket, upstream.pid, upstream.secret)
        await upstream.close()


async def _authenticate(server: Server, reader: ClientReader, writer: asyncio.StreamWriter, user: str) -> None:
    """Check the password by an MD5 challenge; unknown users are challenged alike, so that names are not told apart."""
    stored = await catalog.stored_password(server.admin, user)
    salt = secrets.token_bytes(4)
    writer.write(wire.authentication(5, salt))
    await writer.drain()
    answer = await wire.read_message(reader, from_client=True)
    if answer.kind != b"p":
        raise FatalError(PROTOCOL_VIOLATION, f"expected password response, got message type {answer.kind[0]}")
    given, _ = wire.cstring(answer.body, 0)
    expected = catalog.expected_answer(stored or secrets.token_hex(16), salt)
    if stored is None or not hmac.compare_digest(given.encode(), expected.encode()):
        raise FatalError(INVALID_LOGIN, f'password authentication failed for user "{user}"')
    writer.write(wire.authentication(0))


def _upstream_parameters(options: Options, given: dict[str, str], user: str, database: str) -> dict[str, str]:
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


def _greeting(upstream: Upstream, key: tuple[int, int]) -> bytes:
    statuses = [
        wire.parameter_status(name, upstream.parameters[name]) for name in REPORTED if name in upstream.parameters
    ]
    statuses += [wire.parameter_status(name, value) for name, value in OWN_STATUS.items()]
    return b"".join([*statuses, wire.backend_key(*key), wire.ready_for_query(b"I")])
