"""What a commit is made of: files added and removed, and the version they were made against. Frozen in the intent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from pydantic import TypeAdapter

NEW_TABLE = -1
"""The base version of a change that creates its table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedFile:
    """A data file: `path` from the table's root, `partition` as Delta writes values (null for null), `stats` as JSON."""

    path: str
    size: int
    rows: int
    partition: dict[str, str | None] = field(default_factory=dict)
    stats: str = "{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableChange:
    """All that one number does to one table, made against exactly `base_version`.

    `schema` is the table's whole schema after the change, as the JSON that `schema_to_json` gives; `added_columns` are
    those of it that the base version lacks, and take a version of their own. `removes` are live files of the base.
    `data_change` False: the same rows in other files, so that nobody who reads the table need look again. `adopted`: the
    files came and went by somebody else's commits, which the base version holds; the commit only marks that it is known.
    """

    table: str
    base_version: int
    schema: list[dict[str, Any]]
    partition_by: str | None = None
    adds: tuple[AddedFile, ...] = ()
    removes: tuple[AddedFile, ...] = ()
    added_columns: tuple[str, ...] = ()
    data_change: bool = True
    adopted: bool = False

    @property
    def version(self) -> int:
        """The table's version once the change is committed."""
        return self.base_version + (2 if self.added_columns else 1)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit: no file or column comes or goes and the table is there."""
        moves = self.adds or self.removes or self.added_columns or self.adopted
        return not moves and self.base_version != NEW_TABLE

    @property
    def rows(self) -> int:
        """How many more rows the table holds afterwards."""
        return sum(file.rows for file in self.adds) - sum(file.rows for file in self.removes)

    def as_json(self) -> dict[str, Any]:
        """The change as plain JSON values."""
        dumped: dict[str, Any] = _CHANGE.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TableChange:
        """The change that `as_json` gave."""
        return _CHANGE.validate_python(value)

    def partition_values(self) -> set[str | None]:
        """The values of the partition column whose rows come or go."""
        if self.partition_by is None:
            return set()
        return {file.partition[self.partition_by] for file in (*self.adds, *self.removes)}


_CHANGE = TypeAdapter(TableChange)


def schema_to_json(schema: pa.Schema) -> list[dict[str, Any]]:
    """A schema as JSON: name and Arrow type of each column, in order. Exact for the types of the interface."""
    return [{"name": field.name, "type": str(field.type)} for field in schema]


def schema_from_json(columns: list[dict[str, Any]]) -> pa.Schema:
    """The schema that `schema_to_json` gave."""
    return pa.schema([pa.field(column["name"], _arrow_type(column["type"])) for column in columns])


def _arrow_type(text: str) -> pa.DataType:
    if text.startswith("list<element: "):
        return pa.list_(pa.field("element", _arrow_type(text.removeprefix("list<element: ").removesuffix(">"))))
    if text.startswith("decimal128("):
        precision, scale = text.removeprefix("decimal128(").removesuffix(")").split(", ")
        return pa.decimal128(int(precision), int(scale))
    if text.startswith("timestamp["):
        unit, _, zone = text.removeprefix("timestamp[").removesuffix("]").partition(", tz=")
        return pa.timestamp(unit, tz=zone or None)
    if text.startswith("date32"):
        return pa.date32()
    return pa.type_for_alias(text)
