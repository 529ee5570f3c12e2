"""What a build is asked for, as values; loading this loads no pyspark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lakemart.config.model import Model
from lakemart.storage.store import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """An input as a build sees it: the table at a version, restricted to slices (None: whole)."""

    table: str
    version: int
    slices: frozenset[str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to build: the model, the number it is of, its slices (None: the whole table), and the views it reads."""

    model: Model
    lake: Location
    number: int
    slices: frozenset[str | None] | None
    views: Mapping[str, View]

    @property
    def only_read(self) -> frozenset[str | None]:
        """The slices that are read for the sake of later ones and are not rebuilt themselves."""
        if self.slices is None:
            return frozenset()
        read: frozenset[str | None] = frozenset().union(
            *(view.slices for view in self.views.values() if view.slices is not None)
        )
        return read - self.slices


def table_schema(model: Model) -> pa.Schema:
    """The Arrow schema of the model's table."""
    return pa.schema([pa.field(column.name, column.type.arrow) for column in model.columns])


def place_of(model: Model) -> str:
    """Where the model's query stands, for messages."""
    return f"model {model.name}, {model.python.name if model.python is not None else f'{model.name}.sql'}"
