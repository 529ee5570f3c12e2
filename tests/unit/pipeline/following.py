"""What the dictionary is told: by the test what was landed, and of the ledger only which versions were read by which number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lakemart.config.source import ObjectRules
from lakemart.ingest.listing import Dates
from lakemart.lake.read import read_table, snapshot
from lakemart.ledger import records
from lakemart.ledger.records import Record
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location
from unit.pipeline.model import Line, Tables, accepts
from unit.pipeline.running import DATED, OF_A_BATCH, WRITER, Rules

Row = tuple[str, str, int, str, int]
"""Of a row of `orders`: id, day, value, object, offset."""


class Following:
    """The dictionary of one source and how far it has followed. `rules` are those of now."""

    def __init__(self, lake: Location, raw: Location, rules: Rules) -> None:
        self.rules = rules
        self.tables = Tables()
        self.orders: dict[str, tuple[str, int]] = {}
        self.refused: list[int] = []
        self._lake = lake
        self._raw = raw
        self._written: dict[tuple[str, str], list[Line]] = {}
        self._damaged: set[tuple[str, str]] = set()
        self._through = 0
        self._lying_when: dict[int, dict[str, str]] = {}

    def landed(self, key: str, lines: list[Line], *, damaged: bool) -> None:
        """What was written under a key; of a damaged object that which can be read of it."""
        place = key, self.lying()[key]
        self._written[place] = lines
        if damaged:
            self._damaged.add(place)

    @property
    def landed_any(self) -> bool:
        """Whether anything ever landed."""
        return bool(self._written)

    def lying(self) -> dict[str, str]:
        """The etag of every object in the raw zone."""
        return {info.key: info.etag for info in open_store(self._raw).list()}

    def stands(self, key: str, etag: str) -> bool:
        """Whether the tables have this version of the object."""
        return key in self.orders and self.orders[key][0] == etag

    def closed(self) -> bool:
        """Whether no number is open."""
        head = records.head(open_store(self._lake), WRITER)
        return head is None or head.closed

    def note(self) -> None:
        """What lay there when each number was decided that was decided since: what lies there now."""
        lying = self.lying()
        for record in records.numbers(open_store(self._lake), WRITER, after=max(self._lying_when, default=0)):
            if record.decision is not None:
                self._lying_when[record.number] = lying

    def follow(self) -> None:
        """Tells the dictionary what every number read that was closed since."""
        for record in records.numbers(open_store(self._lake), WRITER, after=self._through):
            if not record.closed:
                return
            self._through = record.number
            if record.committed and record.plan["kind"] != "compact":
                self._enter(record)
            elif record.refused:
                self.refused = [*self.refused[-2:], record.number]

    def waiting(self) -> list[str]:
        """The whole objects that a plain run takes, unless their rejects are too many."""
        return [key for key, _ in self._untaken() if not self.is_late(key) and self._is_for_a_run(key)]

    def late(self) -> list[str]:
        """The whole objects that only a word takes, for they came into a closed date."""
        return [key for key, _ in self._untaken() if self.is_late(key) and self._is_for_a_run(key)]

    def held_back(self) -> list[str]:
        """The objects, whole or damaged, that lie there and are not in the tables."""
        return [key for key, etag in self.lying().items() if not self.stands(key, etag)]

    def too_many_rejects(self) -> bool:
        """Whether what waits, at most all of it in one batch, is over the limit."""
        takes = accepts(lenient=self.rules.lenient)
        waiting = [line for place in self._untaken() for line in self._written[place]]
        return self.rules.limit is not None and sum(not takes(line) for line in waiting) > self.rules.limit

    def is_late(self, key: str) -> bool:
        """Whether the object's date is closed."""
        date = Dates(rules=ObjectRules(prefix=DATED)).of(key)
        return self.rules.dated and date is not None and date < datetime.now(UTC) - timedelta(days=8)

    def _untaken(self) -> list[tuple[str, str]]:
        found = self.lying().items()
        return [(key, etag) for key, etag in found if (key, etag) not in self._damaged and not self.stands(key, etag)]

    def _is_for_a_run(self, key: str) -> bool:
        return self.rules.overwritten == "replace" or key not in self.orders

    def _enter(self, record: Record) -> None:
        kind = record.plan["kind"]
        takes = accepts(lenient=record.plan["feed"]["tables"][0]["columns"][2]["lenient"])
        if kind == "replay":
            self.tables.replay(takes)
            return
        contents: dict[str, tuple[int, list[Line]]] = {}
        beyond = self._beyond_reach(record.number)
        for item in (record.decision or {})["objects"]:
            place = key, etag = item["key"], item["etag"]
            damaged = place in self._damaged and kind != "accept"
            assert item["status"] in ({"damaged", "unread"} if damaged else {"read", "unread"}), item
            if item["status"] != "read":
                continue
            order = record.number
            if kind == "backfill":
                assert self.orders[key][0] == etag
                order = self.orders[key][1]
            contents[key] = (order, self._written[place])
            self.orders[key] = (etag, order)
        left = self.tables.read(contents, takes, again=kind == "backfill", beyond=beyond)
        assert not left or record.plan["reason"] == OF_A_BATCH, f"duplicates in {left} were left without a word"

    def _beyond_reach(self, number: int) -> set[str]:
        """The objects whose losers were kept without their bytes, and that did not lie there any more as they were read."""
        if self.rules.overwritten == "replace":
            return set()
        lying = self._lying_when[number]
        return {key for key, (etag, _) in self.orders.items() if lying.get(key) != etag}


def rows_of(lake: Location, version: int | None = None) -> list[Row]:
    """The rows of `orders` at a version."""
    rows = read_table(lake, "orders", version, columns=["id", "day", "value", "_object", "_offset"]).to_pylist()
    return sorted((r["id"], str(r["day"]), r["value"], r["_object"], r["_offset"]) for r in rows)


def check_same(lake: Location, tables: Tables) -> None:
    """Asserts that the lake's tables and their books hold what the dictionary does."""
    if snapshot(lake, "orders") is None:
        assert not tables.rows
        return
    rows = tables.rows.items()
    assert rows_of(lake) == sorted((id_, one.line.day, one.line.number, *one.place) for id_, one in rows)
    lost = read_table(lake, "orders_duplicates", columns=["object", "offset"]).to_pylist()
    assert sorted((r["object"], r["offset"]) for r in lost) == sorted(tables.lost)
    rejects = read_table(lake, "orders_quarantine", columns=["object", "offset", "resolved_by"]).to_pylist()
    still = sorted((r["object"], r["offset"]) for r in rejects if r["resolved_by"] is None)
    assert still == sorted(tables.rejects)
    _check_books(lake, tables)


def _check_books(lake: Location, tables: Tables) -> None:
    sums = dict.fromkeys(("records", "good", "quarantined", "duplicate"), 0)
    for record in records.numbers(open_store(lake), WRITER):
        if record.committed and record.decision is not None and record.plan["kind"] != "compact":
            for name in sums:
                sums[name] += record.decision["books"][name]
    held = (len(tables.rows), len(tables.rejects), len(tables.lost))
    assert (sums["good"], sums["quarantined"], sums["duplicate"]) == held
    assert sums["records"] == sum(held)
    stored = read_table(lake, "_ledger/tables/books", columns=["writer", "good"]).to_pylist()
    assert sum(row["good"] for row in stored) == sums["good"]
