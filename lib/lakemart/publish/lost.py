"""Whether the warehouse still has what was published before, so that a part of a mart may be laid over it."""

from __future__ import annotations

from contextlib import closing

from lakemart.publish import statements as st
from lakemart.publish.client import Opener, Session
from lakemart.publish.lock import within_bounds
from lakemart.publish.mart import Mart
from lakemart.publish.prepare import describe
from lakemart.publish.verify import in_warehouse


def lost(session: Session, mart: Mart, *, project: str, number: int, is_there: bool) -> str | None:
    """Why all of the mart has to be published again, None when it need not.

    `number` is the last one that was loaded by the ledger, `is_there` whether the mart's table is. A warehouse that was
    restored to an earlier state knows an earlier number; rows that somebody changed are `verify`'s to find.
    """
    if not is_there:
        return f"table {mart.table} is gone from the warehouse"
    found = None
    if session.execute(st.DescribeTable(mart.loads)):
        with within_bounds(session, mart.loads, where=f"mart {mart.model}"):
            rows = session.execute(st.LastLoad(loads=mart.loads, project=project, model=mart.model))
        found = int(rows[0][0]) if rows else None
    if found is None or found < number:
        stands = f"at number {found}" if found is not None else "without a record of it"
        return f"table {mart.table} was taken back: the warehouse is {stands}, number {number} was loaded"
    return None


def held_slices(opener: Opener, mart: Mart) -> set[str | None]:
    """The slices that the warehouse holds of a mart, those among them that nobody published."""
    with closing(opener()) as session:
        return set() if describe(session, mart) is None else set(in_warehouse(session, mart))
