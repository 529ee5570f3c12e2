"""PostgreSQL's reading of a statement: what it makes of it before it plans, printed by its own debugging aid."""

from __future__ import annotations

import struct

from localshift import wire
from localshift.backend.upstream import SYNC, Upstream, UpstreamError
from localshift.wire import Message

NO_TYPES = struct.pack("!H", 0)
PRINTING = (
    "SELECT set_config('client_min_messages', 'log', true), set_config('log_min_messages', 'fatal', true), "
    "set_config('debug_pretty_print', 'off', true), set_config('debug_print_parse', 'on', true)"
)
SILENT = "SELECT set_config('debug_print_parse', 'off', true)"
NAME = wire.text("rs_reading")
RUN = (
    wire.message(b"B", NAME + NAME + struct.pack("!HHH", 0, 0, 0))
    + wire.message(b"E", NAME + struct.pack("!I", 0))
    + wire.message(b"C", b"P" + NAME)
    + wire.message(b"C", b"S" + NAME)
)
CLOSED_WITHIN = 5


async def reading(upstream: Upstream, sql: str, types: bytes = NO_TYPES, *, pipelined: bool = False) -> str:
    """Return the tree of one statement, prepared and not run; UpstreamError when PostgreSQL refuses it.

    The transaction and the session are as they were afterwards; `types` are the parameters' as in a Parse message.
    `pipelined` is for a client's pipeline that no Sync has ended yet: then an error fails it, as the statement would.
    """
    if pipelined:
        return await _read_within(upstream, sql, types)
    within = upstream.status == b"T"
    start, end = ("SAVEPOINT rs_reading", "ROLLBACK TO SAVEPOINT rs_reading") if within else ("BEGIN", "ROLLBACK")
    await upstream.check(start, PRINTING)
    try:
        await upstream.send(wire.parse_message("rs_reading", sql, types) + wire.message(b"C", b"S" + NAME) + SYNC)
        return _tree([message async for message in upstream.until_ready()])
    finally:
        await upstream.check(end, *(["RELEASE SAVEPOINT rs_reading"] if within else []))


async def _read_within(upstream: Upstream, sql: str, types: bytes) -> str:
    await upstream.send(
        wire.parse_message("rs_reading", PRINTING, NO_TYPES)
        + RUN
        + wire.parse_message("rs_reading", sql, types)
        + wire.message(b"C", b"S" + NAME)
        + wire.parse_message("rs_reading", SILENT, NO_TYPES)
        + RUN
        + wire.message(b"H")
    )
    messages: list[Message] = []
    while [message.kind for message in messages].count(b"3") < CLOSED_WITHIN:
        messages.append(await upstream.receive())
        if messages[-1].kind == b"E":
            # Up to a Sync PostgreSQL passes over whatever comes.
            await upstream.sync()
            break
    return _tree(messages)


def _tree(messages: list[Message]) -> str:
    for message in messages:
        if message.kind == b"E":
            raise UpstreamError(wire.parse_fields(message.body))
    notices = (wire.parse_fields(message.body) for message in messages if message.kind == b"N")
    return next((fields.get("D", "") for fields in notices if fields.get("M") == "parse tree:"), "")
