"""What of a mart is due: the slices its model committed since the mart was last published, at the model's last version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lakemart.lake.read import Snapshot
from lakemart.ledger import records
from lakemart.ledger.changes import is_quiet, row_changes
from lakemart.ledger.records import Json, Record
from lakemart.publish.mart import Mart
from lakemart.publish.slices import ordered
from lakemart.storage.store import Store

FIRST, TABLE, MODEL, SETTINGS = "first publish", "another table", "model changed", "settings changed"
AGAIN, GONE = "asked for again", "the table was gone"
WHOLE = (AGAIN, GONE)
"""Why the whole of a mart is published over what the warehouse holds of it, be it published or not."""
PARTS = (MODEL, SETTINGS)
"""Why no more than a part of a mart is published: the rest is in the warehouse already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A publish to plan. `through` is the model's number it goes up to, `why` says what made it due.

    `slices` are Delta's partition texts, null first; None stands for the whole of a mart without slices. An empty
    list is a publish of settings alone: grants and comments. `settings_changed`: those are to be applied.
    """

    version: int
    through: int
    slices: tuple[str | None, ...] | None
    settings_changed: bool
    why: str


def due(
    mart: Mart,
    committed: Sequence[Record],
    last: Record | None,
    find: Callable[[], Snapshot | None],
    whole: str | None = None,
) -> Due | None:
    """What is to be published now; None when nothing is. `whole` says why all of it is, if it is whatever was published.

    `committed` are the model's committed numbers above the one `last` went up to, `last` the mart's last committed
    number; `find` opens the model's table at its last committed version.
    """
    before = None if last is None or last.done is None else last.done
    through = committed[-1].number if committed else int(before["through"]) if before else 0
    if through == 0:
        return None
    committed = [record for record in committed if not is_quiet(record)]
    old = Mart.from_json(before["mart"]) if before else None
    changed = old is None or _settings(old) != _settings(mart)
    if old is None or before is None:
        whole = FIRST
    elif whole is None and (old.table != mart.table or old.slice != mart.slice):
        whole = TABLE
    if not whole and not committed and not changed:
        return None
    found = find()
    if found is None:
        return None
    slices = _all(found) if whole else _touched(mart, committed) if committed else ()
    why = whole or (MODEL if committed else SETTINGS)
    return Due(version=found.version, through=through, slices=slices, settings_changed=changed or bool(whole), why=why)


def _all(found: Snapshot) -> tuple[str | None, ...] | None:
    if found.partition_by is None:
        return None
    return ordered({file.partition[found.partition_by] for file in found.files})


def _touched(mart: Mart, committed: Sequence[Record]) -> tuple[str | None, ...] | None:
    if mart.slice is None:
        return None
    touched: set[str | None] = set()
    for record in committed:
        for change in row_changes(record.decision or {}, mart.model):
            touched |= change.partition_values()
    return ordered(touched)


def standing_version(store: Store, done: Json) -> int:
    """The newest version of the model's table that has exactly the rows a mart's `done` says were published.

    That is the published version, or the one a compaction made of it, whose files clean-up leaves alone.
    """
    model = Mart.from_json(done["mart"]).model
    version = int(done["version"])
    for record in records.numbers(store, f"model/{model}", after=int(done["through"])):
        if record.committed and record.done is not None:
            if not is_quiet(record):
                break
            version = int(record.done["versions"][model])
    return version


def _settings(mart: Mart) -> Any:
    return mart.table, mart.readers, mart.description, [(column.name, column.description) for column in mart.columns]
