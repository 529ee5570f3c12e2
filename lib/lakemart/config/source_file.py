"""The shape of `sources/*.yaml`: every key, its type, default and meaning. JSON Schema and reference come from here."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from lakemart.config.notations import as_duration, as_path
from lakemart.config.scalars import as_text, kind_of, wrong
from lakemart.config.source import Completion, RejectLimit
from lakemart.config.table_file import ChildFile, RoutedFile, TableFile
from lakemart.config.written_types import (
    AlsoWritten,
    Duration,
    JsonScalar,
    Limit,
    Name,
    Path,
    Positive,
    Reference,
    Size,
    Text,
    Words,
    Written,
)

Format = Literal["ndjson", "concatenated", "array", "records"]
FormatAndPath = tuple[Format, tuple[str, ...]]
FORMATS: dict[str, FormatAndPath] = {
    "ndjson": ("ndjson", ()),
    "concatenated": ("concatenated", ()),
    "array": ("array", ()),
}


def _completion(value: object) -> Completion:
    if value == "none":
        return Completion()
    known = {"marker", "after"}
    if not isinstance(value, dict) or len(value) != 1 or not known.issuperset(value):
        raise wrong(
            f"must be none, a marker or an age, {kind_of(value)}", "write none, {marker: COMPLETE} or {after: 10m}"
        )
    if "marker" in value:
        return Completion(marker=as_text(value["marker"]))
    return Completion(after=as_duration(value["after"]))


def _format(value: object) -> FormatAndPath:
    if isinstance(value, str) and value in FORMATS:
        return FORMATS[value]
    if isinstance(value, dict) and set(value) == {"records"}:
        path = as_path(value["records"])
        if path:
            return "records", path
    raise wrong(f"must be a format, {kind_of(value)}", f"write {', '.join(FORMATS)} or {{records: PATH}}")


def _values(value: object) -> object:
    return [value] if not isinstance(value, list) else value


def _one_key(**properties: object) -> dict[str, object]:
    """The JSON Schema of a mapping that must hold exactly these keys."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


PATH_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

CompletionRule = Annotated[
    Completion,
    PlainValidator(_completion),
    WithJsonSchema(
        {"anyOf": [{"const": "none"}, _one_key(marker={"type": "string"}), _one_key(after={"type": "string"})]}
    ),
]
FormatRule = Annotated[
    FormatAndPath,
    PlainValidator(_format),
    WithJsonSchema({"anyOf": [{"enum": list(FORMATS)}, _one_key(records=PATH_SCHEMA)]}),
]
SkipValues = Annotated[
    list[JsonScalar],
    BeforeValidator(_values),
    AlsoWritten({"type": ["string", "number", "boolean", "null"]}),
]


class ObjectsFile(Written):
    """Which objects under the project's `raw` belong to the source, and when they may be read."""

    prefix: Words = Field(
        "",
        description="Keys begin with this, under `raw`. May be dated (UTC): {yyyy} {MM} {dd} {HH}.",
        examples=["{yyyy}/{MM}/"],
    )
    pattern: Text = Field("*", description="A glob on the part of the key after the prefix.", examples=["*.json.gz"])
    complete: CompletionRule = Field(
        default_factory=Completion,
        json_schema_extra={"default": "none"},
        description="When an object may be read: none (at once), {marker: NAME} (an object of this name stands in its folder) or {after: 10m}.",
        examples=["none", {"marker": "COMPLETE"}, {"after": "10m"}],
    )
    closed_after: Duration | None = Field(
        None,
        description="Of a dated prefix: a plain run no longer lists dates older than this; `verify` does. Default: 7 days.",
        examples=["7 days"],
    )
    overwritten: Literal["error", "ignore", "replace"] = Field(
        "error", description="What an object means whose etag changed after it was read."
    )
    max_objects: Positive | None = Field(
        None, description="How many objects one run takes at most, the oldest first. Default: all.", examples=[10000]
    )
    max_bytes: Size | None = Field(
        None,
        description="How many bytes, as they are stored, one run takes at most, the oldest objects first. Default: all.",
        examples=["50 GiB"],
    )


class LimitsFile(Written):
    """Bounds on one record; beyond them it is rejected."""

    depth: Positive = Field(512, description="Nesting of arrays and objects.")
    record_bytes: Size = Field(
        16 * 1024 * 1024,
        json_schema_extra={"default": "16 MiB"},
        description="Size of one record's text.",
        examples=["16 MiB"],
    )
    digits: Positive = Field(1000, description="Digits of one number.")


class SourceFile(TableFile):
    """One raw feed: where its objects lie, their format, and the contract of the clean table (or tables) it fills."""

    source: Name = Field(description="The source's name.", examples=["events"])
    description: Words = Field("", description="What the feed is.")
    owner: Words = Field("", description="Who answers for it.")
    objects: ObjectsFile = Field(
        default_factory=lambda: ObjectsFile.model_validate({}), description="Which objects, and when."
    )
    format: FormatRule = Field(
        ("ndjson", ()),
        json_schema_extra={"default": "ndjson"},
        description="How bytes hold records: ndjson (one a line), concatenated, array (one JSON array) or {records: PATH} (documents that hold an "
        "array of records at a path). Compression is told by content.",
        examples=["ndjson", {"records": "Records"}],
    )
    envelope: Literal["plain"] = Field("plain", description="How a record wraps its payload.")
    lookback: Duration = Field(
        timedelta(days=7),
        json_schema_extra={"default": "7 days"},
        description="Duplicates are looked for in the batch's partitions, plus and minus this many days.",
        examples=["7 days"],
    )
    latest_by: Name | None = Field(
        None,
        description="Which duplicate wins within a batch: none (the first) or a column (the greatest wins).",
        examples=["updated_at"],
    )
    skip: dict[str, SkipValues] = Field(
        {},
        description="Records left out on purpose, counted as filtered: path → values.",
        examples=[{"type": ["Heartbeat"]}],
    )
    reject_limit: Limit = Field(
        default_factory=RejectLimit,
        json_schema_extra={"default": "1%"},
        description="How many rejects a batch may have before it is refused: 1% (and at least 10 records), or a number.",
        examples=["1%", 25],
    )
    duplicate_keys: Literal["reject", "last"] = Field(
        "reject", description="A record in which a key stands twice: rejected, or the last one counts."
    )
    pii_key: Reference | None = Field(
        None, description="The key for `pii` columns and their quarantine.", examples=["secret://env/PII_KEY"]
    )
    limits: LimitsFile = Field(
        default_factory=lambda: LimitsFile.model_validate({}), description="Bounds on one record."
    )
    children: dict[Name, ChildFile] = Field(
        {}, description="Tables of the elements of arrays in each record: name → {explode: PATH, columns: …}."
    )
    route: Path | None = Field(
        None,
        description="Where a record says its kind; `tables` then holds a table for each kind. Columns, key, partition_by and unknown_fields at the top "
        "are shared by all of them.",
        examples=["type"],
    )
    tables: dict[str, RoutedFile] = Field({}, description="With `route`: kind → its table.")
    other: Text = Field(
        "quarantine",
        description="With `route`: kinds without a table go to quarantine, ignore, or to the table of this name.",
    )
