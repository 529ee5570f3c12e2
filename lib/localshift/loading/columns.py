"""Columns of a COPY's target: name and type as PostgreSQL formats it, and the names Redshift's messages give the type."""

from __future__ import annotations

import re
from dataclasses import dataclass

TYPE = re.compile(r"^([a-z ]+?)(?:\((\d+)(?:,(\d+))?\))?( without time zone| with time zone)?$")
SPECTRUM_TYPES = {
    "smallint": "SMALLINT",
    "integer": "INT",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "jsonb": "SUPER",
}
SHORT_TYPES = {
    "smallint": "int2",
    "integer": "int4",
    "bigint": "int8",
    "real": "float4",
    "double precision": "float8",
    "boolean": "bool",
    "character varying": "varchar",
    "character": "char",
    "jsonb": "super",
    "bytea": "varbyte",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of the target table: name and type as PostgreSQL formats it; `length` in bytes, 0 for none."""

    name: str
    kind: str
    length: int = 0
    scale: int = 0
    zoned: bool = False
    not_null: bool = False

    @property
    def is_text(self) -> bool:
        """Whether the column is CHAR or VARCHAR."""
        return self.kind in ("character varying", "character")

    @property
    def spectrum_type(self) -> str:
        """The type as the messages of Redshift's columnar reader write it."""
        if self.kind == "numeric":
            return f"DECIMAL({self.length}, {self.scale})"
        if self.is_text:
            return f"{'VARCHAR' if self.kind != 'character' else 'CHAR'}({self.length})"
        if self.kind == "bytea":
            return f"VARBYTE({self.length})"
        return SPECTRUM_TYPES.get(self.kind, self.kind.upper())

    @property
    def short_type(self) -> str:
        """The type as the load-error tables write it."""
        return SHORT_TYPES.get(self.kind, self.kind + ("tz" if self.zoned else ""))

    @property
    def shown_length(self) -> str:
        """The length as the load-error tables write it."""
        return f"{self.length}, {self.scale}" if self.kind == "numeric" else str(self.length)


def parse_column(name: str, formatted: str, *, not_null: bool = False) -> Column:
    """Return the column of a formatted type such as `character varying(12)` or `numeric(18,2)`."""
    found = TYPE.match(formatted)
    if found is None:
        return Column(name=name, kind=formatted, not_null=not_null)
    kind, length, scale, zone = found.groups()
    return Column(
        name=name,
        kind=kind,
        length=int(length or 0),
        scale=int(scale or 0),
        zoned=zone == " with time zone",
        not_null=not_null,
    )
