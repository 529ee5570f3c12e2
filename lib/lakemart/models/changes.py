"""What the ledger says of a model's inputs: the last committed number of each, and the slices touched since a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lakemart.errors import ConfigError
from lakemart.lake.actions import TableChange
from lakemart.ledger import records
from lakemart.ledger.changes import row_changes
from lakemart.ledger.records import Json, Record
from lakemart.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class InputVersion:
    """An input as a plan freezes it: the table at the version that its writer's last committed number left it at."""

    table: str
    writer: str
    number: int
    version: int

    def as_json(self) -> Json:
        """The value as a plan holds it."""
        return {"table": self.table, "writer": self.writer, "number": self.number, "version": self.version}

    @classmethod
    def from_json(cls, value: Json) -> InputVersion:
        """The value that `as_json` gave."""
        return cls(table=value["table"], writer=value["writer"], number=value["number"], version=value["version"])


@dataclass(frozen=True, slots=True, kw_only=True)
class InputChange:
    """An input now, and what committed numbers did to its table since the one a model was last built from."""

    now: InputVersion
    changed: bool
    touched: frozenset[str | None]


def last_build(store: Store, writer: str, head: Record | None) -> Json | None:
    """The `done` of the writer's last committed number, None before the first. `head` is its newest number, closed."""
    if head is None or head.committed:
        return None if head is None else head.done
    for number in range(head.number - 1, 0, -1):
        done = records.read_part(store, writer, number, "done")
        if done is not None and "void" not in done:
            return done
    return None


def input_change(
    store: Store, table: str, writer: str, *, before: InputVersion | None, slice_column: str | None
) -> InputChange | None:
    """What happened to an input since `before` (None: never built); None while its writer has not made the table.

    With `slice_column`, the slices touched; raises ConfigError when the table is not partitioned by that column.
    """
    after = before.number if before is not None and before.writer == writer else 0
    now = before if after else None
    changed = False
    touched: set[str | None] = set()
    for record in records.numbers(store, writer, after=after):
        if not record.committed or record.decision is None or record.done is None:
            continue
        version = record.done["versions"].get(table)
        if version is not None:
            now = InputVersion(table=table, writer=writer, number=record.number, version=version)
        for change in row_changes(record.decision, table):
            changed = True
            if slice_column is not None:
                touched |= _slices(change, slice_column)
    return None if now is None else InputChange(now=now, changed=changed, touched=frozenset(touched))


def is_latest(store: Store, version: InputVersion) -> bool:
    """Whether no later number of the input's writer has been committed."""
    return not any(record.committed for record in records.numbers(store, version.writer, after=version.number))


def frozen_inputs(payload: Mapping[str, Json]) -> dict[str, InputVersion]:
    """The inputs that a plan or a `done` holds, by name."""
    return {name: InputVersion.from_json(value) for name, value in payload.get("inputs", {}).items()}


def _slices(change: TableChange, slice_column: str) -> set[str | None]:
    if change.partition_by != slice_column:
        by = f"partitioned by {change.partition_by!r}" if change.partition_by else "not partitioned"
        raise ConfigError(
            f"input {change.table!r} is {by}, so it has no slices by {slice_column!r}",
            next_step=f"Partition it by that column, or read it whole: inputs: {{{change.table}: {{slice: none}}}}.",
        )
    return change.partition_values()
