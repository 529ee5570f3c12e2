"""The story of one load: COPY into the session's staging table, then one short transaction under the mart's number.

The number decides: recorded already, done; a higher one recorded, another publisher has gone on; else this load goes.
So whatever is repeated, after a lost answer or by a run that slept, loads once and never takes a mart back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from lakemart.errors import DataError, LockedError
from lakemart.publish import statements as st
from lakemart.publish.client import Opener, Session
from lakemart.publish.failures import LostConnectionError, SerializationError, UnreachableError
from lakemart.publish.lock import within_bounds
from lakemart.publish.mart import Mart, MartColumn, is_super
from lakemart.publish.preflight import LiveColumn, in_live_order, structure_faults
from lakemart.publish.prepare import prepare
from lakemart.publish.slices import Slices, slices_text
from lakemart.steps import step

ATTEMPTS = 5
"""How often a transaction that was ended for another's sake, or a load whose connection broke, is tried."""

FIRST_WAIT = 0.5
"""Seconds; each further wait is twice as long."""

_log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load of a mart. `columns` stand in the order of the staged files; `manifest` None: nothing was staged.

    `slices` are replaced; no slice at all: the load only records its number.
    """

    mart: Mart
    project: str
    number: int
    columns: tuple[MartColumn, ...]
    slices: Slices
    staged: int
    manifest: str | None
    iam_role: str
    content_hash: str
    lake_table: str
    lake_version: int
    run: str
    settings_changed: bool

    @property
    def where(self) -> str:
        """Mart, number and run, for messages."""
        return f"mart {self.mart.model}, number {self.number}, run {self.run}"


class ReorderedError(DataError):
    """The target's columns are no longer in the order the files were staged in; `live` is the order they are in now."""

    def __init__(self, live: tuple[LiveColumn, ...], *, where: str) -> None:
        names = ", ".join(column.name for column in live)
        super().__init__(
            f"the target's columns now stand as {names}", where=where, next_step="Run again, which stages anew."
        )
        self.live = live


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load came to: rows copied, rows the slices now hold in the warehouse, and whether it was done before."""

    copied: int
    warehouse: int
    already: bool


def load(opener: Opener, what: Load, pause: Callable[[float], None] = time.sleep) -> Loaded:
    """Loads the staged rows once. Durable and visible afterwards, all of it at once; a re-run changes nothing.

    A lost connection begins again at COPY in a new session, for the staging table died with the old one; so does a
    lost answer to COMMIT, and finds its number recorded. Raises DataError when rows copied differ from rows staged or
    the table does not fit, ReorderedError when only the order of columns does not, LockedError when a later number is
    recorded.
    """
    lost = False
    for wait in _waits():
        try:
            with closing(opener()) as session:
                return _in_session(session, what, pause)
        except (LostConnectionError, ConnectionError) as error:
            if wait is None:
                raise _as_lost(error, what) from error
            lost = True
            _log.warning("connection lost, the load begins again", extra={"run": what.run, "mart": what.mart.model})
        except UnreachableError:
            if wait is None or not lost:
                raise
        pause(wait)
    raise AssertionError("the last wait is None")


def already(opener: Opener, what: Load) -> Loaded | None:
    """What the load came to when its number is recorded; None when it is still to be done. Changes nothing."""
    with closing(opener()) as session:
        if session.execute(st.DescribeTable(what.mart.loads)) and _is_known(session, what):
            return _done_already(session, what)
    return None


def _in_session(session: Session, what: Load, pause: Callable[[float], None]) -> Loaded:
    prepared = _repeated(partial(prepare, session, what.mart, settings_changed=what.settings_changed), pause)
    if _is_known(session, what):
        return _done_already(session, what)
    faults = structure_faults(what.mart.table, what.columns, prepared.live)
    if faults and not structure_faults(what.mart.table, in_live_order(what.mart, prepared.live), prepared.live):
        raise ReorderedError(prepared.live, where=what.where)
    if faults:
        raise DataError(
            f"the staged files do not fit {what.mart.table}: {'; '.join(map(str, faults))}", where=what.where
        )
    copied = _copy(session, what)
    return _repeated(partial(_transaction, session, what, copied), pause, undo=partial(session.execute, st.Rollback()))


def _repeated(
    act: Callable[[], Result], pause: Callable[[float], None], undo: Callable[[], object] = lambda: None
) -> Result:
    """The result of `act`, tried again from its beginning when the warehouse ended it for another one's sake."""
    for wait in _waits():
        try:
            return act()
        except SerializationError:
            undo()
            if wait is None:
                raise
            pause(wait)
    raise AssertionError("the last wait is None")


def _copy(session: Session, what: Load) -> int:
    """Fills the staging table; the rows copied, which are those staged."""
    if what.manifest is None:
        return 0
    with step("warehouse.copy"):
        if any(is_super(column.type) for column in what.columns):
            session.execute(st.CreateTextStaging(what.columns))
        else:
            session.execute(st.CreateStaging(what.mart.table))
        session.execute(st.CopyParquet(what.manifest, what.iam_role))
        copied = int(session.execute(st.LastCopyCount())[0][0])
    if copied != what.staged:
        raise DataError(
            f"{copied} rows were copied, {what.staged} were staged",
            where=f"{what.where}, manifest {what.manifest}",
            next_step="Nothing was published; compare the manifest with the staged files, and run again.",
        )
    return copied


def _transaction(session: Session, what: Load, copied: int) -> Loaded:
    """The loads table is locked before the number is read, so that of two publishers the second one sees the first."""
    session.execute(st.Begin())
    with step("warehouse.replace"):
        with within_bounds(session, what.mart.loads, where=what.where):
            session.execute(st.LockLoads(what.mart.loads))
        if _is_recorded(session, what):
            session.execute(st.Rollback())
            return _done_already(session, what)
        for slices in what.slices.chunks():
            session.execute(st.DeleteSlices(what.mart.table, slices))
        if what.manifest is not None:
            session.execute(st.InsertFromStaging(what.mart.table, what.columns))
        held = _held(session, what)
        if held != what.staged:
            raise DataError(
                f"the slices would hold {held} rows in {what.mart.table}, {what.staged} were staged",
                where=what.where,
                next_step="Nothing was published; the slice column and its values do not mean the same in lake and warehouse.",
            )
        session.execute(_record(what))
    with step("warehouse.commit"):
        session.execute(st.Commit())
    return Loaded(copied=copied, warehouse=held, already=False)


def _is_known(session: Session, what: Load) -> bool:  # without the lock, which another may hold
    with within_bounds(session, what.mart.loads, where=what.where):
        return _is_recorded(session, what)


def _is_recorded(session: Session, what: Load) -> bool:
    """Whether this very number is recorded; raises LockedError when a later one is."""
    rows = session.execute(st.LastLoad(loads=what.mart.loads, project=what.project, model=what.mart.model))
    last = int(rows[0][0]) if rows else 0
    if last > what.number:
        raise LockedError(
            f"number {last} of mart {what.mart.model!r} is recorded in {what.mart.loads}, this load is number {what.number}",
            where=what.where,
            next_step=(
                "Another run has published since: start a new run. If the lake was made anew and the warehouse was not, "
                f"delete this project's rows of the mart from {what.mart.loads} first."
            ),
        )
    return last == what.number


def _done_already(session: Session, what: Load) -> Loaded:
    return Loaded(copied=what.staged, warehouse=_held(session, what), already=True)


def _held(session: Session, what: Load) -> int:
    return sum(int(session.execute(st.CountSlices(what.mart.table, slices))[0][0]) for slices in what.slices.chunks())


def _record(what: Load) -> st.InsertLoad:
    return st.InsertLoad(
        loads=what.mart.loads,
        project=what.project,
        model=what.mart.model,
        number=what.number,
        slices=slices_text(what.slices),
        lake_table=what.lake_table,
        lake_version=what.lake_version,
        rows=what.staged,
        content_hash=what.content_hash,
        run=what.run,
    )


def _waits() -> Iterator[float | None]:
    """How long to wait after each failed attempt, in seconds; None after the last."""
    yield from (FIRST_WAIT * 2**attempt for attempt in range(ATTEMPTS - 1))
    yield None


def _as_lost(error: Exception, what: Load) -> LostConnectionError:
    return LostConnectionError(
        f"the connection to the warehouse was lost {ATTEMPTS} times: {error}",
        where=what.where,
        next_step="Run again; the next run finds out what was done.",
    )
