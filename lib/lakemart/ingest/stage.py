"""The source as a writer: what the protocol asks of it. One number is one batch of frozen objects, or of kept records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from lakemart.config.source import RejectLimit, Source
from lakemart.contract.table import Feed
from lakemart.engine.runner import Engine
from lakemart.errors import ConfigError, LakemartError
from lakemart.ingest.batch import Batch
from lakemart.ingest.files import BatchTarget
from lakemart.ingest.fitting import misfit
from lakemart.ingest.planning import Turn, chosen, dates_in_plan, left_waiting, open_since
from lakemart.ingest.request import Acceptance, Request
from lakemart.ingest.tables import (
    duplicates_schema,
    duplicates_table,
    quarantine_schema,
    quarantine_table,
    resolutions_schema,
    resolutions_table,
)
from lakemart.ingest.work import Done, work
from lakemart.lake.actions import NEW_TABLE, AddedFile, TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit, foreign_commit
from lakemart.lake.read import Snapshot, snapshot
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record, last_committed, last_versions
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStage:
    """Ingests one source. See `ledger.protocol.Stage`; its writer is `source/<name>`.

    `request` asks for one batch of another kind than what is new; `turn` gathers what this run did.
    """

    source: Source
    raw: Location
    lake: Location
    engine: Engine
    run: str
    now: datetime
    inline_below: int
    task_size: int
    pii_key: bytes | None = None
    progress: Callable[[int, int], None] | None = None
    tell: Callable[[LakemartError], None] = field(default=lambda _: None)
    """Takes what is wrong with single objects and stops nothing else."""
    request: Request | None = None
    turn: Turn = field(default_factory=Turn)

    @property
    def writer(self) -> str:
        """The name of its sequence of numbers."""
        return f"source/{self.source.name}"

    def plan(self, number: int, last: Record | None) -> Json | None:
        """Freezes the objects to read with their etags, the contracts' content, and the versions they build on.

        Raises ConfigError when the contract does not fit the tables, before anything is frozen.
        """
        store = open_store(self.lake)
        committed = last if last is None or last.committed else last_committed(store, self.writer)
        found = chosen(self, number, committed)
        if found is None:
            return None
        feed = self.source.feed
        base, shapes = last_versions(store, self.writer), _tables(feed)
        wrong = misfit(self.lake, self.writer, shapes, self._tables_now(shapes), base)
        if wrong is not None:
            raise wrong
        since = found.open_since or open_since(self.source, committed)
        return {
            "kind": found.kind,
            "reason": found.reason,
            "objects": [asdict(raw) for raw in found.objects],
            "takes_out": list(found.takes_out),
            "feed": feed.as_json(),
            "contract": feed.version,
            "lookback_days": self.source.lookback.days,
            "latest_by": self.source.latest_by,
            "leaves_lost": isinstance(self.request, Acceptance) and self.request.leaves_lost,
            "keep_losers": self.source.objects.overwritten == "replace" and not feed.reads_document,
            "reject_limit": {
                "fraction": str(self.source.reject_limit.fraction),
                "at_least": self.source.reject_limit.at_least,
            },
            "objects_left": left_waiting(committed) if found.left is None else found.left,
            **dates_in_plan(self.source, since),
            "base": base,
        }

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """Decodes and writes the batch, then weighs its books and its rejects.

        A plan whose contract cannot fit the tables is given up: it is planned again, under today's.
        """
        feed = Feed.from_json(plan["feed"])
        shapes = _tables(feed)
        found = self._tables_now(shapes)
        wrong = misfit(self.lake, self.writer, shapes, found, plan["base"])
        if isinstance(wrong, ConfigError):
            return Refusal(reasons=(wrong.what,), payload={}, stops=False)
        base = {table: _as_left(table, found[table], plan["base"]) for table in shapes}
        batch = Batch(
            source=self.source.name,
            raw=self.raw,
            target=BatchTarget(lake=self.lake, feed=feed, number=number, run=self.run, pii_key=self.pii_key),
            plan=plan,
            base=base,
            engine=self.engine,
            inline_below=self.inline_below,
            task_size=self.task_size,
            progress=self.progress,
        )
        done = work(batch)
        if isinstance(done, Refusal):
            return done
        self.turn.given_up |= {(one.key, one.etag): one.reason for one in done.books if one.status == "unread"}
        payload = done.payload()
        reasons = [*done.unbalanced(), *self._over_limit(plan, payload["read"])]
        if reasons:
            return Refusal(reasons=tuple(reasons), payload=payload)
        changes = [change.as_json() for change in _changes(feed, base, done) if not change.is_empty]
        return Intent(payload={**payload, "tables": changes})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Commits each table of the batch in order; what is committed already is found so."""
        versions: dict[str, int] = dict(plan["base"])
        for value in intent["tables"]:
            change = TableChange.from_json(value)
            versions[change.table] = commit(self.lake, change, writer=self.writer, number=number, run=self.run)
        return {"versions": versions}

    def _tables_now(self, tables: Iterable[str]) -> dict[str, Snapshot | None]:
        """Tables as they are now, whoever left them so; None for one that is not there."""
        return {table: snapshot(self.lake, table) for table in tables}

    def _over_limit(self, plan: Json, books: Mapping[str, int]) -> list[str]:
        limit = RejectLimit(
            fraction=Decimal(plan["reject_limit"]["fraction"]), at_least=plan["reject_limit"]["at_least"]
        )
        allowed = limit.allowed(books["records"])
        if plan["kind"] in ("accept", "replay") or books["quarantined"] <= allowed:
            return []
        told = f"{books['quarantined']} of {books['records']} records were rejected"
        return [f"{told}, the limit of source {self.source.name!r} allows {allowed}"]


def _as_left(table: str, found: Snapshot | None, versions: Mapping[str, int]) -> Snapshot | None:
    """The table, which must be as its writer left it; raises DataError when somebody else changed it."""
    expected = versions.get(table, NEW_TABLE)
    version = NEW_TABLE if found is None else found.version
    if version != expected:
        raise foreign_commit(table, expected=expected, found=version)
    return found


def _tables(feed: Feed) -> dict[str, tuple[Any, str | None]]:
    """Every table of the source with its schema and partition column, in the order they are committed."""
    main = feed.tables[0].table
    tables: dict[str, tuple[Any, str | None]] = {
        contract.table: (contract.lake_schema, contract.partition_by) for contract in feed.tables
    }
    tables[quarantine_table(main)] = (quarantine_schema(), None)
    if any(contract.key for contract in feed.tables):
        tables[duplicates_table(main)] = (duplicates_schema(), None)
    tables[resolutions_table(main)] = (resolutions_schema(), None)
    return tables


def _changes(feed: Feed, base: Mapping[str, Snapshot | None], done: Done) -> list[TableChange]:
    """What the batch does to each table; one that nothing was ever kept in is made only when something is."""
    main = feed.tables[0].table
    changes = []
    for table, (schema, partition_by) in _tables(feed).items():
        adds: Sequence[AddedFile] = done.adds(table)
        if table == resolutions_table(main) and base[table] is None and not adds:
            continue
        removes = done.removes(table)
        changes.append(table_change(table, schema, base[table], partition_by=partition_by, adds=adds, removes=removes))
    return changes
