"""Numbers that tend a writer's tables rather than fill them: compaction, adoption of foreign commits, a mart's retention.

They go the way of every number. Whoever finds one open finishes it, so that every stage is handed to the protocol
through `tended`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lakemart.errors import DataError
from lakemart.ingest.planning import dates_in_plan, left_waiting, open_since
from lakemart.lake.actions import NEW_TABLE, TableChange, schema_to_json
from lakemart.lake.commit import commit, foreign_commit
from lakemart.lake.compact import Compacted, CompactTask, compact, small_files
from lakemart.lake.read import Snapshot, snapshot
from lakemart.ledger import records
from lakemart.ledger.protocol import Intent, Refusal, Stage
from lakemart.ledger.records import Json, Record
from lakemart.pipeline import adopting
from lakemart.pipeline.context import Context
from lakemart.publish.retain import RetentionStage
from lakemart.publish.stage import MartStage
from lakemart.steps import step
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

_INLINE_BYTES = 1024 * 1024 * 1024
"""A compaction that reads less than this, in Parquet, is done in the driver."""

TENDING = ("compact", "adopt", "retain")
"""The kinds of number that tend."""

CompactRunner = Callable[[Callable[[CompactTask], Compacted], Sequence[CompactTask]], list[Compacted]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """A wish: small files of these tables become fewer, up to `target` bytes each."""

    tables: tuple[str, ...]
    target: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tending:
    """Plans what is wished of a writer's tables, and works and commits numbers of its two kinds. See `Stage`.

    `roles` says what rows of each table count for in the books of a source; a model has none. `runner` runs tasks.
    """

    writer: str
    lake: Location
    run: str
    roles: Mapping[str, adopting.Role]
    runner: CompactRunner
    since: Callable[[Record], Json] = field(default=lambda _: {})
    """What a source's next batch need not list, told from its last number: it holds on beyond ours."""
    wish: Compaction | adopting.Adoption | None = None

    def plan(self, number: int, last: Record | None) -> Json | None:  # noqa: ARG002 - the protocol's signature
        """What is wished, frozen with the versions it is done to and the last `done`; None when there is nothing to do.

        Raises DataError when a table to be compacted was moved by somebody else.
        """
        before = self.last_committed()
        wish = adopting.owed(before) or self.wish
        carried = adopting.nothing(self.writer) if before is None else _carried(before)
        since = self.since(before) if before is not None else {}
        if isinstance(wish, adopting.Adoption):
            return {**adopting.plan(wish, carried), **since}
        if wish is None:
            return None
        versions = carried["versions"]
        due = [table for table in wish.tables if table in versions and self._due(table, versions[table], wish.target)]
        if not due:
            return None
        return {"kind": "compact", "target": wish.target, "tables": due, "carried": carried, **since}

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """The files of a compaction, or the account of what somebody else did. A compaction never stops its writer."""
        if plan["kind"] == "adopt":
            return adopting.work(self.lake, plan, self.roles)
        try:
            changes = [self._compacted(table, number, plan) for table in plan["tables"]]
        except DataError as error:
            return Refusal(reasons=(error.what,), payload={}, stops=False)
        return Intent(payload={"tables": [change.as_json() for change in changes if not change.is_empty]})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Commits each table; what `done` said before stands, but for the versions."""
        versions = dict(plan["carried"]["versions"])
        for value in intent["tables"]:
            change = TableChange.from_json(value)
            versions[change.table] = commit(self.lake, change, writer=self.writer, number=number, run=self.run)
        done = {**plan["carried"], "versions": versions}
        if "slices" in done:
            done |= {"slices": [], "rows": 0}
        if "left" in done:
            done["left"] = sorted({*done["left"], *intent.get("left", ())}, key=str)
        return done

    def last_committed(self) -> Record | None:
        """The writer's last number that committed."""
        return records.last_committed(open_store(self.lake), self.writer)

    def _due(self, table: str, version: int, target: int) -> bool:
        return version != NEW_TABLE and bool(small_files(self._standing(table, version), target))

    def _compacted(self, table: str, number: int, plan: Json) -> TableChange:
        found = self._standing(table, plan["carried"]["versions"][table])
        tasks = [
            CompactTask(
                root=self.lake.child(table),
                schema=found.schema,
                partition_by=found.partition_by,
                number=number,
                files=files,
            )
            for files in small_files(found, plan["target"])
        ]
        with step("compact.files"):
            parts = self.runner(compact, tasks)
        return TableChange(
            table=table,
            base_version=found.version,
            schema=schema_to_json(found.schema),
            partition_by=found.partition_by,
            adds=tuple(file for part in parts for file in part.adds),
            removes=tuple(file for part in parts for file in part.removes),
            data_change=False,
        )

    def _standing(self, table: str, version: int) -> Snapshot:
        found = snapshot(self.lake, table)
        if found is None or found.version != version:
            raise foreign_commit(table, expected=version, found=NEW_TABLE if found is None else found.version)
        return found


def _carried(before: Record) -> Json:
    """What a `done` says that holds on."""
    done = before.done or {}
    own = ("format", "writer", "number", "run", "at", "rebased", "slices", "rows")
    kept = {name: value for name, value in done.items() if name not in own}
    return kept | {name: [] for name in ("slices",) if name in done}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tended:
    """A stage, and the tending of what its writer has made: what either planned, it works and commits."""

    stage: Stage
    tending: Tending | RetentionStage

    @property
    def writer(self) -> str:
        """The stage's."""
        return self.stage.writer

    def plan(self, number: int, last: Record | None) -> Json | None:
        """After a number that was rebased, the adoption of what it was rebased onto; else what the stage plans."""
        if isinstance(self.tending, Tending):
            refused = last is not None and not last.committed
            owed = adopting.owed(self.tending.last_committed() if refused else last)
            if owed is not None:
                return self.tending.plan(number, last)
        return self.stage.plan(number, last)

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """By the kind of the plan."""
        return self._of(plan).work(number, plan)

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """By the kind of the plan."""
        return self._of(plan).commit(number, plan, intent)

    def _of(self, plan: Json) -> Stage:
        return self.tending if plan.get("kind") in TENDING else self.stage


def tended(context: Context, stage: Stage) -> Stage:
    """The stage as a run hands it to the protocol."""
    if isinstance(stage, MartStage):
        return Tended(stage=stage, tending=RetentionStage(stage=stage, today=context.run.at.date))
    return Tended(stage=stage, tending=tending(context, stage.writer))


def tending(context: Context, writer: str, wish: Compaction | adopting.Adoption | None = None) -> Tending:
    """The tending of a writer's tables in this run."""

    def runner(work: Callable[[CompactTask], Compacted], tasks: Sequence[CompactTask]) -> list[Compacted]:
        inline = sum(task.size for task in tasks) < _INLINE_BYTES
        done: list[Any] = context.engine.run(work, tasks, inline=inline, description=f"compact {writer}")
        return done

    def since(before: Record) -> Json:
        kind, _, name = writer.partition("/")
        if kind != "source":
            return {}
        source = context.project.sources[name]
        return {**dates_in_plan(source, open_since(source, before)), "objects_left": left_waiting(before)}

    return Tending(
        writer=writer,
        since=since,
        lake=context.lake,
        run=context.run.id,
        roles=adopting.roles(context.project, writer),
        runner=runner,
        wish=wish,
    )
