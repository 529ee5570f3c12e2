"""The contract of a clean table, and the feed that fills it: frozen values that a batch's plan keeps whole.

`Feed.as_json` and `Feed.from_json` are exact inverses: a batch is always finished under the contract its plan froze.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
from pydantic import TypeAdapter

from lakemart.contract.types import ColumnType
from lakemart.names import PROVENANCE

Unit = Literal["s", "ms", "us", "ns"]
Pii = Literal["hash", "mask", "drop"]
UnknownFields = Literal["extra", "ignore", "reject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: where its value stands in a record (`path`, one key a segment), its type, and its rules.

    A column with `date_of` has no path: it is the UTC date of the timestamp column named there. `values`, `minimum`,
    `maximum` are in the JSON spelling the user wrote (text for dates, timestamps and decimals).
    """

    name: str
    type: ColumnType
    path: tuple[str, ...] = ()
    date_of: str | None = None
    required: bool = False
    lenient: bool = False
    unit: Unit | None = None
    zone: str | None = None
    round: bool = False
    nul: Literal["strip"] | None = None
    values: tuple[str | int | float | bool, ...] | None = None
    minimum: str | int | float | None = None
    maximum: str | int | float | None = None
    pattern: str | None = None
    pii: Pii | None = None
    redact: tuple[tuple[str, ...], ...] = ()
    """Of a `json` column: paths whose values are replaced in the kept text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What one clean table promises. Lake columns: the contract's own in order, `_extra` if kept, then provenance."""

    table: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partition_by: str | None = None
    unknown_fields: UnknownFields = "extra"
    explode: tuple[str, ...] = ()
    """Of a child table: the path in the parent's record of the array or map whose elements are its rows."""
    parent: str | None = None
    """Of a child table: the table whose key its rows carry."""
    route: str | None = None
    """Of a routed table: the value of the feed's `route` path that sends a record here."""

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of decoded rows: the columns, `_extra` if kept, then `_offset` of the record."""
        fields: list[pa.Field[Any]] = [
            pa.field(column.name, column.type.arrow) for column in self.columns if column.pii != "drop"
        ]
        if self.unknown_fields == "extra":
            fields.append(pa.field("_extra", pa.string()))
        return pa.schema([*fields, pa.field("_offset", pa.int64())])

    @property
    def lake_schema(self) -> pa.Schema:
        """The Arrow schema of the lake table: decoded columns, then the provenance columns `_object _offset _batch`."""
        own: list[pa.Field[Any]] = [f for f in self.schema if f.name not in PROVENANCE]
        provenance = [pa.field("_object", pa.string()), pa.field("_offset", pa.int64()), pa.field("_batch", pa.int64())]
        return pa.schema([*own, *provenance])


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one record; a record beyond them is rejected, and memory stays bounded."""

    depth: int = 512
    record_bytes: int = 16 * 1024 * 1024
    digits: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How the bytes of a source hold records, and the contract of each table they fill (the first is the main one)."""

    format: Literal["ndjson", "concatenated", "array", "records"] = "ndjson"
    records_path: tuple[str, ...] = ()
    envelope: Literal["plain"] = "plain"
    tables: tuple[Contract, ...]
    duplicate_keys: Literal["reject", "last"] = "reject"
    skip: tuple[tuple[tuple[str, ...], tuple[str | int | float | bool | None, ...]], ...] = ()
    """Pairs of path and values: a record whose value at the path is one of them is left out, counted as filtered."""
    route: tuple[str, ...] = ()
    other: Literal["quarantine", "ignore"] | str = "quarantine"  # noqa: PYI051 - or the name of a table, as written
    limits: Limits = field(default_factory=Limits)

    def as_json(self) -> dict[str, Any]:
        """The feed as plain JSON values."""
        dumped: dict[str, Any] = _FEED.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Feed:
        """The feed that `as_json` gave; raises pydantic's ValidationError on anything else."""
        return _FEED.validate_python(value)

    @property
    def reads_document(self) -> bool:
        """Whether a record's meaning depends on the document around it, so that its own bytes do not tell all."""
        paths = [column.path for contract in self.tables for column in contract.columns]
        return any(path[:1] == ("$",) for path in (*paths, *(path for path, _ in self.skip), self.route))

    @property
    def version(self) -> str:
        """A short hash of the feed's content: equal for equal rules, whatever file they were written in."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_FEED = TypeAdapter(Feed)
