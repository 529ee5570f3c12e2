"""What a batch takes out of the tables: rows of objects that are read anew, records that move, rejects that are resolved."""

from __future__ import annotations

from dataclasses import dataclass

from lakemart.ingest.batch import Batch
from lakemart.ingest.edits import EditReport, EditTask, edit_files, merged_positions
from lakemart.ingest.files import in_groups
from lakemart.ingest.kept import Move
from lakemart.ingest.tables import duplicates_table, quarantine_table
from lakemart.lake.holding import files_holding
from lakemart.lake.read import Snapshot
from lakemart.lake.write import FileTarget

_IN_LAKE = ("_object", "_offset")
_ASIDE = ("object", "offset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """Objects all of whose rows go, and single records that leave the table they were kept in."""

    gone: frozenset[str]
    moves: tuple[Move, ...]

    @property
    def objects(self) -> frozenset[str]:
        """Every object of which something goes."""
        return self.gone | {move.key for move in self.moves}


def take_out(batch: Batch, outgoing: Outgoing) -> dict[str, list[EditReport]]:
    """Rewrites the files that hold what goes; the reports by table. Nothing is visible of it before the commit."""
    if not outgoing.objects:
        return {}
    tables = {contract.table: _IN_LAKE for contract in batch.feed.tables if outgoing.gone}
    tables |= {quarantine_table(batch.target.main): _ASIDE, duplicates_table(batch.target.main): _ASIDE}
    edits: dict[str, list[EditReport]] = {}
    for table, place in tables.items():
        base = batch.base.get(table)
        if base is not None:
            tasks = _tasks(batch, base, place, outgoing)
            size = sum(file.size for task in tasks for file in task.files) * 4
            edits[table] = batch.run(edit_files, tasks, size)
    return edits


def _tasks(batch: Batch, base: Snapshot, place: tuple[str, str], outgoing: Outgoing) -> list[EditTask]:
    replay = batch.plan["kind"] == "replay"
    positions = merged_positions([(move.key, move.offset) for move in outgoing.moves])
    moves_out = base.table == duplicates_table(batch.target.main) and not replay
    resolves = base.table == quarantine_table(batch.target.main) and replay
    affected = outgoing.objects if moves_out or resolves else outgoing.gone
    files = files_holding(batch.target.lake, base, place[0], affected)
    target = FileTarget(
        root=batch.target.lake.child(base.table),
        schema=base.schema,
        partition_by=base.partition_by,
        number=batch.target.number,
    )
    return [
        EditTask(
            target=target,
            files=group,
            place=place,
            gone=outgoing.gone,
            moved=positions if moves_out else {},
            resolved=positions if resolves else {},
        )
        for group in in_groups(files)
    ]
