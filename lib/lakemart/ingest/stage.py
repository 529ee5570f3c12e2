"""The source as a writer: what the protocol asks of it. One number is one batch of frozen objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from lakemart.config.source import RejectLimit, Source
from lakemart.contract.table import Contract, Feed
from lakemart.engine.runner import Engine
from lakemart.errors import DataError, LakemartError
from lakemart.ingest.census import merged
from lakemart.ingest.discover import Discovery, discover
from lakemart.ingest.duplicates import duplicate_files
from lakemart.ingest.keys import KeyTask, ObjectKeys, find_losers, keyed_contracts, read_keys, stored_hashes
from lakemart.ingest.objects import ObjectBooks, RawObject, total
from lakemart.ingest.tables import duplicates_schema, duplicates_table, quarantine_schema, quarantine_table
from lakemart.ingest.tasks import DecodeTask, TaskReport, decode_and_write, estimated_json_bytes, pack
from lakemart.lake.actions import NEW_TABLE, AddedFile, TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit, foreign_commit
from lakemart.lake.read import Snapshot, snapshot
from lakemart.ledger.known import known_objects
from lakemart.ledger.protocol import Intent, Refusal
from lakemart.ledger.records import Json, Record, last_versions
from lakemart.storage.store import Location, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """What a person took upon himself: objects to take as far as they can be read and whatever is rejected, and why."""

    objects: tuple[RawObject, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStage:
    """Ingests one source. See `ledger.protocol.Stage`; its writer is `source/<name>`."""

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
    acceptance: Acceptance | None = None

    @property
    def writer(self) -> str:
        return f"source/{self.source.name}"

    def plan(self, number: int, last: Record | None) -> Json | None:
        """Freezes the objects not yet read with their etags, the contracts' content, and the versions they build on."""
        store = open_store(self.lake)
        accepted = self.acceptance
        objects = self.discovery().new if accepted is None else accepted.objects
        if not objects:
            return None
        feed = self.source.feed
        return {
            "kind": "new" if accepted is None else "accept",
            "reason": "" if accepted is None else accepted.reason,
            "objects": [asdict(raw) for raw in objects],
            "feed": feed.as_json(),
            "contract": feed.version,
            "lookback_days": self.source.lookback.days,
            "latest_by": self.source.latest_by,
            "reject_limit": {
                "fraction": str(self.source.reject_limit.fraction),
                "at_least": self.source.reject_limit.at_least,
            },
            "base": last_versions(store, self.writer),
        }

    def discovery(self) -> Discovery:
        """What the raw zone holds for this source now; overwritten objects are told where policy says so."""
        known = known_objects(self.lake, self.writer)
        found = discover(open_store(self.raw), self.source.objects, known, self.now)
        if found.overwritten and self.source.objects.overwritten != "ignore":
            first = found.overwritten[0]
            error = DataError(
                f"{len(found.overwritten)} object(s) changed after they were read, the first is {first.now.key!r}: "
                f"read as {first.known_etag}, now {first.now.etag}",
                where=f"source {self.source.name}",
                next_step="Raw objects are immutable by agreement; `overwritten: ignore` keeps what was read first.",
            )
            self.tell(error)
        return found

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """Decodes and writes the batch, then weighs its books and its rejects."""
        feed = Feed.from_json(plan["feed"])
        objects = [RawObject(**raw) for raw in plan["objects"]]
        base = {table: self._base(table, plan["base"]) for table in self._tables(feed)}
        tasks = [
            DecodeTask(
                raw=self.raw,
                lake=self.lake,
                feed=feed,
                objects=group,
                number=number,
                run=self.run,
                pii_key=self.pii_key,
                salvage=plan["kind"] == "accept",
            )
            for group in pack(objects, self.task_size)
        ]
        inline = sum(estimated_json_bytes(raw) for raw in objects) < self.inline_below
        losers = self._losers(feed, plan, tasks, base, inline=inline)
        loaded = [_with_drops(task, losers) for task in tasks]
        reports = self.engine.run(
            decode_and_write,
            loaded,
            inline=inline,
            description=f"ingest {self.source.name} {number}",
            progress=self.progress,
        )
        books = [book for report in reports for book in report.books]
        files = _files(reports)
        files |= duplicate_files(self.lake, feed, objects, losers, number=number, run=self.run)
        changes = [
            table_change(table, schema, base[table], partition_by=partition_by, adds=files.get(table, ()))
            for table, (schema, partition_by) in self._tables(feed).items()
        ]
        unknown = merged(field for report in reports for field in report.unknown)
        payload: dict[str, Any] = {
            "objects": [book.as_json() for book in books],
            "books": total(books),
            "unknown": [asdict(field) for field in unknown],
        }
        reasons = [*_unbalanced(feed, books, files), *self._over_limit(plan, payload["books"])]
        if reasons:
            return Refusal(reasons=tuple(reasons), payload=payload)
        return Intent(payload={**payload, "tables": [change.as_json() for change in changes if not change.is_empty]})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Commits each table of the batch in order; what is committed already is found so."""
        versions: dict[str, int] = dict(plan["base"])
        for value in intent["tables"]:
            change = TableChange.from_json(value)
            versions[change.table] = commit(self.lake, change, writer=self.writer, number=number, run=self.run)
        return {"versions": versions}

    def _tables(self, feed: Feed) -> dict[str, tuple[Any, str | None]]:
        """Every table of the source with its schema and partition column, in the order they are committed."""
        main = feed.tables[0].table
        tables: dict[str, tuple[Any, str | None]] = {
            contract.table: (contract.lake_schema, contract.partition_by) for contract in feed.tables
        }
        tables[quarantine_table(main)] = (quarantine_schema(), None)
        if any(contract.key for contract in feed.tables):
            tables[duplicates_table(main)] = (duplicates_schema(), None)
        return tables

    def _base(self, table: str, versions: Mapping[str, int]) -> Snapshot | None:
        """The table as this writer left it; raises DataError when somebody else changed it."""
        expected = versions.get(table, NEW_TABLE)
        found = snapshot(self.lake, table)
        version = NEW_TABLE if found is None else found.version
        if version != expected:
            raise foreign_commit(table, expected=expected, found=version)
        return found

    def _losers(
        self, feed: Feed, plan: Json, tasks: Sequence[DecodeTask], base: Mapping[str, Snapshot | None], *, inline: bool
    ) -> dict[tuple[str, str], np.ndarray]:
        keyed = keyed_contracts(feed)
        if not keyed:
            return {}
        requests = [KeyTask(task=task, latest_by=plan["latest_by"]) for task in tasks]
        parts = self.engine.run(
            read_keys, requests, inline=inline, description=f"keys of {self.source.name}", progress=None
        )
        found = [keys for part in parts for keys in part]
        stored = {contract.table: self._stored(contract, found, base, plan) for contract in keyed}
        return find_losers(found, stored)

    def _stored(
        self, contract: Contract, found: Sequence[ObjectKeys], base: Mapping[str, Snapshot | None], plan: Json
    ) -> np.ndarray:
        touched: set[str | None] = set()
        for keys in found:
            if keys.table == contract.table:
                touched |= keys.partitions
        return stored_hashes(self.lake, contract, base[contract.table], touched, timedelta(days=plan["lookback_days"]))

    def _over_limit(self, plan: Json, books: Mapping[str, int]) -> list[str]:
        limit = RejectLimit(
            fraction=Decimal(plan["reject_limit"]["fraction"]), at_least=plan["reject_limit"]["at_least"]
        )
        allowed = limit.allowed(books["records"])
        if plan["kind"] == "accept" or books["quarantined"] <= allowed:
            return []
        told = f"{books['quarantined']} of {books['records']} records were rejected"
        return [f"{told}, the limit of source {self.source.name!r} allows {allowed}"]


def _with_drops(task: DecodeTask, losers: Mapping[tuple[str, str], np.ndarray]) -> DecodeTask:
    keys = {raw.key for raw in task.objects}
    return replace(task, drops={place: offsets for place, offsets in losers.items() if place[1] in keys})


def _files(reports: Sequence[TaskReport]) -> dict[str, tuple[AddedFile, ...]]:
    files: dict[str, tuple[AddedFile, ...]] = {}
    for report in reports:
        for table, written in report.files.items():
            files[table] = files.get(table, ()) + written
    return files


def _unbalanced(feed: Feed, books: Sequence[ObjectBooks], files: Mapping[str, Sequence[AddedFile]]) -> list[str]:
    """The equations that do not hold, each with its figures: per object, and of the rows that were really written."""
    wrong = [f"the books of object {book.key!r} do not balance: {book}" for book in books if not book.balanced]
    main = feed.tables[0].table
    own = [contract.table for contract in feed.tables if contract.parent is None]
    written = {
        table: sum(file.rows for file in files.get(table, ()))
        for table in (*own, quarantine_table(main), duplicates_table(main))
    }
    sums = total(books)
    equations = [
        ("good records", sums["good"], sum(written[table] for table in own)),
        ("quarantined records", sums["quarantined"], written[quarantine_table(main)]),
        ("duplicate records", sums["duplicate"], written[duplicates_table(main)]),
    ]
    return [
        *wrong,
        *(f"{counted} {name} were counted and {rows} written" for name, counted, rows in equations if counted != rows),
    ]
