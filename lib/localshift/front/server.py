"""The listening server: start-up packets, passwords, cancel requests, and one session per client."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from socket import SO_KEEPALIVE, SOL_SOCKET

from localshift import wire
from localshift.backend.postgres import SUPERUSER
from localshift.backend.upstream import Upstream, connect
from localshift.catalog import database as catalog
from localshift.errors import PROTOCOL_VIOLATION, FatalError, LostError, SqlError
from localshift.faults import DroppedError, Faults
from localshift.front import tls
from localshift.front.execution import SEND_BUFFER, Executor
from localshift.front.logins import ISOLATION_NAMES, authenticate, greeting, upstream_parameters
from localshift.front.mishaps import client_fields, told
from localshift.front.session import Session
from localshift.front.surroundings import Surroundings
from localshift.history import History, Who
from localshift.loading.load import Stores
from localshift.options import Options
from localshift.s3.faulty import client_for
from localshift.wire import ClientReader

LOGIN_SECONDS = 60.0
FAREWELL_SECONDS = 2.0
# Who sends a short statement and goes without waiting for its answer has it run, as in PostgreSQL.
GRACE_SECONDS = 0.5
# Clients that come all at once wait to be accepted, and are not turned away.
BACKLOG = 1024


@dataclass(slots=True, kw_only=True)
class Server:
    """A server that listens: the port it got, and what it needs to end."""

    socket: str
    options: Options
    shared: Surroundings
    admin: Upstream
    sentinel: Upstream
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
        for connection in (self.admin, self.sentinel, self.shared.history.connection):
            await connection.close()

    async def lost(self) -> None:
        """Return when PostgreSQL has ended, or has thrown all out because one of its processes died."""
        with contextlib.suppress(LostError):
            while True:
                await self.sentinel.receive()


async def open_server(socket: str, cluster: Path, options: Options) -> Server:
    """Make the database ready and listen; `cluster` is PostgreSQL's data folder."""
    admin = await catalog.open_admin(socket, options)
    writer, sentinel = [
        await connect(
            socket, {"user": SUPERUSER, "database": options.database, "application_name": f"localshift {name}"}
        )
        for name in ("history", "sentinel")
    ]
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
    server = Server(
        socket=socket, options=options, shared=shared, admin=admin, sentinel=sentinel, listener=None, sessions={}, tasks=set()
    )  # fmt: skip
    if options.tls:
        server.certificate = str(tls.certificate(cluster.parent, options.host))

    async def serve(reader: asyncio.StreamReader, stream: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None and isinstance(reader, ClientReader):
            server.tasks.add(task)
            # A client whose machine is gone is noticed in the end.
            stream.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)
            try:
                await _client(server, reader, stream)
            finally:
                server.tasks.discard(task)

    def protocol() -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(ClientReader(limit=1 << 20, loop=loop), serve, loop=loop)

    loop = asyncio.get_running_loop()
    try:
        server.listener = await loop.create_server(protocol, options.host, options.port, backlog=BACKLOG)
    except OSError as exc:
        where = f"{options.host}:{options.port}"
        raise OSError(
            f"cannot listen on {where}: {os.strerror(exc.errno or 0)}; choose another --port, 0 for a free one"
        ) from exc
    return server


async def _client(server: Server, reader: ClientReader, writer: asyncio.StreamWriter) -> None:
    """One client from its first byte to its last; whatever it sends ends this connection at most."""
    try:
        parameters = await asyncio.wait_for(_startup(server, reader, writer), LOGIN_SECONDS)
        if parameters is not None:
            await _session(server, reader, writer, parameters)
    except (ConnectionError, asyncio.IncompleteReadError, TimeoutError, ssl.SSLError):
        pass
    except asyncio.CancelledError:
        await _farewell(writer, FatalError("57P01", "terminating connection due to administrator command"))
        raise
    except DroppedError:
        writer.transport.abort()
    except SqlError as error:
        await _farewell(writer, error)
    except Exception as bug:  # noqa: BLE001 - a bug met outside of any statement ends the client's connection, not the server
        await _farewell(writer, told(bug, "(no statement)"))
    finally:
        writer.close()
        try:
            await asyncio.wait_for(writer.wait_closed(), FAREWELL_SECONDS)
        except TimeoutError:
            # It does not read what it was sent last.
            writer.transport.abort()
        except (ConnectionError, ssl.SSLError):
            pass


async def _farewell(writer: asyncio.StreamWriter, error: SqlError) -> None:
    if writer.transport.get_write_buffer_size() > SEND_BUFFER:
        # It has not read what came before either.
        writer.transport.abort()
        return
    with contextlib.suppress(ConnectionError, TimeoutError):
        writer.write(wire.error_response(client_fields(error, {}) | {"S": "FATAL"}))
        await asyncio.wait_for(writer.drain(), FAREWELL_SECONDS)


async def _startup(server: Server, reader: ClientReader, writer: asyncio.StreamWriter) -> dict[str, str] | None:
    """Return the start-up parameters of a client that wants a session; None when it only wanted to cancel."""
    while True:
        packet = await wire.read_startup(reader)
        if packet.code == wire.SSL_REQUEST and server.certificate and writer.get_extra_info("ssl_object") is None:
            if reader.holds_more():
                raise FatalError(PROTOCOL_VIOLATION, "received unencrypted data after SSL request")
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
            parameters = wire.parse_parameters(packet.body)
            wishes = [name for name in parameters if name.startswith("_pq_.")]
            if wishes or packet.code > wire.PROTOCOL_3:
                writer.write(wire.negotiate(wishes))
            return parameters
        else:
            raise FatalError(
                PROTOCOL_VIOLATION, f"unsupported frontend protocol {packet.code >> 16}.{packet.code & 0xFFFF}"
            )


async def _abandoned(reader: ClientReader, executor: Executor) -> None:
    """Cancel what still runs for a client a while after it has gone, and whatever of it comes then."""
    await reader.ended()
    await asyncio.sleep(GRACE_SECONDS)
    executor.abandoned = True
    while True:
        await executor.upstream.cancel()
        await asyncio.sleep(GRACE_SECONDS)


async def _cancel(server: Server, body: bytes) -> None:
    if len(body) != 8:
        return
    session = server.sessions.get((int.from_bytes(body[:4]), int.from_bytes(body[4:])))
    if session is not None:
        session.transferring.cancelled = True
        await session.upstream.cancel()


async def _session(
    server: Server, reader: ClientReader, writer: asyncio.StreamWriter, parameters: dict[str, str]
) -> None:
    user = parameters.get("user", "").lower()
    database = parameters.get("database") or server.options.database
    await authenticate(server.admin, reader, writer, user)
    if database != server.options.database:
        raise FatalError("3D000", f'database "{database}" does not exist')
    upstream = await connect(server.socket, upstream_parameters(server.options, parameters, user, database))
    who = Who(user=user, database=database, pid=upstream.pid)
    executor = Executor(reader, writer, upstream, who, server.shared)
    key = (upstream.pid, secrets.randbits(31))
    server.sessions[key] = executor
    said_goodbye = False
    abandoned = asyncio.create_task(_abandoned(reader, executor))
    try:
        writer.write(greeting(upstream, key))
        await writer.drain()
        await Session(executor).run()
        said_goodbye = True
    finally:
        abandoned.cancel()
        del server.sessions[key]
        server.shared.history.forget(upstream.pid)
        await executor.leave()
        if not said_goodbye:
            # A statement still running for a client that has gone must not go on to its end.
            await upstream.cancel()
        await upstream.close()
