"""The shape of a clean table and its columns within `sources/*.yaml`: every key, its type, default and meaning."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lakemart.config.written_types import Flag, Name, Names, Path, Regex, Scalar, Type, Words, Written, Zone


class ColumnFile(Written):
    """One column of a clean table."""

    path: Path | None = Field(
        None,
        description='Where the value stands in a record: a.b.c. A key that holds a dot stands in double quotes or in a list of keys ([a, "b.c"]). Default: the column\'s name. '
        "With `format: {records: …}` a path that begins with `$.` leads into the enclosing document. In a child table the path begins at the element: "
        "`.` is the element itself, `^.a` leads into the parent's record, `'#'` is the index.",
        examples=["actor.id", ["labels", "app.kubernetes.io/name"], "$.exported_at"],
    )
    type: Type | None = Field(
        None,
        description="string, boolean, smallint, int, bigint, double, decimal(p,s), date, timestamp, json or list<type>.",
    )
    date_of: Name | None = Field(
        None, description="Instead of path and type: the UTC date of this timestamp column.", examples=["occurred_at"]
    )
    description: Words = Field("", description="What the column means.")
    required: Flag = Field(default=False, description="Reject a record in which the value is absent or null.")
    lenient: Flag = Field(
        default=False, description="Take a number or boolean as text, and a numeric string as a number."
    )
    unit: Literal["s", "ms", "us", "ns"] | None = Field(
        None, description="Of a timestamp: the value is an epoch number in this unit."
    )
    zone: Zone | None = Field(
        None, description="Of a timestamp: the zone of times that carry no offset.", examples=["Europe/Berlin"]
    )
    round: Flag = Field(default=False, description="Round digits beyond the type's scale instead of rejecting.")
    nul: Literal["strip"] | None = Field(None, description="Take NUL characters out of a text instead of rejecting it.")
    values: list[Scalar] | None = Field(None, description="The only values allowed.", examples=[["open", "closed"]])
    min: Scalar | None = Field(None, description="The smallest value allowed.", examples=[0, "2012-01-01"])
    max: Scalar | None = Field(None, description="The greatest value allowed.")
    pattern: Regex | None = Field(None, description="A regular expression that the whole text must match.")
    pii: Literal["hash", "mask", "drop"] | None = Field(
        None, description="Personal data: HMAC with `pii_key`, mask, or leave out of the table."
    )
    redact: list[Path] = Field(
        [],
        description="Of a json column: paths within its value that are replaced in the kept text.",
        examples=[["user.email"]],
    )


class TableFile(Written):
    """What one clean table promises: at the top of a source, under `tables` (routing) and under `children` (explode)."""

    table: Name | None = Field(
        None,
        description="The lake table's name. Default: the source's name, the kind's or child's key.",
        examples=["events"],
    )
    key: Names = Field(
        [],
        description="Columns that identify a record; duplicates are dropped, kept aside and counted.",
        examples=[["id"]],
    )
    partition_by: Name | None = Field(
        None,
        description="The partition column: the slices that models and marts are rebuilt by.",
        examples=["event_date"],
    )
    unknown_fields: Literal["extra", "ignore", "reject"] | None = Field(
        None,
        description="Fields that no column names: kept in `_extra` (the default), ignored, or the record is rejected.",
    )
    columns: dict[Name, ColumnFile] = Field({}, description="The columns in the table's order.")


class ChildFile(TableFile):
    """A table of the elements of an array (or of an integer-keyed object) in each record.

    Its rows carry the parent's key and partition columns and `_index` before their own columns.
    """

    explode: Path = Field(
        description="Where the array or map stands in the parent's record.", examples=["payload.commits"]
    )


class RoutedFile(TableFile):
    """The table of one kind of record; columns, key and the rest stand beside those shared at the top of the source."""

    children: dict[Name, ChildFile] = Field({}, description="Tables of the elements of arrays in these records.")
