"""A stage as small as one can be: each number appends one row, its number, to one lake table. For tests of the protocol."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakemart.lake.actions import TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import read_table, snapshot, version_of
from lakemart.lake.write import FileTarget, write_files
from lakemart.ledger import records
from lakemart.ledger.projection import project, table_name
from lakemart.ledger.protocol import Intent, Refusal, advance
from lakemart.ledger.records import last_versions
from lakemart.steps import step
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from lakemart.ledger.records import Json, Record

SCHEMA = pa.schema([("n", pa.int64())])
WRITER = "source/toy"
TABLES = ("toy", "toy_quarantine")
UNDISTURBED = {"toy": [1, 2], "toy_quarantine": [1, 2]}
"""What two numbers leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyStage:
    """Appends its number to each table, `until` so many are done; refuses the numbers in `refused`."""

    lake: Location
    until: int = 2
    refused: tuple[int, ...] = ()
    writer: str = WRITER

    def plan(self, number: int, last: Record | None) -> Json | None:
        """The number as its own input, and the versions it builds on."""
        assert last is None or last.closed
        return {"input": number, "base": last_versions(open_store(self.lake), WRITER)} if number <= self.until else None

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """A file with one row for each table."""
        if number in self.refused:
            return Refusal(reasons=("told to refuse",), payload={"objects": []})
        changes = []
        for table in TABLES:
            with step("ingest.files"):
                rows = pa.record_batch([pa.array([plan["input"]], pa.int64())], schema=SCHEMA)
                files = write_files(
                    [rows], FileTarget(root=self.lake.child(table), schema=SCHEMA, partition_by=None, number=number)
                )
            changes.append(table_change(table, SCHEMA, self._base(table, plan["base"]), adds=files))
        item = {"key": f"k{number}", "etag": "e", "size": 1, "status": "read", "records": 1, "good": 1}
        books = {"objects": 1, "damaged": 0, "records": 1, "good": 1, "quarantined": 0, "duplicate": 0, "filtered": 0}
        return Intent(payload={"tables": [change.as_json() for change in changes], "objects": [item], "books": books})

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Both tables, one after the other."""
        versions = dict(plan["base"])
        for value in intent["tables"]:
            change = TableChange.from_json(value)
            versions[change.table] = commit(self.lake, change, writer=WRITER, number=number, run="r")
        return {"versions": versions}

    def _base(self, table: str, versions: Json) -> Any:
        return snapshot(self.lake, table, versions[table]) if table in versions else None


def content(lake: Location) -> dict[str, list[int]]:
    """The rows of every table."""
    return {
        table: sorted(read_table(lake, table).column("n").to_pylist())
        for table in TABLES
        if version_of(lake, table) >= 0
    }


def run(lake: Location, stage: ToyStage | None = None) -> list[Record]:
    """A plain run: everything that is due, then the projection."""
    done = []
    while (
        record := advance(open_store(lake), stage or ToyStage(lake=lake), run="r", at="2026-01-01T00:00:00Z")
    ) is not None:
        done.append(record)
    project(lake, [WRITER])
    return done


def assert_as_undisturbed(lake: Location) -> None:
    """Tables, ledger and projection are what two numbers leave when nothing goes wrong."""
    assert content(lake) == UNDISTURBED
    numbers = list(records.numbers(open_store(lake), WRITER))
    assert [(record.number, record.committed) for record in numbers] == [(1, True), (2, True)]
    assert [record.done["versions"] for record in numbers if record.done] == [
        {"toy": n, "toy_quarantine": n} for n in (0, 1)
    ]
    for name in ("objects", "batches", "books"):
        assert sorted(read_table(lake, table_name(name)).column("number").to_pylist()) == [1, 2], name
