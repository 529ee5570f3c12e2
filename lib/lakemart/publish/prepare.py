"""Makes schema, target, loads table, comments and grants where they lack. What is there already is left as it is."""

from __future__ import annotations

from dataclasses import dataclass

from lakemart.errors import ConfigError
from lakemart.publish import statements as st
from lakemart.publish.client import Session
from lakemart.publish.mart import Mart
from lakemart.publish.preflight import LiveColumn
from lakemart.steps import step


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The target as it stands, and whether this call created it."""

    live: tuple[LiveColumn, ...]
    created: bool


def describe(session: Session, mart: Mart) -> tuple[LiveColumn, ...] | None:
    """The target's columns in order; None when there is no such table."""
    rows = session.execute(st.DescribeTable(mart.table))
    columns = tuple(
        LiveColumn(name=str(name), type=str(kind), not_null=bool(not_null)) for name, kind, not_null in rows
    )
    return columns or None


def prepare(session: Session, mart: Mart, *, settings_changed: bool) -> Prepared:
    """Creates what lacks; comments and grants go to a new target, and to a standing one when `settings_changed`.

    Every statement stands alone and may be repeated, so a re-run goes on where this one stopped.
    """
    with step("warehouse.prepare"):
        if not session.execute(st.CountSchemas(mart.table.schema))[0][0]:
            session.execute(st.CreateSchema(mart.table.schema))
        live = describe(session, mart)
        created = live is None
        if created:
            session.execute(
                st.CreateTable(table=mart.table, columns=mart.columns, distkey=mart.distkey, sortkey=mart.sortkey)
            )
        if not session.execute(st.DescribeTable(mart.loads)):
            session.execute(st.CreateLoadsTable(mart.loads))
        if created or settings_changed:
            _describe_and_grant(session, mart)
        live = live or describe(session, mart)
    if live is None:
        raise ConfigError(
            f"table {mart.table} was created and is not there",
            where=f"mart {mart.model}",
            next_step="Somebody drops it; find out who.",
        )
    return Prepared(live=live, created=created)


def _describe_and_grant(session: Session, mart: Mart) -> None:
    if mart.description:
        session.execute(st.CommentOnTable(mart.table, mart.description))
    for column in mart.columns:
        if column.description:
            session.execute(st.CommentOnColumn(mart.table, column.name, column.description))
    for role in mart.readers:
        session.execute(st.GrantUsage(mart.table.schema, role))
        session.execute(st.GrantSelect(mart.table, role))
