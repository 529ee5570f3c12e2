"""Compares what is about to be copied with the table it goes to, before COPY touches anything. Pure.

Every fault names the column, the value or count, and the DDL or the change of the contract that mends it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lakemart.names import TableName, is_name, quoted
from lakemart.publish.columns import ColumnStats
from lakemart.publish.mart import Mart, MartColumn, catalog_type, ddl_type, is_super

MAX_VARCHAR = 65535
_VARCHAR = re.compile(r"character varying\((\d+)\)")
_SUPER_NAMES = {"super", "jsonb"}
"""localshift keeps `super` as PostgreSQL's jsonb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveColumn:
    """A column of the warehouse table as its catalogue shows it."""

    name: str
    type: str
    not_null: bool

    @property
    def length(self) -> int | None:
        """Bytes that a varchar holds; None for other types."""
        match = _VARCHAR.fullmatch(self.type)
        return int(match[1]) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why the staged rows cannot go into the table."""

    column: str
    what: str
    mend: str

    def __str__(self) -> str:
        return f"column {self.column!r} {self.what}: {self.mend}"


def planned(mart: Mart) -> tuple[LiveColumn, ...]:
    """The table as it will be created from the mart."""
    return tuple(LiveColumn(name=c.name, type=catalog_type(c.type), not_null=c.not_null) for c in mart.columns)


def in_live_order(mart: Mart, live: Sequence[LiveColumn]) -> tuple[MartColumn, ...]:
    """The mart's columns in the order of the live table, for COPY is by position; in their own when the names differ."""
    by_name = {column.name: column for column in mart.columns}
    if by_name.keys() != {column.name for column in live}:
        return mart.columns
    return tuple(by_name[column.name] for column in live)


def structure_faults(table: TableName, columns: Sequence[MartColumn], live: Sequence[LiveColumn]) -> list[Fault]:
    """Faults that no rows are needed to see: columns lacking, too many, out of order, or of another type."""
    present = {column.name: column for column in live}
    faults = [
        Fault(
            column=column.name,
            what=f"is not in {table}",
            mend=f"ALTER TABLE {table.quoted} ADD COLUMN {quoted(column.name)} {ddl_type(column.type)};",
        )
        for column in columns
        if column.name not in present
    ]
    wanted = {column.name for column in columns}
    faults += [
        Fault(column=column.name, what=f"is in {table} and not in the model", mend=_out(table, column.name))
        for column in live
        if column.name not in wanted
    ]
    faults += [
        fault
        for column in columns
        if column.name in present and (fault := _type_fault(table, column, present[column.name]))
    ]
    names = [column.name for column in columns]
    live_names = [column.name for column in live]
    if not faults and names != live_names:
        first = next(i for i, name in enumerate(names) if name != live_names[i])
        what = f"is staged where {table} has {live_names[first]!r}"
        faults.append(
            Fault(
                column=names[first],
                what=what,
                mend="the table changed after it was staged; run again, which stages anew",
            )
        )
    return faults


def data_faults(table: TableName, stats: Sequence[ColumnStats], live: Sequence[LiveColumn]) -> list[Fault]:
    """Faults that lie in the staged rows: texts too long, nulls, NUL characters, text that is no JSON, dates out of range."""
    present = {column.name: column for column in live}
    return [
        fault
        for column in stats
        if column.name in present
        for fault in _column_faults(table, column, present[column.name])
    ]


def _column_faults(table: TableName, stats: ColumnStats, live: LiveColumn) -> list[Fault]:
    name = quoted(stats.name)
    faults = []
    limit = MAX_VARCHAR if live.type in _SUPER_NAMES else live.length
    if limit is not None and stats.max_bytes > limit:
        count = (
            f"{stats.over} values of more than {stats.limit} bytes, the longest" if stats.limit == limit else "a value"
        )
        if stats.max_bytes <= MAX_VARCHAR:
            wide = f"varchar({stats.max_bytes})"
            mend = f"ALTER TABLE {table.quoted} ALTER COLUMN {name} TYPE {wide}; and write type: {wide} in the model, or cut it in the model's SQL"
        else:
            mend = f"no varchar holds more than {MAX_VARCHAR} bytes; cut it in the model's SQL"
        faults.append(
            Fault(
                column=stats.name,
                what=f"({live.type}) has {count} of {stats.max_bytes} bytes, {stats.longest!r}…",
                mend=mend,
            )
        )
    if live.not_null and stats.nulls:
        mend = "keep nulls out in the model's SQL and check it by not_null; a NOT NULL cannot be taken off a column in Redshift"
        faults.append(Fault(column=stats.name, what=f"(NOT NULL) has {stats.nulls} nulls", mend=mend))
    if stats.nul:
        faults.append(
            Fault(
                column=stats.name,
                what=f"has {stats.nul} values with a NUL character",
                mend="write nul: strip in the source, or remove it in the model's SQL",
            )
        )
    if stats.bad_json:
        what = f"(super) has {stats.bad_json} values that are no JSON, such as {stats.bad_example!r}"
        faults.append(
            Fault(column=stats.name, what=what, mend="make it JSON in the model's SQL, or write type: varchar(n)")
        )
    if stats.out_of_range:
        what = f"has {stats.out_of_range} values outside the years 1 to 9999"
        faults.append(
            Fault(
                column=stats.name,
                what=what,
                mend="keep them out in the source's contract (min, max) or the model's SQL",
            )
        )
    if stats.blank_slices:
        what = f"is the slice and has values that end with a blank, such as {stats.blank_slices[0]!r}"
        faults.append(
            Fault(column=stats.name, what=what, mend="trim it in the model's SQL: Redshift does not tell them apart")
        )
    return faults


def _type_fault(table: TableName, column: MartColumn, live: LiveColumn) -> Fault | None:
    expected = catalog_type(column.type)
    if live.type == expected or (is_super(column.type) and live.type in _SUPER_NAMES):
        return None
    if column.type.kind == "varchar" and live.length is not None:
        return None  # whether the rows fit is told by their bytes
    what = f"is {ddl_type(column.type)} in the model and {live.type} in {table}"
    mend = f"write the same type in the model, or move the table away: ALTER TABLE {table.quoted} RENAME TO {quoted(_old(table.name))};"
    return Fault(column=column.name, what=what, mend=mend)


def _old(name: str) -> str:
    return f"{name[:59]}_old"


def _out(table: TableName, column: str) -> str:
    shown = quoted(column) if is_name(column) else repr(column)
    return f"ALTER TABLE {table.quoted} DROP COLUMN {shown}; or add it to the model"
