"""What somebody else's commits did to a table, as a number of its writer: the files, the slices, and the books.

The rows stay as they are; the number only says that they are known, so that everything goes on by the protocol.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow.compute as pc

from lakemart.config.project import Project
from lakemart.errors import DataError
from lakemart.ingest.objects import ObjectBooks, total
from lakemart.ingest.tables import duplicates_table, quarantine_table, resolutions_table
from lakemart.lake.actions import NEW_TABLE, AddedFile, TableChange, schema_to_json
from lakemart.lake.log import is_data_change
from lakemart.lake.read import Snapshot, read_files, snapshot
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record
from lakemart.storage.store import Location

Role = Literal["good", "children", "quarantined", "duplicate", "none"]
"""What rows of a source's table count for."""

_NOTHING: Json = {"versions": {}}
_NOTHING_BUILT: Json = {"versions": {}, "version": "", "inputs": {}, "left": [], "slices": []}

_OBJECT = {"good": "_object", "children": "_object", "quarantined": "object", "duplicate": "object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """A wish: of each table, what came between these versions is known. `onto` None: its last version is the newest.

    `onto` has the version that the number is committed against, where one of the writer's own has followed since.
    """

    spans: Mapping[str, tuple[tuple[int, int], ...]]
    reason: str
    onto: Mapping[str, int] | None = None


def nothing(writer: str) -> Json:
    """What stands before a writer's first number."""
    return _NOTHING_BUILT if writer.startswith("model/") else _NOTHING


def owed(last: Record | None) -> Adoption | None:
    """What has to be adopted before anything else: the foreign commits that the last committed number was rebased onto."""
    if last is None or last.done is None or not last.done.get("rebased"):
        return None
    spans: dict[str, tuple[tuple[int, int], ...]] = {}
    for one in last.done["rebased"]:
        spans[one["table"]] = (*spans.get(one["table"], ()), (one["made"], one["onto"]))
    onto = {table: last.done["versions"][table] for table in spans}
    return Adoption(spans=spans, reason=f"number {last.number} was rebased onto them", onto=onto)


def plan(wish: Adoption, carried: Json) -> Json:
    """The adoption, frozen: exactly these versions, committed on exactly these."""
    onto = wish.onto or {table: spans[-1][1] for table, spans in wish.spans.items()}
    spans = {table: [list(span) for span in spans] for table, spans in wish.spans.items()}
    return {"kind": "adopt", "reason": wish.reason, "spans": spans, "onto": dict(onto), "carried": carried}


def work(lake: Location, plan: Json, roles: Mapping[str, Role]) -> Intent | Refusal:
    """Which files, slices and rows came and went, and what of the books that moves. Refused when it cannot be told."""
    try:
        changes = [_change(lake, table, spans, plan["onto"][table]) for table, spans in plan["spans"].items()]
    except DataError as error:
        return Refusal(reasons=(error.what,), payload={})
    payload: Json = {"tables": [change.as_json() for change in changes]}
    if roles:
        adjustments = _adjustments(lake, changes, roles, plan["reason"])
        payload |= {
            "objects": [],
            "adjustments": [one.as_json() for one in adjustments],
            "books": total(adjustments),
            "read": total([]),
        }
    moved = [change for change in changes if change.data_change and (change.adds or change.removes)]
    payload["left"] = sorted({value for change in moved for value in _slices(change)}, key=str)
    return Intent(payload=payload)


def roles(project: Project, writer: str) -> dict[str, Role]:
    """What the rows of each of a source's tables count for; nothing for a model."""
    kind, _, name = writer.partition("/")
    if kind != "source" or name not in project.sources:
        return {}
    tables = project.sources[name].feed.tables
    main = tables[0].table
    found: dict[str, Role] = {one.table: "good" if one.parent is None else "children" for one in tables}
    return found | {
        quarantine_table(main): "quarantined",
        duplicates_table(main): "duplicate",
        resolutions_table(main): "none",
    }


def _slices(change: TableChange) -> set[str | None]:
    """The slices that differ; of a table without slices all of it, written as null."""
    return change.partition_values() or {None}


def _change(lake: Location, table: str, spans: Sequence[Sequence[int]], onto: int) -> TableChange:
    adds: dict[str, AddedFile] = {}
    removes: dict[str, AddedFile] = {}
    moved = False
    for made, to in spans:
        before, after = _files(lake, table, made), _files(lake, table, to)
        adds |= {path: file for path, file in after.items() if path not in before}
        removes |= {path: file for path, file in before.items() if path not in after}
        moved = moved or is_data_change(lake, table, made + 1, to)
    now = _snapshot(lake, table, onto)
    return TableChange(
        table=table,
        base_version=onto,
        schema=schema_to_json(now.schema),
        partition_by=now.partition_by,
        adds=tuple(file for path, file in adds.items() if path not in removes),
        removes=tuple(file for path, file in removes.items() if path not in adds),
        data_change=moved,
        adopted=True,
    )


def _files(lake: Location, table: str, version: int) -> dict[str, AddedFile]:
    return {} if version == NEW_TABLE else {file.path: file for file in _snapshot(lake, table, version).files}


def _snapshot(lake: Location, table: str, version: int) -> Snapshot:
    found = snapshot(lake, table, version)
    if found is None:
        raise DataError(f"there is no version {version} of table {table!r}", where=lake.uri)
    return found


def _adjustments(
    lake: Location, changes: Iterable[TableChange], roles: Mapping[str, Role], reason: str
) -> list[ObjectBooks]:
    """One entry an object whose rows came or went; rows of files that are gone stand under no object."""
    counted: dict[str, Counter[str]] = {}
    for change in changes:
        role = roles.get(change.table, "none")
        if role == "none" or not change.data_change:
            continue
        now = _snapshot(lake, change.table, change.base_version)
        for file, sign in ((file, sign) for sign, files in ((1, change.adds), (-1, change.removes)) for file in files):
            for key, rows in _rows(lake, now, file, role).items():
                counted.setdefault(key, Counter())[role] += sign * rows
    return [
        ObjectBooks(
            key=key,
            etag="",
            size=0,
            status="adjusted",
            order=0,
            records=found["good"] + found["quarantined"] + found["duplicate"],
            good=found["good"],
            quarantined=found["quarantined"],
            duplicate=found["duplicate"],
            children=found["children"],
            reason=f"changed by others, accepted: {reason}",
        )
        for key, found in sorted(counted.items())
        if any(found.values())
    ]


def _rows(lake: Location, now: Snapshot, file: AddedFile, role: Role) -> dict[str, int]:
    """How many rows of a file count, by object."""
    column = _OBJECT[role]
    if column not in now.schema.names:
        return {"": file.rows}
    open_only = role == "quarantined" and "resolved_by" in now.schema.names
    columns = [column, "resolved_by"] if open_only else [column]
    try:
        (rows,) = read_files(lake.child(now.table), [file], now.schema, columns=columns)
    except DataError:
        return {"": file.rows}
    if open_only:
        rows = rows.filter(pc.is_null(rows.column("resolved_by")))
    return {one["values"] or "": one["counts"] for one in pc.value_counts(rows.column(column)).to_pylist()}
