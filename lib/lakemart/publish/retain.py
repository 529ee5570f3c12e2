"""What a mart's `retain` takes out of the warehouse, as numbers of the mart: slices too old, replaced by nothing.

The lake keeps them. The load is one of no rows: the same transaction under the same number as any publish.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date

from lakemart.errors import DataError
from lakemart.lake.read import Snapshot, snapshot
from lakemart.ledger import records
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record
from lakemart.publish import statements as st
from lakemart.publish.client import Opener, Session
from lakemart.publish.due import standing_version
from lakemart.publish.load import Load, Loaded, ReorderedError, load
from lakemart.publish.mart import Mart
from lakemart.publish.preflight import LiveColumn, in_live_order, planned
from lakemart.publish.prepare import describe
from lakemart.publish.slices import ordered, slices_of
from lakemart.publish.stage import MartStage
from lakemart.storage.opening import open_store

_NOTHING = "0" * 64
"""The content hash of no rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionStage:
    """See `ledger.protocol.Stage`: of one mart, the numbers that take old slices out. `today` is the run's date in UTC."""

    stage: MartStage
    today: Callable[[], date]

    @property
    def writer(self) -> str:
        """The mart's."""
        return self.stage.writer

    def plan(self, number: int, last: Record | None) -> Json | None:  # noqa: ARG002 - the protocol's shape
        """Freezes the slices older than the mart retains that the warehouse still holds; None when it holds none."""
        publish = self.stage.model.publish
        before = records.last_committed(open_store(self.stage.lake), self.writer)
        if publish is None or publish.retain is None or before is None or before.done is None:
            return None
        limit = (self.today() - publish.retain).isoformat()
        mart = Mart.from_json(before.done["mart"])
        old = _older(self._published(before.done), limit)
        held = self._held(mart, old)
        if not held:
            return None
        carried = {name: before.done[name] for name in ("mart", "table", "version", "through")}
        return {"kind": "retain", "retained_before": limit, "slices": held, "carried": carried}

    def work(self, number: int, plan: Json) -> Intent | Refusal:  # noqa: ARG002 - the protocol's shape
        """Nothing is staged: the slices are replaced by no rows."""
        return Intent(payload={"slices": plan["slices"]})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Takes the slices out under the number. What was published stands, and from which slice on it is retained."""
        self._load(number, plan, intent)
        nothing = {"rows": 0, "staged": 0, "copied": 0, "warehouse": 0}
        return {**plan["carried"], **nothing, "slices": intent["slices"], "retained_before": plan["retained_before"]}

    def _load(self, number: int, plan: Json, intent: Json) -> Loaded:
        opener = self.stage.open_sessions()
        mart = Mart.from_json(plan["carried"]["mart"])
        live: tuple[LiveColumn, ...] = planned(mart)
        try:
            return load(opener, self._what(number, plan, intent, live))
        except ReorderedError as error:
            return load(opener, self._what(number, plan, intent, error.live))

    def _what(self, number: int, plan: Json, intent: Json, live: tuple[LiveColumn, ...]) -> Load:
        mart = Mart.from_json(plan["carried"]["mart"])
        return Load(
            mart=mart,
            project=self.stage.project,
            number=number,
            columns=in_live_order(mart, live),
            slices=slices_of(mart, intent["slices"]),
            staged=0,
            manifest=None,
            iam_role=self.stage.warehouse().iam_role,
            content_hash=_NOTHING,
            lake_table=mart.model,
            lake_version=plan["carried"]["version"],
            run=self.stage.run,
            settings_changed=False,
        )

    def _published(self, done: Json) -> Snapshot:
        version = standing_version(open_store(self.stage.lake), done)
        found = snapshot(self.stage.lake, self.stage.model.name, version)
        if found is None:
            raise DataError(f"the lake has no table {self.stage.model.name!r}", where=self.writer)
        return found

    def _held(self, mart: Mart, old: list[str]) -> list[str]:
        """Those of the slices that the warehouse has rows of; none when the table is not there."""
        if not old:
            return []
        opener: Opener = self.stage.open_sessions()
        with closing(opener()) as session:
            if describe(session, mart) is None:
                return []
            return _filled(session, mart, old)


def _filled(session: Session, mart: Mart, values: Sequence[str]) -> list[str]:
    """Those of the slices that have rows, found by halves: most of the oldest are empty already."""
    slices = slices_of(mart, values)
    if not sum(int(session.execute(st.CountSlices(mart.table, part))[0][0]) for part in slices.chunks()):
        return []
    if len(values) == 1:
        return list(values)
    half = len(values) // 2
    return _filled(session, mart, values[:half]) + _filled(session, mart, values[half:])


def _older(found: Snapshot, limit: str) -> list[str]:
    """The table's slices before a date, in order; the null slice is of no date and stays."""
    values = {file.partition[found.partition_by] for file in found.files} if found.partition_by is not None else set()
    return [value for value in ordered(values) if value is not None and value < limit]
