"""The only user of redshift_connector: connects, sends rendered statements, tells errors apart. Holds no story.

The driver runs without its own transactions, which would begin by an untagged statement: BEGIN and COMMIT are ours.
"""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from lakemart.errors import ConfigError
from lakemart.publish.failures import During, Report, UnreachableError, raised
from lakemart.publish.render import render, table_names
from lakemart.publish.statements import CopyParquet, InsertFromStaging, SetQueryGroup, Statement
from lakemart.publish.warehouse import Tag, WarehouseTarget

if TYPE_CHECKING:
    from redshift_connector.core import Connection

_CONNECT_SECONDS = 15.0
_KEEPALIVE = {"tcp_keepalive_idle": 60, "tcp_keepalive_interval": 30, "tcp_keepalive_count": 5}
_log = logging.getLogger(__name__)

Rows = list[tuple[Any, ...]]


class Session(Protocol):
    """One session with the warehouse. A recorder that keeps statements may stand in for it."""

    def execute(self, statement: Statement) -> Rows:
        """Runs one statement to its end; its rows, or none. Raises what `failures` makes of an error."""
        ...

    def close(self) -> None:
        """Ends the session; an open transaction is undone and the staging table is gone. Never fails."""
        ...


Opener = Callable[[], Session]
"""Opens a new session: what a load needs, for a lost session is replaced by a new one."""


def connect(target: WarehouseTarget, tag: Tag) -> Session:
    """A session, labelled with the run. TLS is verified in full, except that a warehouse on this machine may have none.

    Raises UnreachableError when nothing answers, ConfigError for what the project or the warehouse's rights get wrong.
    """
    if not target.ssl and not target.is_loopback:
        raise ConfigError(
            f"the warehouse {target.host} would be spoken to without TLS",
            where="warehouse",
            next_step="Write ssl: true; only loopback may go without.",
        )
    _knock(target)
    session = _DriverSession(_open(target), tag, str(target))
    try:
        session.execute(SetQueryGroup(tag.label))
    except BaseException:
        session.close()
        raise
    return session


def query(target: WarehouseTarget, tag: Tag, sql: str) -> tuple[list[str], Rows]:
    """The columns and rows of one statement that a person wrote, sent as it is; none where it returns none.

    What it changes is committed. Raises ConfigError with Redshift's own words when it is refused.
    """
    session = connect(target, tag)
    assert isinstance(session, _DriverSession)  # noqa: S101 - connect() makes no other
    try:
        return session.ask(sql)
    finally:
        session.close()


class _DriverSession:
    def __init__(self, connection: Connection, tag: Tag, where: str) -> None:
        self._connection = connection
        self._tag = tag
        self._where = where

    def execute(self, statement: Statement) -> Rows:
        sql = render(statement, self._tag)
        _log.debug("statement sent", extra={"sql_kind": type(statement).__name__, "run": self._tag.run})
        during: During = "load" if isinstance(statement, CopyParquet | InsertFromStaging) else "other"
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql.text, sql.parameters or None)
                return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
        except _driver_errors() as error:
            raise raised(_report(error, during), where=_place(statement, self._where)) from (
                None if _secret(error) else error
            )

    def ask(self, sql: str) -> tuple[list[str], Rows]:
        """See `query`."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                columns = [_text(column[0]) for column in cursor.description or ()]
                return columns, [tuple(row) for row in cursor.fetchall()] if columns else []
        except _driver_errors() as error:
            report = _report(error, "other")
            if not report.state:
                raise raised(report, where=self._where) from None
            raise ConfigError(
                f"the warehouse refuses the statement: {report.message}",
                where=self._where,
                next_step="Mend the statement.",
            ) from None

    def close(self) -> None:
        try:
            self._connection.close()
        except _driver_errors():
            _log.debug("the session was gone before it was closed")


def _knock(target: WarehouseTarget) -> None:
    """Finds out in seconds that nobody answers: the driver itself has no time limit on connecting alone."""
    try:
        socket.create_connection((target.host, target.port), timeout=_CONNECT_SECONDS).close()
    except OSError as error:
        raise UnreachableError(
            f"the warehouse cannot be reached: {error.strerror or error}",
            where=str(target),
            next_step="See that it is up and that host and port are right; run again.",
        ) from error


def _open(target: WarehouseTarget) -> Connection:
    import redshift_connector  # noqa: PLC0415 - costs half a second, which a run with nothing to publish need not pay

    arguments: dict[str, Any] = {"host": target.host, "port": target.port, "database": target.database, **_KEEPALIVE}
    arguments |= {"ssl": target.ssl, "application_name": "lakemart", "tcp_keepalive": True}
    if target.ssl:
        arguments["sslmode"] = "verify-full"
    if target.iam:
        arguments |= {
            "iam": True,
            "db_user": target.user,
            "cluster_identifier": target.cluster,
            "region": target.region,
        }
        if target.workgroup:
            arguments |= {"is_serverless": True, "serverless_work_group": target.workgroup}
    else:
        arguments |= {"user": target.user, "password": target.password.reveal() if target.password else ""}
    failure: Exception
    try:
        connection = redshift_connector.connect(**arguments)
    except _driver_errors() as error:
        _close_what_is_left(error)
        failure = raised(_report(error, "connect"), where=str(target))
    else:
        connection.autocommit = True
        return connection
    raise failure  # outside the handler, so that no frame that knows the password hangs on it


def _close_what_is_left(error: Exception) -> None:
    """Closes the socket that the driver leaves open when the server refuses a login; only its frames still know it."""
    trace = error.__traceback__
    while trace is not None:
        left = getattr(trace.tb_frame.f_locals.get("self"), "_usock", None)
        if isinstance(left, socket.socket):
            left.close()
        trace = trace.tb_next


def _driver_errors() -> tuple[type[Exception], ...]:
    import redshift_connector  # noqa: PLC0415 - see _open

    return (redshift_connector.error.Error, OSError, struct.error, AttributeError)


def _report(error: Exception, during: During) -> Report:
    """The error as a value. A server's error is a dictionary of protocol fields, any other one is words."""
    fields = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    if fields:
        return Report(
            state=str(fields.get("C", "")),
            message=str(fields.get("M", "")),
            detail=str(fields.get("D", "")),
            during=during,
        )
    words = " ".join(str(part) for part in error.args) or type(error).__name__
    if isinstance(error, OSError | struct.error | AttributeError):
        words = f"communication error: {words}"
    return Report(message=words, during=during)


def _secret(error: Exception) -> bool:
    """Whether the driver's own error may hold what a connection was made with; then it is not chained."""
    return isinstance(error, AttributeError)


def _place(statement: Statement, where: str) -> str:
    tables = ", ".join(str(table) for table in table_names(statement))
    manifest = f", manifest {statement.manifest}" if isinstance(statement, CopyParquet) else ""
    return f"{type(statement).__name__}{f' of {tables}' if tables else ''}{manifest} at {where}"


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name
