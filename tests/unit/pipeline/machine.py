"""What may happen to a source, in whatever order, and what must be so whatever did. Its tables are the dictionary's.

A kill is a kill: a child process that ends by SIGKILL at an armed step.
"""

from __future__ import annotations

import gzip
import multiprocessing
import shutil
import signal
import tempfile
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from lakemart.errors import LakemartError
from lakemart.lake.read import snapshot
from lakemart.ledger.known import refresh_index
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.verify import verify
from lakemart.steps import disarm
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location
from unit.pipeline.drawing import ACTS, FAULTS, KEYS, LATE_NAMES, LINES, MOSTLY, OBJECTS, OLD, Triples
from unit.pipeline.following import Following, Row, check_same, rows_of
from unit.pipeline.model import Line, as_lines
from unit.pipeline.running import DAYS, WRITER, Act, Rules, opened, work, write_project

PRELOADED = ["unit.pipeline.running", "lakemart.pipeline.accept", "lakemart.pipeline.maintain", "pyarrow.pandas_compat"]
SHARED = Path("/dev/shm")  # noqa: S108 - folders of random names are made in it
LANDED = precondition(lambda self: self.following.landed_any)
READ = precondition(lambda self: self.following.orders)
"""Before that there is nothing to do."""


class Shop(RuleBasedStateMachine):
    """One source, its raw zone, and what the dictionary follows of its ledger."""

    rules_of: ClassVar[st.SearchStrategy[Rules]] = st.builds(Rules)
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        # In memory, where the machine has it: nothing here is about a disk, and every write is synced.
        self.folder = tempfile.mkdtemp(prefix="shop-", dir=SHARED if SHARED.is_dir() else None)
        self.raw = open_store(Location(uri=f"{self.folder}/raw"))
        self.lake = Location(uri=f"{self.folder}/lake")
        self.today = datetime.now(UTC)
        self.held: list[tuple[int, list[Row]]] = []
        self.disturbed = False
        self.spawn = multiprocessing.get_context("forkserver")
        self.spawn.set_forkserver_preload(PRELOADED)

    def teardown(self) -> None:
        try:
            if hasattr(self, "rules"):
                self.settle()
        finally:
            shutil.rmtree(self.folder)

    def settle(self) -> None:
        """After one more run, and a word for whatever is held back, all that lies there is in the tables."""
        self._read_older()
        self.change_the_rules(lenient=self.rules.lenient, limit=None)
        self.run()
        self._check_late_ones_are_named()
        for key, etag in self.following.lying().items():
            if not self.following.stands(key, etag):
                self._take_by_word(key, etag)
        check_same(self.lake, self.following.tables)
        assert verify(opened(self.folder)).good

    @initialize(data=st.data())
    def project(self, data: st.DataObject) -> None:
        self.rules = data.draw(self.rules_of)
        self.following = Following(self.lake, self.raw.location, self.rules)
        write_project(self.folder, self.rules)

    def check_invariants(self, *given: Any) -> None:
        type(self).steps += 1
        super().check_invariants(*given)

    @rule(objects=OBJECTS, and_run=MOSTLY)
    def land(self, objects: list[tuple[str, Triples]], and_run: bool) -> None:  # noqa: FBT001 - hypothesis passes by name
        """New objects, or new versions of some."""
        for key, lines in objects:
            content, landed = as_lines(lines)
            self._write(key, content, landed)
        if and_run:
            self.run()

    @rule(key=KEYS, lines=LINES, and_run=MOSTLY)
    def land_damaged(self, key: str, lines: Triples, and_run: bool) -> None:  # noqa: FBT001 - the same
        """Whole lines, compressed, and behind them some under a check sum that is wrong."""
        half = len(lines) // 2
        content, landed = as_lines(lines[:half])
        lost = bytearray(gzip.compress(as_lines(lines[half:])[0], mtime=0))
        lost[-8] ^= 1
        rest = Line(len(content), "", "", "unreadable")
        self._write(key, gzip.compress(content, mtime=0) + bytes(lost), [*landed, rest], damaged=True)
        if and_run:
            self.run()

    @READ
    @rule(key=st.sampled_from(LATE_NAMES), lines=LINES, and_run=MOSTLY)
    def land_late(self, key: str, lines: Triples, and_run: bool) -> None:  # noqa: FBT001 - the same
        """An object for a date that is over; where the source has dates, no plain run looks there any more."""
        self.land([(key, lines)], and_run)

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        self.raw.delete(self._key(key))

    @rule(lenient=st.booleans(), limit=st.sampled_from([None, None, 2]))
    def change_the_rules(self, lenient: bool, limit: int | None) -> None:  # noqa: FBT001 - hypothesis passes by name
        self.rules = self.following.rules = replace(self.rules, lenient=lenient, limit=limit)
        write_project(self.folder, self.rules)

    @rule()
    def run(self) -> None:
        self._act(("run",))
        if self.following.waiting():  # an open number may have been refused under rules of before
            self._act(("run",))
        assert not self.following.waiting() or self.following.too_many_rejects()

    @READ
    @rule()
    def replay(self) -> None:
        self._act(("replay",))

    @READ
    @rule(at_once=st.booleans())
    def maintain(self, at_once: bool) -> None:  # noqa: FBT001 - the same
        """Compaction, orphans, and files that were taken out: at once, or not while somebody may read older versions."""
        self._act(("maintain", "at once" if at_once else "for readers"))
        self._read_older()

    @READ
    @rule(days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=2))
    def backfill(self, days: list[str]) -> None:
        self._act(("backfill", min(days), max(days)))

    @precondition(lambda self: self.following.held_back())
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        """An object that is there and not taken, by word; what may keep it back still is told."""
        key = data.draw(st.sampled_from(self.following.held_back()))
        self.following.follow()
        etag = self.following.lying()[key]
        overwritten = key in self.following.orders and not self.following.stands(key, etag)
        errors = {error.kind for error in self._act(("accept", key)).errors}
        assert errors <= ({"data"} if overwritten else {"data", "config"})
        assert errors or self.following.stands(key, etag)

    @precondition(lambda self: self.following.refused)
    @rule(data=st.data())
    def accept_what_was_refused(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.following.refused))
        errors = {error.kind for error in self._act(("accept", f"shop/{number}")).errors}
        assert errors <= {"data"}

    @READ
    @rule()
    def open_a_reader(self) -> None:
        """Somebody begins to read the table as it is, and is not done with it."""
        if (found := snapshot(self.lake, "orders")) is not None:
            self.held = [*self.held[-2:], (found.version, rows_of(self.lake, found.version))]

    @LANDED
    @rule(act=ACTS, faults=st.lists(FAULTS, min_size=1, max_size=2))
    def killed_runs(self, act: Act, faults: list[tuple[str, str, int]]) -> None:
        for step, when, nth in faults:
            child = self.spawn.Process(target=work, args=(self.folder, self._placed(act), f"{step}:{when}:kill:{nth}"))
            child.start()
            child.join()
            assert child.exitcode in {0, -signal.SIGKILL}
            child.close()
        self._noted(act)
        self.disturbed = True

    @LANDED
    @rule(act=ACTS, fault=FAULTS, lose=st.booleans())
    def failing_run(self, act: Act, fault: tuple[str, str, int], lose: bool) -> None:  # noqa: FBT001 - the same
        step, when, nth = fault
        what = "lose" if lose and when == "after" else "raise"
        try:
            with suppress(LakemartError, RuntimeError):  # what the fault raises, or what lakemart makes of it
                work(self.folder, self._placed(act), f"{step}:{when}:{what}:{nth}")
        finally:
            disarm()
        self._noted(act)
        self.disturbed = True

    @READ
    @rule(anew=st.booleans())
    def index(self, anew: bool) -> None:  # noqa: FBT001 - the same
        """What is known of objects is gone beyond; or all of the projection is lost, and built again."""
        if anew:
            shutil.rmtree(f"{self.folder}/lake/_ledger/tables", ignore_errors=True)
        refresh_index(self.lake, WRITER)

    def _read_older(self) -> None:
        for version, rows in self.held:
            assert rows_of(self.lake, version) == rows

    def _check_late_ones_are_named(self) -> None:
        if late := self.following.late():
            findings = " ".join(finding for one in verify(opened(self.folder)).checked for finding in one.findings)
            assert all(key in findings for key in late)

    def _take_by_word(self, key: str, etag: str) -> None:
        """Or by two, when a batch was refused for duplicates that can be read nowhere any more."""
        told = self._act(("accept", key))
        if told.errors:
            self._act(("accept", f"shop/{self.following.refused[-1]}"))
        assert self.following.stands(key, etag)

    def _act(self, act: Act) -> Any:
        told = work(self.folder, act)
        self._noted(act)
        if isinstance(told, RunDocument) and self.following.closed():
            self.following.follow()
            if self.disturbed:
                check_same(self.lake, self.following.tables)
                self.disturbed = False
        return told

    def _noted(self, act: Act) -> None:
        """What came to be decided meanwhile; versions that nobody reads any more."""
        self.following.note()
        if act == ("maintain", "at once"):
            self.held.clear()

    def _write(self, key: str, content: bytes, lines: list[Line], *, damaged: bool = False) -> None:
        self.raw.write(self._key(key), content)
        self.following.landed(self._key(key), lines, damaged=damaged)

    def _placed(self, act: Act) -> Act:
        return (act[0], self._key(act[1])) if act[0] == "accept" else act

    def _key(self, key: str) -> str:
        """Where an object lies: under yesterday, or under a date long closed."""
        day = self.today - timedelta(days=10 if key.startswith(OLD) else 1)
        return f"{day:%Y/%m/%d}/{key.removeprefix(OLD)}"
