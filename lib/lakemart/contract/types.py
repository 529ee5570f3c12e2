"""The scalar types of the interface and what each becomes in Arrow and in Spark. One row of the type map per kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

import pyarrow as pa

from lakemart.errors import ConfigError

Kind = Literal[
    "string", "boolean", "smallint", "int", "bigint", "double", "decimal", "date", "timestamp", "json", "list",
    "varchar", "timestamptz", "super",
]  # fmt: skip

WAREHOUSE_ONLY: frozenset[str] = frozenset({"varchar", "timestamptz", "super"})
"""Kinds that a model's column may have and a source's may not: they say how the warehouse stores a lake type."""

_GRAMMAR = re.compile(r"([a-z]+)(?:\((\d+)(?:,\s*(\d+))?\)|<([a-z0-9(), ]+)>)?")
MAX_PRECISION = 38
MAX_VARCHAR = 65535


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type: `decimal` has precision and scale, `varchar` a length in bytes, `list` an item type; the rest is zero.

    >>> str(ColumnType.parse("decimal(10, 2)")), str(ColumnType.parse("list<bigint>"))
    ('decimal(10,2)', 'list<bigint>')
    """

    kind: Kind
    precision: int = 0
    scale: int = 0
    length: int = 0
    item: ColumnType | None = None

    @classmethod
    def parse(cls, text: str) -> ColumnType:
        """Reads a type as users write it; raises ConfigError that says what is wrong with it."""
        match = _GRAMMAR.fullmatch(text.strip().lower())
        kind, first, second, item = match.groups() if match else ("", None, None, None)
        if kind not in get_args(Kind):
            raise ConfigError(f"{text!r} is not a type", next_step=f"Types are {', '.join(get_args(Kind))}.")
        made = cls(cast("Kind", kind))
        if kind == "decimal":
            made = cls("decimal", precision=int(first or 0), scale=int(second or 0))
            if not 1 <= made.precision <= MAX_PRECISION or made.scale > made.precision:
                raise ConfigError(
                    f"{text!r} is not a decimal type", next_step="Write decimal(p,s) with 1 <= p <= 38 and s <= p."
                )
        elif kind == "varchar":
            made = cls("varchar", length=int(first or 0))
            if second or not 1 <= made.length <= MAX_VARCHAR:
                raise ConfigError(
                    f"{text!r} is not a varchar type", next_step="Write varchar(n) with n bytes, 1 to 65535."
                )
        elif kind == "list":
            made = cls("list", item=cls.parse(item) if item and item != "list" else None)
            if made.item is None or made.item.kind in {"json", "super"}:
                raise ConfigError(f"{text!r} is not a list type", next_step="Write list<t> with a scalar type t.")
        elif first or item:
            raise ConfigError(f"{text!r}: {kind} takes no parameters", next_step=f"Write {kind}.")
        return made

    def __str__(self) -> str:
        if self.kind == "decimal":
            return f"decimal({self.precision},{self.scale})"
        if self.kind == "varchar":
            return f"varchar({self.length})"
        return f"list<{self.item}>" if self.kind == "list" else self.kind

    @property
    def arrow(self) -> pa.DataType:
        """The type of the column in Arrow and in the lake's Parquet."""
        if self.kind == "decimal":
            return pa.decimal128(self.precision, self.scale)
        if self.kind == "list":
            assert self.item is not None  # noqa: S101 - parse() made it so
            return pa.list_(pa.field("element", self.item.arrow))
        return _ARROW[self.kind]

    @property
    def spark(self) -> str:
        """The type as Spark's DDL and Delta's schema name it."""
        if self.kind == "list":
            assert self.item is not None  # noqa: S101 - parse() made it so
            return f"array<{self.item.spark}>"
        return f"decimal({self.precision},{self.scale})" if self.kind == "decimal" else _SPARK[self.kind]


_ARROW: dict[str, pa.DataType] = {
    "string": pa.string(),
    "varchar": pa.string(),
    "json": pa.string(),
    "super": pa.string(),
    "boolean": pa.bool_(),
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}

_SPARK: dict[str, str] = {
    "string": "string",
    "varchar": "string",
    "json": "string",
    "super": "string",
    "boolean": "boolean",
    "smallint": "smallint",
    "int": "int",
    "bigint": "bigint",
    "double": "double",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
}
