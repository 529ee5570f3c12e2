"""Where cases are made and judged: a copy of a story's beginning, a fault, one plain run; then what an undisturbed run left."""

from __future__ import annotations

import itertools
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from crash.nursery import LANES, LOG, PIDS, Nursery
from crash.project import Servers, copy_schema, move_to_schema, rewrite, write_project
from crash.readers import Readers
from crash.tales import TALES, Place, Tale, late_order
from promises import STATES

ACTS = ("before:kill", "after:kill", "before:raise", "after:lose")
"""Killed before, killed after, raised, answer lost."""

_RENEWAL = "lease.renew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A story's beginning, what is there of it before and after an undisturbed run, and the passes of that run."""

    tale: Tale
    place: Place
    before: dict[str, Any]
    after: dict[str, Any]
    passes: tuple[str, ...]


@dataclass(slots=True)
class Workshop:
    """Makes beginnings when first asked for them, and cases as many as are wanted.

    `servers` starts S3 and warehouse, `spark` Spark, each at the first call.
    """

    folder: Path
    run: Nursery
    servers: Callable[[], Servers]
    spark: Callable[[], Mapping[str, str]]
    tell: Callable[[str, object], None] = lambda name, value: None
    """Keeps something with the test that is under way, to be told at the end of all."""

    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _begun: dict[str, Beginning] = field(default_factory=dict)
    _later: list[Path] = field(default_factory=list)

    def beginning(self, name: str) -> Beginning:
        """The beginning of the story of that name, made once."""
        if name not in self._begun:
            self._begun[name] = self._begin(name)
        return self._begun[name]

    def judge_all(self, name: str, faults: Iterable[tuple[str, ...]]) -> None:
        """Judges a case for each item: its faults one after another, each in a run of its own. Two cases at a time."""
        story = self.beginning(name)
        began = time.monotonic()
        with ThreadPoolExecutor(LANES) as lanes:
            judged = [lanes.submit(self.judge, story, case) for case in faults]
            for one in judged:
                one.result()
        self.tell(STATES, [len(judged), time.monotonic() - began])

    def judge(self, story: Beginning, faults: tuple[str, ...]) -> None:
        """A case: runs that the faults end, then one plain run. Readers poll all the while."""
        place = self.copy(story)
        with Readers(place.folder / "lake", place.servers) as readers:
            for index, fault in enumerate(faults):
                again = plans(place) == plans(story.place)  # a command asked for anew would be one more number
                _disturb(place, story.tale.act if again else "run", fault, sure=not index)
            heal(place, story, faults)
        readers.assert_whole([story.before, story.after], faults)
        shutil.rmtree(place.folder)

    def _begin(self, name: str) -> Beginning:
        tale = TALES[name]
        folder = self.folder / name.replace(" ", "-")
        if tale.model == "built":
            later = self._built_later()
            shutil.copytree(self.folder / "built", folder)
        else:
            later = None
            write_project(folder, model=tale.model == "written")
        place = self._place(tale, folder, f"begun_{name}", later)
        if tale.publishes:
            rewrite(folder, "models/daily.yaml", "marts.daily", f"begun_{name}.daily")
        tale.begin(place)
        story = Beginning(tale=tale, place=place, before={}, after={}, passes=())
        copy = self.copy(story)
        before = copy.done("evidence").said
        ended = copy.does(tale.act, record=True)
        assert "failed" not in ended.said, ended.said["failed"]
        after = copy.done("heal").said
        assert not after["findings"], (name, after["findings"])
        shutil.rmtree(copy.folder)
        return replace(story, before=before, after=after, passes=tuple(ended.said["passes"]))

    def copy(self, story: Beginning) -> Place:
        """A copy of the beginning, with a mart schema of its own."""
        number = next(self._numbers)
        place = self._place(story.tale, self.folder / f"case-{number}", f"case_{number}", story.place.later)
        shutil.copytree(story.place.folder, place.folder, ignore=shutil.ignore_patterns(PIDS, LOG))
        if place.servers is not None and story.place.servers is not None:
            move_to_schema(place.folder, story.place.servers.schema, place.servers.schema)
            if story.tale.published:
                copy_schema(story.place.servers, place.servers.schema)
        return place

    def _place(self, tale: Tale, folder: Path, schema: str, later: Path | None) -> Place:
        servers = replace(self.servers(), schema=schema) if tale.publishes else None
        spark = self.spark() if tale.needs_spark else None
        return Place(folder=folder, run=self.run, servers=servers, spark=spark, later=later)

    def _built_later(self) -> Path:
        """The project built once beside the one built twice, made by Spark for all stories."""
        if not self._later:
            built, later = self.folder / "built", self.folder / "later"
            write_project(built, model=True)
            Place(folder=built, run=self.run, spark=self.spark()).done("build")
            shutil.copytree(built, later)
            late_order(later)
            Place(folder=later, run=self.run, spark=self.spark()).done("build")
            self._later.append(later)
        return self._later[0]


def plans(place: Place) -> int:
    """How many numbers of all writers are planned."""
    return sum(1 for _ in (place.folder / "lake" / "_ledger").rglob("plan.json"))


def _disturb(place: Place, act: str, fault: str, *, sure: bool) -> None:
    """A run under a fault: a kill ends it by SIGKILL. A later run may not come by the step again; the first is `sure` to."""
    faults = (fault,)
    if fault.startswith(_RENEWAL):  # leases are renewed while something takes its time
        faults = (f"{'ledger.rebuild' if act == 'rebuild' else 'plan.write'}:before:hang", fault)
    ended = place.does(act, *faults)
    assert "failed" not in ended.said, ended.said["failed"]
    if sure or ended.signal:
        assert ended.signal == (signal.SIGKILL if ":kill" in fault else 0), (fault, ended)
    if sure and ":raise" in fault and not fault.startswith(_RENEWAL):
        assert ended.said.get("raised"), (fault, ended)


def heal(place: Place, story: Beginning, what: object) -> None:
    """One plain run: all is as undisturbed. Only a command that left no plan is repeated first; nothing was changed then."""
    ended = place.does("heal")
    assert "failed" not in ended.said, ended.said["failed"]
    found = ended.said
    if found["numbers"] != story.after["numbers"] and story.tale.act != "run":
        same = {name: found["tables"][name] for name in ("orders", "daily")}
        assert same == {name: story.before["tables"][name] for name in same}, what
        place.done(story.tale.act)
        found = place.does("heal").said
    assert found["findings"] == [], what
    for part in ("numbers", "tables", "mart", "books"):
        assert found[part] == story.after[part], (what, part, _differing(found[part], story.after[part]))


def _differing(found: Any, wanted: Any) -> Any:
    if not isinstance(found, dict):
        return found, wanted
    return {key: (found[key], wanted[key]) for key in found if found[key] != wanted[key]}
