"""What a number did to the rows of a table, from its decision."""

from __future__ import annotations

from lakemart.lake.actions import TableChange
from lakemart.ledger.records import Json, Record


def row_changes(decision: Json, table: str) -> list[TableChange]:
    """The changes of a table's rows that a decision holds: none when only its version or its files moved."""
    changes = (TableChange.from_json(value) for value in decision.get("tables", ()) if value["table"] == table)
    return [change for change in changes if change.data_change and (change.adds or change.removes)]


def is_quiet(record: Record) -> bool:
    """Whether the number, by its own word, changed no row: a compaction, or the adoption of others' compactions."""
    if record.plan.get("kind") not in ("compact", "adopt"):
        return False
    changes = (TableChange.from_json(value) for value in (record.decision or {}).get("tables", ()))
    return not any(change.data_change and (change.adds or change.removes) for change in changes)
