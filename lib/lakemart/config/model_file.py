"""The shape of `models/*.yaml`: every key, its type, default and meaning. JSON Schema and reference come from here."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from lakemart.config.scalars import wrong
from lakemart.config.written_types import AlsoWritten, Count, Duration, Name, Names, Table, Text, Type, Words, Written


def _input_mapping(value: object) -> object:
    if isinstance(value, str):
        return {value: {}}
    if isinstance(value, list):
        names = [str(item) for item in value if isinstance(item, str)]
        if len(names) != len(value):
            raise wrong("must be a list of names or a mapping", "write [events] or {events: {lookback: 1}}")
        return {name: {} for name in names}
    if isinstance(value, dict):
        return {name: {} if options is None else options for name, options in value.items()}
    return value


class InputFile(Written):
    """How a model reads one input."""

    slice: Name | None = Field(
        None,
        description="The input's partition column; `none` reads it whole. Default: the model's slice.",
        examples=["event_date", "none"],
    )
    lookback: Count = Field(0, description="How many earlier slices each slice also reads.", examples=[1])


class ModelColumnFile(Written):
    """One column of the model's table."""

    type: Type = Field(
        description="As in a source; in a mart text is varchar(n) in bytes, json is varchar(n) or super.",
        examples=["bigint", "varchar(64)"],
    )
    description: Words = Field(
        "", description="What the column means; it becomes the column's comment in the warehouse."
    )


class CheckFile(Written):
    """One check of the rebuilt slices before they are committed: exactly one of the three."""

    unique: Names | None = Field(None, description="No two rows are equal in these columns.")
    not_null: Names | None = Field(None, description="None of these columns is null.")
    sql: Text | None = Field(
        None, description="A query over the model and its inputs; each row it returns is a failure."
    )


class PublishFile(Written):
    """How the model's table is published to the warehouse, which makes it a mart."""

    table: Table = Field(description="The warehouse table.", examples=["marts.hourly_activity"])
    mode: Literal["replace", "merge"] = Field("replace", description="Replace slices, or merge by the model's key.")
    retain: Duration | None = Field(
        None, description="How long slices stay in the warehouse; the lake keeps everything.", examples=["90 days"]
    )
    distkey: Name | None = Field(None, description="The distribution column. Default: Redshift decides.")
    sortkey: Names = Field([], description="The sort columns.", examples=[["event_date"]])
    grant_select_to: Names = Field([], description="Roles that may read the table.", examples=[["analyst"]])


Inputs = Annotated[
    dict[Name, InputFile],
    BeforeValidator(_input_mapping),
    AlsoWritten({"type": "array", "items": {"type": "string"}, "minItems": 1}),
]


class ModelFile(Written):
    """One model: a SQL query (`.sql` beside) or a PySpark function (`.py` beside) that makes one table from others."""

    model: Name = Field(description="The model's and its table's name.", examples=["hourly_activity"])
    description: Words = Field("", description="What one row is.")
    owner: Words = Field("", description="Who answers for it.")
    inputs: Inputs = Field(
        description="The tables it reads: a list of names, or name → options.",
        examples=[["events"], {"events": {"lookback": 1}, "countries": {"slice": "none"}}],
    )
    slice: Name | None = Field(
        None,
        description="Its partition column, by which it is rebuilt and republished. Default: none, all at once.",
        examples=["event_date"],
    )
    key: Names = Field([], description="The columns that identify a row.")
    columns: dict[Name, ModelColumnFile] = Field(
        description="Name, type and meaning, in order: this is also the warehouse's DDL."
    )
    checks: list[CheckFile] = Field(
        [],
        description="What must hold before the rebuilt slices are committed.",
        examples=[[{"unique": ["event_date", "id"]}]],
    )
    publish: PublishFile | None = Field(None, description="Publishes the model: a mart.")
