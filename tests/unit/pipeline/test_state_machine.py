"""Whatever lands, is overwritten, crashes, is replayed or read again, in whatever order: the tables are the dictionary's.

A kill is a kill: a child process that ends by SIGKILL at an armed step. The seed is printed when an example fails.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lakemart.errors import LakemartError
from lakemart.lake.read import read_table, snapshot
from lakemart.ledger import records
from lakemart.ledger.known import refresh_index
from lakemart.ledger.records import Record
from lakemart.steps import disarm
from lakemart.storage.store import Location, open_store
from unit.pipeline.model import Line, Tables
from unit.pipeline.running import DAYS, WRITER, Act, work, write_project

pytestmark = pytest.mark.timeout(900)

STEPS = (
    *("lease.take", "plan.write", "ingest.files", "compact.files", "decision.write", "lake.commit", "done.write"),
    "ledger.project",
)
ACTS = st.sampled_from([("run",), ("run",), ("replay",), ("backfill", DAYS[0], DAYS[2]), ("maintain",)])
KEYS = st.sampled_from(["a", "b", "c", "d"])
LINES = st.lists(
    st.tuples(
        st.sampled_from("1234"),
        st.sampled_from(DAYS),
        st.sampled_from(["1", "2", "3", "4", "5", "6", '"7"', '"none"']),  # most are good, some when leniently read
    ),
    min_size=2,
    max_size=6,
)
FAULTS = st.tuples(st.sampled_from(STEPS), st.sampled_from(["before", "after"]), st.integers(1, 4))


class Shop(RuleBasedStateMachine):
    """One source, its raw zone, and the dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="shop-")
        self.raw = open_store(Location(uri=f"{self.folder}/raw"))
        self.lake = Location(uri=f"{self.folder}/lake")
        self.written: dict[tuple[str, str], list[Line]] = {}
        self.damaged: set[tuple[str, str]] = set()
        self.tables = Tables()
        self.orders: dict[str, tuple[str, int]] = {}
        self.through = 0
        self.spawn = multiprocessing.get_context("forkserver")
        self.spawn.set_forkserver_preload(
            [
                "lakemart.pipeline.accept",
                "lakemart.pipeline.maintain",
                "lakemart.lake.append",
                "lakemart.config.load",
                "pyarrow.pandas_compat",
                "pandas",
            ]
        )

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @initialize()
    def project(self) -> None:
        write_project(self.folder, lenient=False)

    @rule(key=KEYS, lines=LINES)
    def land(self, key: str, lines: list[tuple[str, str, str]]) -> None:
        """A new object, or a new version of one."""
        content, landed = as_lines(lines)
        self._write(key, content, landed)

    @rule(key=KEYS, lines=LINES, other=KEYS, others=LINES)
    def land_and_run(
        self, key: str, lines: list[tuple[str, str, str]], other: str, others: list[tuple[str, str, str]]
    ) -> None:
        self.land(key, lines)
        self.land(other, others)
        self._run(("run",))

    @rule(key=KEYS, lines=LINES)
    def land_damaged(self, key: str, lines: list[tuple[str, str, str]]) -> None:
        """Whole lines, compressed, under a check sum that is wrong."""
        content, landed = as_lines(lines)
        packed = bytearray(gzip.compress(content, mtime=0))
        packed[-8] ^= 1
        self._write(key, bytes(packed), landed, damaged=True)

    def _write(self, key: str, content: bytes, lines: list[Line], *, damaged: bool = False) -> None:
        self.raw.write(key, content)
        etag = next(info.etag for info in self.raw.list(key))
        self.written[key, etag] = lines
        if damaged:
            self.damaged.add((key, etag))

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.raw.delete(key)

    @rule(lenient=st.booleans())
    def change_the_contract(self, lenient: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        self._run(("run",))  # an open number would be finished under the contract it froze
        write_project(self.folder, lenient=lenient)

    @rule()
    def run(self) -> None:
        self._run(("run",))

    @rule()
    def replay(self) -> None:
        self._run(("replay",))

    @rule()
    def maintain(self) -> None:
        """Compaction, orphans, and files taken out at once."""
        self._run(("maintain",))

    @rule(days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=2))
    def backfill(self, days: list[str]) -> None:
        self._run(("backfill", min(days), max(days)))

    @rule(act=ACTS, fault=FAULTS)
    def killed_run(self, act: Act, fault: tuple[str, str, int]) -> None:
        step, when, nth = fault
        child = self.spawn.Process(target=work, args=(self.folder, act, f"{step}:{when}:kill:{nth}"))
        child.start()
        child.join()
        assert child.exitcode in {0, -signal.SIGKILL}
        child.close()

    @rule(act=ACTS, fault=FAULTS, what=st.sampled_from(["raise", "lose"]))
    def failing_run(self, act: Act, fault: tuple[str, str, int], what: str) -> None:
        step, when, nth = fault
        try:
            with suppress(LakemartError, RuntimeError):  # what the fault raises, or what lakemart makes of it
                work(self.folder, act, f"{step}:{when}:{what}:{nth}")
        finally:
            disarm()

    @rule()
    def index(self) -> None:
        refresh_index(self.lake, WRITER)

    @precondition(lambda self: self.through)
    @rule()
    def lose_the_projection(self) -> None:
        """It is built again from the small objects."""
        shutil.rmtree(f"{self.folder}/lake/_ledger/tables", ignore_errors=True)

    def _run(self, act: Act) -> None:
        work(self.folder, act)
        if act != ("run",):
            work(self.folder, ("run",))
        self._follow()
        self._compare()

    def _follow(self) -> None:
        """Tells the dictionary what every number read that committed since."""
        for record in records.numbers(open_store(self.lake), WRITER, after=self.through):
            self.through = record.number
            if record.committed:
                self._enter(record)

    def _enter(self, record: Record) -> None:
        kind = record.plan["kind"]
        if kind == "compact":
            return
        takes = accepts(lenient=record.plan["feed"]["tables"][0]["columns"][2]["lenient"])
        if kind == "replay":
            self.tables.replay(takes)
            return
        assert record.decision is not None
        contents: dict[str, tuple[int, list[Line]]] = {}
        for item in record.decision["objects"]:
            place = key, etag = item["key"], item["etag"]
            assert item["status"] in ({"damaged", "unread"} if place in self.damaged else {"read", "unread"}), item
            if item["status"] != "read":
                continue
            order = record.number
            if kind == "backfill":
                assert self.orders[key][0] == etag
                order = self.orders[key][1]
            self.orders[key] = (etag, order)
            contents[key] = (order, self.written[place])
        self.tables.read(contents, takes, again=kind == "backfill")

    def _compare(self) -> None:
        if snapshot(self.lake, "orders") is None:
            assert not self.tables.rows
            return
        rows = read_table(self.lake, "orders", columns=["id", "day", "value", "_object", "_offset"]).to_pylist()
        found = sorted((r["id"], str(r["day"]), r["value"], r["_object"], r["_offset"]) for r in rows)
        wanted = sorted(
            (id_, claim.line.day, int(json.loads(claim.line.value)), *claim.place)
            for id_, claim in self.tables.rows.items()
        )
        assert found == wanted
        lost = read_table(self.lake, "orders_duplicates", columns=["object", "offset"]).to_pylist()
        assert sorted((r["object"], r["offset"]) for r in lost) == sorted(self.tables.lost)
        rejects = read_table(self.lake, "orders_quarantine", columns=["object", "offset", "resolved_by"]).to_pylist()
        still = sorted((r["object"], r["offset"]) for r in rejects if r["resolved_by"] is None)
        assert still == sorted(self.tables.rejects)
        self._check_books()
        for info in self.raw.list():
            if (info.key, info.etag) not in self.damaged:
                assert self.orders[info.key][0] == info.etag, "a whole object that lies there was not read"

    def _check_books(self) -> None:
        sums = dict.fromkeys(("records", "good", "quarantined", "duplicate"), 0)
        for record in records.numbers(open_store(self.lake), WRITER):
            if record.committed and record.decision is not None and record.plan["kind"] != "compact":
                for name in sums:
                    sums[name] += record.decision["books"][name]
        held = (len(self.tables.rows), len(self.tables.rejects), len(self.tables.lost))
        assert (sums["good"], sums["quarantined"], sums["duplicate"]) == held
        assert sums["records"] == sum(held)
        stored = read_table(self.lake, "_ledger/tables/books", columns=["writer", "good"]).to_pylist()
        assert sum(row["good"] for row in stored) == sums["good"]


def as_lines(lines: list[tuple[str, str, str]]) -> tuple[bytes, list[Line]]:
    """An object of these records, and what the dictionary is told of it."""
    content = b""
    landed = []
    for id_, day, value in lines:
        landed.append(Line(len(content), id_, day, value))
        content += f'{{"id": "{id_}", "day": "{day}", "value": {value}}}\n'.encode()
    return content, landed


def accepts(*, lenient: bool) -> Callable[[Line], bool]:
    def takes(line: Line) -> bool:
        return line.value.isdecimal() or (lenient and line.value.strip('"').isdecimal())

    return takes


TestShop = Shop.TestCase
TestShop.settings = settings(
    max_examples=int(os.environ.get("SOAK", "20")), stateful_step_count=50, deadline=None, print_blob=True
)
