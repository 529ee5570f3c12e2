"""Rebases: by a person's word an intent goes onto a later version than it was made against, past a foreign commit.

`rebase-0001`, `rebase-0002`, … of a number are put if absent, like its other parts; the last one of a table says against
exactly which version its frozen actions go. The README of this room has the rules and what breaks without each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lakemart.ledger import records
from lakemart.ledger.records import Json
from lakemart.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebase:
    """One table's actions of a number now go against `onto`; `made` is the version they went against until then.

    `added_columns` are those that version still lacks.
    """

    table: str
    made: int
    onto: int
    added_columns: tuple[str, ...]

    def as_json(self) -> Json:
        """The value as a part or a `done` holds it."""
        return {**asdict(self), "added_columns": list(self.added_columns)}


def rebases(store: Store, writer: str, number: int) -> tuple[Rebase, ...]:
    """The rebases of a number, in order."""
    found: list[Rebase] = []
    while (value := records.read_part(store, writer, number, _part(len(found) + 1))) is not None:
        found.append(
            Rebase(
                table=value["table"],
                made=value["made"],
                onto=value["onto"],
                added_columns=tuple(value["added_columns"]),
            )
        )
    return tuple(found)


def put_rebase(store: Store, writer: str, number: int, after: int, value: Json) -> bool:
    """Puts the rebase after the first `after` ones; False when another's is there already."""
    return records.write_part(store, writer, number, _part(after + 1), value)


def rebased(intent: Json, found: Sequence[Rebase]) -> Json:
    """The intent with the tables' base versions as the rebases say."""
    if not found:
        return intent
    last = {one.table: one for one in found}
    return {**intent, "tables": [_moved(change, last) for change in intent["tables"]]}


def _moved(change: Json, last: dict[str, Rebase]) -> dict[str, Any]:
    one = last.get(change["table"])
    if one is None:
        return change
    return {**change, "base_version": one.onto, "added_columns": list(one.added_columns)}


def _part(order: int) -> str:
    return f"rebase-{order:04d}"
