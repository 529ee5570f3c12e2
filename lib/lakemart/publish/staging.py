"""Stages slices of a mart: the unload of all their files by tasks, the manifest, and the count against the lake's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from lakemart.lake.read import Snapshot
from lakemart.ledger.records import Json
from lakemart.publish.mart import MartColumn, is_super
from lakemart.publish.preflight import MAX_VARCHAR, LiveColumn
from lakemart.publish.unload import (
    MANIFEST,
    Runner,
    Unloaded,
    UnloadTask,
    content_hash,
    pack,
    together,
    unload,
    write_manifest,
)
from lakemart.steps import step
from lakemart.storage.store import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Staging:
    """How and where to stage: the columns in file order, the table they go to, and a prefix of this execution's own."""

    columns: tuple[MartColumn, ...]
    live: tuple[LiveColumn, ...]
    out: Location
    runner: Runner


def stage_slices(lake: Location, found: Snapshot, slices: Sequence[str | None] | None, staging: Staging) -> Unloaded:
    """Writes the files of the slices (None: all) under the prefix; the manifest last, when there is any file."""
    limits = {column.name: column.length or 0 for column in staging.live}
    tasks = [
        UnloadTask(
            root=lake.child(found.table),
            files=files,
            schema=found.schema,
            columns=staging.columns,
            limits=tuple(MAX_VARCHAR if is_super(c.type) else limits.get(c.name, 0) for c in staging.columns),
            slice=found.partition_by,
            out=staging.out,
            index=index,
        )
        for index, files in enumerate(pack(found, slices))
    ]
    with step("publish.stage"):
        unloaded = together(staging.runner(unload, tasks))
        if unloaded.files:
            write_manifest(staging.out, unloaded.files)
    return unloaded


def as_json(unloaded: Unloaded, out: Location) -> Json:
    """Where the staged files are, for an intent."""
    return {
        "prefix": out.uri,
        "manifest": out.child(MANIFEST).uri if unloaded.files else None,
        "files": [asdict(file) for file in unloaded.files],
        "content_hash": content_hash(unloaded.files),
    }


def unbalanced(promised: dict[str | None, int], staged: dict[str | None, int]) -> list[str]:
    """The slices whose staged rows are not the rows the lake's log promises, in words."""
    differing = [value for value in {**promised, **staged} if promised.get(value, 0) != staged.get(value, 0)]
    return [
        f"slice {value!r}: the lake has {promised.get(value, 0)} rows, {staged.get(value, 0)} were staged"
        for value in differing
    ]
