"""The values of one model: its query, inputs, columns, checks, and how it is published when it is a mart."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from lakemart.contract.types import ColumnType
from lakemart.names import TableName


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelColumn:
    """One column of a model's table and, for a mart, of its warehouse table; the order of columns is the DDL's order."""

    name: str
    type: ColumnType
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One lake table that a model reads under its own name.

    `slice` is the input's partition column that is restricted to the slices being rebuilt; None: the input is read whole
    and its change touches all slices. `lookback` is the number of earlier slices that a slice also reads.
    """

    name: str
    slice: str | None
    lookback: int = 0


@dataclass(frozen=True, slots=True)
class UniqueCheck:
    """No two rows of the rebuilt slices are equal in these columns."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotNullCheck:
    """No row of the rebuilt slices has a null in one of these columns."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SqlCheck:
    """A query (Spark SQL) over the model and its inputs; each row it returns is a failure."""

    sql: str


Check = UniqueCheck | NotNullCheck | SqlCheck


@dataclass(frozen=True, slots=True, kw_only=True)
class Publish:
    """How a mart stands in the warehouse. `retain` None: the warehouse keeps every slice. No `distkey`: DISTSTYLE AUTO."""

    table: TableName
    mode: Literal["replace", "merge"] = "replace"
    retain: timedelta | None = None
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    grant_select_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model. `sql` is set for the kind `sql`, `python` (the file with `build(inputs)`) and its text for `python`.

    `slice` None: the model has one slice, all of it. `key` may be empty, except for a mart that merges.
    """

    name: str
    kind: Literal["sql", "python"]
    sql: str = ""
    python: Path | None = None
    python_text: str = field(default="", repr=False)
    inputs: Mapping[str, Input]
    slice: str | None = None
    key: tuple[str, ...] = ()
    columns: tuple[ModelColumn, ...]
    checks: tuple[Check, ...] = ()
    publish: Publish | None = None
    description: str = ""
    owner: str = ""

    @property
    def version(self) -> str:
        """A short hash of all that decides the model's rows: a changed description or publish section leaves it alone."""
        content = {
            "kind": self.kind,
            "text": self.sql or self.python_text,
            "inputs": [[i.name, i.slice, i.lookback] for i in self.inputs.values()],
            "slice": self.slice,
            "key": self.key,
            "columns": [[column.name, str(column.type)] for column in self.columns],
            "checks": [
                [type(check).__name__, getattr(check, "columns", None) or getattr(check, "sql", "")]
                for check in self.checks
            ],
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
