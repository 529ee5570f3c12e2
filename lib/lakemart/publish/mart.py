"""What a mart is in the warehouse: its table, columns, keys and readers, and what each column type becomes there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lakemart.config.model import Model, NotNullCheck
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.names import TableName

LOADS = "lakemart_loads"
"""The table of each mart schema that records every load, in the load's own transaction."""

_DDL = {
    "boolean": "boolean",
    "smallint": "smallint",
    "int": "integer",
    "bigint": "bigint",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
    "super": "super",
    "list": "super",
}
_CATALOG = {"timestamp": "timestamp without time zone", "timestamptz": "timestamp with time zone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MartColumn:
    """One column of the warehouse table. `not_null` only where the model's own check proves it before every commit."""

    name: str
    type: ColumnType
    not_null: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mart:
    """A mart as its plan freezes it. `slice` None: the mart has one slice, all of it. `as_json` and `from_json` invert."""

    model: str
    table: TableName
    columns: tuple[MartColumn, ...]
    slice: str | None = None
    key: tuple[str, ...] = ()
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    description: str = ""

    @classmethod
    def of(cls, model: Model) -> Mart:
        """The mart of a model with a publish section; raises ConfigError when a column has no place in Redshift."""
        where = f"model {model.name}"
        if model.publish is None:
            raise ConfigError(
                f"model {model.name!r} has no publish section", where=where, next_step="Add one, or do not publish it."
            )
        if model.publish.mode != "replace":
            raise ConfigError(
                f"publish mode {model.publish.mode!r} is not there yet", where=where, next_step="Write mode: replace."
            )
        proven = {name for check in model.checks if isinstance(check, NotNullCheck) for name in check.columns}
        columns = tuple(
            MartColumn(name=c.name, type=c.type, not_null=c.name in proven, description=c.description)
            for c in model.columns
        )
        for column in columns:
            _checked(column, where)
        return cls(
            model=model.name,
            table=model.publish.table,
            columns=columns,
            slice=model.slice,
            key=model.key,
            distkey=model.publish.distkey,
            sortkey=model.publish.sortkey,
            readers=model.publish.grant_select_to,
            description=model.description,
        )

    def as_json(self) -> dict[str, Any]:
        """The mart as plain JSON values."""
        return {
            "model": self.model,
            "table": str(self.table),
            "columns": [
                {"name": c.name, "type": str(c.type), "not_null": c.not_null, "description": c.description}
                for c in self.columns
            ],
            "slice": self.slice,
            "key": list(self.key),
            "distkey": self.distkey,
            "sortkey": list(self.sortkey),
            "readers": list(self.readers),
            "description": self.description,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Mart:
        """The mart that `as_json` gave."""
        columns = tuple(
            MartColumn(**{**column, "type": ColumnType.parse(column["type"])}) for column in value["columns"]
        )
        return cls(
            model=value["model"],
            table=TableName.parse(value["table"]),
            columns=columns,
            slice=value["slice"],
            key=tuple(value["key"]),
            distkey=value["distkey"],
            sortkey=tuple(value["sortkey"]),
            readers=tuple(value["readers"]),
            description=value["description"],
        )

    @property
    def loads(self) -> TableName:
        """The loads table of this mart's schema."""
        return TableName(self.table.schema, LOADS)

    def column(self, name: str) -> MartColumn:
        """The column of that name; raises KeyError when there is none."""
        return next((column for column in self.columns if column.name == name), None) or _no_column(name)


def ddl_type(kind: ColumnType) -> str:
    """A column type as Redshift's DDL writes it.

    >>> ddl_type(ColumnType.parse("decimal(10,2)")), ddl_type(ColumnType.parse("list<int>"))
    ('decimal(10,2)', 'super')
    """
    if kind.kind == "decimal":
        return f"decimal({kind.precision},{kind.scale})"
    return f"varchar({kind.length})" if kind.kind == "varchar" else _DDL[kind.kind]


def catalog_type(kind: ColumnType) -> str:
    """A column type as Redshift's catalogue shows it.

    >>> catalog_type(ColumnType.parse("varchar(8)")), catalog_type(ColumnType.parse("timestamp"))
    ('character varying(8)', 'timestamp without time zone')
    """
    if kind.kind == "decimal":
        return f"numeric({kind.precision},{kind.scale})"
    if kind.kind == "varchar":
        return f"character varying({kind.length})"
    return _CATALOG.get(kind.kind, _DDL[kind.kind])


def is_super(kind: ColumnType) -> bool:
    """Whether the column travels as JSON text and is parsed on insert."""
    return kind.kind in {"super", "list"}


def _checked(column: MartColumn, where: str) -> None:
    if column.type.kind in {"string", "json"}:
        wide = "varchar(n), or super" if column.type.kind == "json" else "varchar(n)"
        raise ConfigError(
            f"column {column.name!r} is a {column.type}, which has no length in Redshift",
            where=where,
            next_step=f"Write {wide}, n in bytes.",
        )


def _no_column(name: str) -> MartColumn:
    raise KeyError(name)
