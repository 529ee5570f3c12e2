"""Every statement the publisher can send, as values. They are not SQL: `render` alone makes text of them.

What is missing here cannot be sent: no TRUNCATE, no DROP, no ALTER TABLE APPEND, no MAXERROR, no keys in COPY, no LOCK
of a target. Each class names the step of the registry it belongs to, for the comment tag before its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lakemart.names import TableName
from lakemart.publish.mart import MartColumn
from lakemart.publish.slices import Slices

STAGING = "lakemart_staging"
"""The session's temporary table that COPY fills; the session ends with the load, and the table with it."""


@dataclass(frozen=True, slots=True)
class SetQueryGroup:
    """Labels the session's queries."""

    step: ClassVar[str] = "warehouse.prepare"
    label: str


@dataclass(frozen=True, slots=True)
class CountSchemas:
    """How many schemas have this name: one row, 0 or 1."""

    step: ClassVar[str] = "warehouse.prepare"
    schema: str


@dataclass(frozen=True, slots=True)
class CreateSchema:
    """The schema, unless it is there."""

    step: ClassVar[str] = "warehouse.prepare"
    schema: str


@dataclass(frozen=True, slots=True)
class DescribeTable:
    """Name, type and not-null flag of each column, in order; no rows when there is no such table."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTable:
    """The target, unless it is there. Encodings are left to Redshift."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName
    columns: tuple[MartColumn, ...]
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateLoadsTable:
    """The table that records the loads of a schema's marts, unless it is there."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName


@dataclass(frozen=True, slots=True)
class CommentOnTable:
    """The description of a table."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName
    text: str


@dataclass(frozen=True, slots=True)
class CommentOnColumn:
    """The description of a column."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class GrantUsage:
    """Lets a role use the schema."""

    step: ClassVar[str] = "warehouse.prepare"
    schema: str
    role: str


@dataclass(frozen=True, slots=True)
class GrantSelect:
    """Lets a role read the table."""

    step: ClassVar[str] = "warehouse.prepare"
    table: TableName
    role: str


@dataclass(frozen=True, slots=True)
class CreateStaging:
    """The session's staging table, LIKE the target."""

    step: ClassVar[str] = "warehouse.copy"
    target: TableName


@dataclass(frozen=True, slots=True)
class CreateTextStaging:
    """The session's staging table for a target with `super` columns: the same columns, those as text."""

    step: ClassVar[str] = "warehouse.copy"
    columns: tuple[MartColumn, ...]


@dataclass(frozen=True, slots=True)
class CopyParquet:
    """Fills the staging table from the files a manifest names, by position. Has no options."""

    step: ClassVar[str] = "warehouse.copy"
    manifest: str
    iam_role: str


@dataclass(frozen=True, slots=True)
class LastCopyCount:
    """How many rows the session's last COPY loaded."""

    step: ClassVar[str] = "warehouse.copy"


@dataclass(frozen=True, slots=True)
class Begin:
    """Opens the transaction."""

    step: ClassVar[str] = "warehouse.replace"


@dataclass(frozen=True, slots=True)
class LimitTime:
    """How many seconds each later statement of the session may take, its waiting included; None: as it began."""

    step: ClassVar[str] = "warehouse.replace"
    seconds: int | None


@dataclass(frozen=True, slots=True)
class LockLoads:
    """Holds off other publishers of the schema; readers of the targets are not concerned."""

    step: ClassVar[str] = "warehouse.replace"
    loads: TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLoad:
    """The number and rows of a mart's last recorded load; no rows when there is none."""

    step: ClassVar[str] = "warehouse.replace"
    loads: TableName
    project: str
    model: str


@dataclass(frozen=True, slots=True)
class DeleteSlices:
    """Takes out all rows of some slices."""

    step: ClassVar[str] = "warehouse.replace"
    table: TableName
    slices: Slices


@dataclass(frozen=True, slots=True)
class InsertFromStaging:
    """Brings the staged rows in, column by column by name; `super` columns are parsed."""

    step: ClassVar[str] = "warehouse.replace"
    table: TableName
    columns: tuple[MartColumn, ...]


@dataclass(frozen=True, slots=True)
class CountSlices:
    """How many rows some slices hold."""

    step: ClassVar[str] = "warehouse.replace"
    table: TableName
    slices: Slices


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertLoad:
    """Records a load, at the warehouse's time. `slices` is JSON; `rows` were copied; `content_hash` is of the files."""

    step: ClassVar[str] = "warehouse.replace"
    loads: TableName
    project: str
    model: str
    number: int
    slices: str
    lake_table: str
    lake_version: int
    rows: int
    content_hash: str
    run: str


@dataclass(frozen=True, slots=True)
class Commit:
    """Makes the transaction visible."""

    step: ClassVar[str] = "warehouse.commit"


@dataclass(frozen=True, slots=True)
class Rollback:
    """Undoes the transaction."""

    step: ClassVar[str] = "warehouse.replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What `verify` compares, one row a slice (one row in all without `slice`): see `verify` for what the columns are.

    `only` None: every slice the table holds. `key` are the columns of the hash, `measures` those that are summed up.
    """

    step: ClassVar[str] = "warehouse.read"
    table: TableName
    slice: MartColumn | None
    only: Slices | None
    key: tuple[MartColumn, ...]
    measures: tuple[MartColumn, ...]


Statement = (
    SetQueryGroup | CountSchemas | CreateSchema | DescribeTable | CreateTable | CreateLoadsTable | CommentOnTable
    | CommentOnColumn | GrantUsage | GrantSelect | CreateStaging | CreateTextStaging | CopyParquet | LastCopyCount
    | Begin | LimitTime | LockLoads | LastLoad | DeleteSlices | InsertFromStaging | CountSlices | InsertLoad | Commit
    | Rollback | Fingerprint
)  # fmt: skip
