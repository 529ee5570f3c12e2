"""What a client is told of failures: errors in Redshift's words, and bugs of ours, which are logged with where they happened."""

from __future__ import annotations

import asyncio
import secrets
import sys
import traceback
from collections.abc import Mapping

from localshift import wire
from localshift.backend.upstream import Upstream, UpstreamError
from localshift.errors import INTERNAL, FatalError, SqlError, redshift_fields
from localshift.sql.secrets import without_secrets

HEAD = 200
RECOVERY_SECONDS = 15.0


def client_fields(error: SqlError, names: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of an error as a client gets them; `names` as in redshift_fields."""
    return redshift_fields(error.pg_fields, names) if isinstance(error, UpstreamError) else error.fields()


def told(bug: BaseException, sql: str) -> SqlError:
    """Log the traceback of a bug to stderr and return the error that its client gets."""
    trace = "".join(traceback.format_exception(bug))
    sys.stderr.write(without_secrets(f"localshift: unexpected error while serving: {head(sql)}\n{trace}"))
    sys.stderr.flush()
    return SqlError(
        INTERNAL,
        without_secrets(f"localshift met an unexpected error of its own: {type(bug).__name__}: {bug}")[:1000],
        detail=f"while serving: {head(sql)}",
        hint="This is a bug of localshift: report this with the server's log, which says where it happened.",
    )


def head(sql: str) -> str:
    """Return the beginning of a statement on one line, without secrets."""
    text = " ".join(without_secrets(sql[: 4 * HEAD]).split())
    return text if len(text) <= HEAD else text[:HEAD] + " …"


async def put_right(upstream: Upstream) -> None:
    """Bring a connection to PostgreSQL to a known state from the middle of any exchange; FatalError when it cannot be.

    A transaction that is open is failed afterwards.
    """
    try:
        await asyncio.wait_for(_put_right(upstream), RECOVERY_SECONDS)
    except TimeoutError as exc:
        raise FatalError(INTERNAL, "localshift could not put this session right after an unexpected error") from exc


async def _put_right(upstream: Upstream) -> None:
    await upstream.cancel()
    first, last = ("rs_" + secrets.token_hex(8) for _ in range(2))
    # The first ends a COPY, the second fails what is under way, where the third does not end the skipping after an error.
    await upstream.send(
        wire.message(b"f", wire.text(""))
        + wire.message(b"Q", wire.text(first))
        + wire.message(b"S")
        + wire.message(b"Q", wire.text(last))
    )
    await upstream.leave_copy()
    marked = False
    while True:
        message = await upstream.receive()
        if message.kind == b"E":
            marked = marked or last.encode() in message.body
        elif message.kind == b"Z" and marked:
            return
