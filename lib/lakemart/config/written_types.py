"""The types that the shapes of files are made of: each ties a function of `scalars` to its JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetJsonSchemaHandler, PlainValidator, WithJsonSchema
from pydantic_core import CoreSchema

from lakemart.config.notations import (
    DURATION,
    as_account,
    as_duration,
    as_path,
    as_regex,
    as_reject_limit,
    as_role,
    as_secret_reference,
    as_size,
    as_table_name,
    as_type,
    as_zone,
)
from lakemart.config.scalars import (
    as_count,
    as_flag,
    as_json_scalar,
    as_name,
    as_positive,
    as_scalar,
    as_text,
    as_words,
    listed,
)
from lakemart.config.source import RejectLimit
from lakemart.contract.types import ColumnType
from lakemart.names import GRAMMAR, TableName


class Written(BaseModel):
    """The root of all shapes: an unknown key is a problem, values are never coerced behind the user's back."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class AlsoWritten:
    """In an annotation: the JSON Schema of another way to write the value, beside the one the type itself has."""

    schema: dict[str, Any]

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [self.schema, handler(core_schema)]}


def _schema(kind: str, **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


def _unquoted(kind: str, **more: Any) -> WithJsonSchema:
    """A number or boolean, or the environment variable that holds it."""
    return WithJsonSchema({"anyOf": [{"type": kind, **more}, {"type": "string", "pattern": r"^\$\{"}]})


_LOOSE = {"anyOf": [{"type": kind} for kind in ("string", "number", "boolean")]}

Text = Annotated[str, PlainValidator(as_text), _schema("string")]
Words = Annotated[str, PlainValidator(as_words), _schema("string")]
Flag = Annotated[bool, PlainValidator(as_flag), _unquoted("boolean")]
Count = Annotated[int, PlainValidator(as_count), _unquoted("integer", minimum=0)]
Positive = Annotated[int, PlainValidator(as_positive), _unquoted("integer", minimum=1)]
Name = Annotated[str, PlainValidator(as_name), _schema("string", pattern=f"^{GRAMMAR.pattern}$")]
Duration = Annotated[timedelta, PlainValidator(as_duration), _schema("string", pattern=f"^{DURATION.pattern}$")]
Size = Annotated[int, PlainValidator(as_size), _schema("string", examples=["256 MB", "1 GiB"])]
Path = Annotated[
    tuple[str, ...],
    PlainValidator(as_path),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]
Limit = Annotated[
    RejectLimit, PlainValidator(as_reject_limit), WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})
]
Type = Annotated[ColumnType, PlainValidator(as_type), _schema("string")]
Table = Annotated[
    TableName, PlainValidator(as_table_name), _schema("string", pattern=f"^{GRAMMAR.pattern}\\.{GRAMMAR.pattern}$")
]
Reference = Annotated[str, PlainValidator(as_secret_reference), _schema("string", pattern="^secret://")]
Role = Annotated[str, PlainValidator(as_role), _schema("string")]
Account = Annotated[str, PlainValidator(as_account), _schema("string", pattern="^[0-9]{12}$")]
Zone = Annotated[str, PlainValidator(as_zone), _schema("string")]
Regex = Annotated[str, PlainValidator(as_regex), _schema("string", format="regex")]
Scalar = Annotated[str, PlainValidator(as_scalar), WithJsonSchema(_LOOSE)]
JsonScalar = Annotated[
    str | int | float | bool | None,
    PlainValidator(as_json_scalar),
    WithJsonSchema({"anyOf": [*_LOOSE["anyOf"], {"type": "null"}]}),
]
Names = Annotated[
    list[Name],
    BeforeValidator(listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string", "pattern": f"^{GRAMMAR.pattern}$"}},
            ]
        }
    ),
]
