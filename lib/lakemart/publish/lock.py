"""The lock on the loads table, waited for within bounds: who holds it may be a run that was paused and may never wake."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lakemart.errors import TransientError
from lakemart.names import TableName
from lakemart.publish import statements as st
from lakemart.publish.client import Session
from lakemart.publish.failures import LostConnectionError, SerializationError

LOCK_SECONDS = 600
"""How long the lock is waited for: longer than the short transaction of any other publisher of the schema takes."""


@contextmanager
def within_bounds(session: Session, loads: TableName, *, where: str) -> Iterator[None]:
    """The body takes or waits for the lock, be it only to read: LOCK keeps readers of the loads table out as well.

    Statements after it have all the time again. Raises TransientError when another session holds the lock all the
    while; the session is of no use then.
    """
    session.execute(st.LimitTime(LOCK_SECONDS))
    try:
        yield
    except (LostConnectionError, SerializationError):
        raise
    except TransientError as error:
        raise TransientError(
            f"another session holds the lock on {loads}, which was waited for {LOCK_SECONDS} seconds",
            where=where,
            next_step=(
                "Nothing was published; run again when the other run that publishes there has ended. If there is none, a "
                "paused or dead one's session is left: SVV_TRANSACTIONS shows its pid, pg_terminate_backend ends it."
            ),
        ) from error
    session.execute(st.LimitTime(None))
