"""The protocol: whatever is killed, raised or lost at any step, the next plain run ends with the same content."""

from __future__ import annotations

import itertools
import random
import threading
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lakemart.errors import LockedError, TransientError
from lakemart.lake.read import read_table, version_of
from lakemart.ledger import records
from lakemart.ledger.projection import SCHEMAS, project, table_name
from lakemart.ledger.protocol import Intent, Refusal, advance
from lakemart.ledger.rebase import put_rebase, rebased, rebases
from lakemart.steps import arm, disarm
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store
from unit.ledger.toy import UNDISTURBED, WRITER, ToyStage, assert_as_undisturbed, content, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lakemart.ledger.records import Json, Record

STEPS = ("plan.write", "ingest.files", "decision.write", "lake.commit", "done.write", "ledger.project")
FAULTS = [f"{step}:{when}" for step in STEPS for when in ("before", "after")]


@pytest.fixture(autouse=True)
def _no_fault_left() -> Iterator[None]:
    yield
    disarm()


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


def interrupted(lake: Location, *faults: str) -> bool:
    """A run under faults; whether one of them ended it."""
    for fault in faults:
        arm(fault)
    try:
        run(lake)
    except (RuntimeError, TransientError):
        return True
    finally:
        disarm()
    return False


def test_a_run_does_what_is_due_and_a_second_one_nothing(location: Location) -> None:
    assert [record.number for record in run(location)] == [1, 2]
    before = [info.key for info in open_store(location).list()]

    assert run(location) == []
    assert [info.key for info in open_store(location).list()] == before
    assert_as_undisturbed(location)


@pytest.mark.parametrize("act", ["raise", "lose"])
@pytest.mark.parametrize("fault", FAULTS)
def test_one_plain_run_heals_a_fault_at_any_pass_of_any_step(lake: Location, fault: str, act: str) -> None:
    for nth in (1, 2, 3, 4) if fault.startswith("lake.commit") else (1, 2):
        place = Location(uri=f"{lake.uri}-{nth}")
        ended = interrupted(place, f"{fault}:{act}:{nth}")

        run(place)

        assert_as_undisturbed(place)
        read_back = act == "lose" and fault in {"lake.commit:before", "lake.commit:after", "ledger.project:after"}
        assert ended != read_back, "a fault that ends nothing tests nothing"


def test_one_plain_run_heals_a_fault_at_any_step_on_s3(s3_location: Location) -> None:
    for fault in ("plan.write:after", "decision.write:after", "done.write:after"):
        place = s3_location.child(fault.replace(":", "-"))
        interrupted(place, f"{fault}:lose:1")

        run(place)

        assert_as_undisturbed(place)


def test_one_plain_run_heals_two_faults_one_after_the_other(lake: Location) -> None:
    pairs = list(itertools.product([f"{fault}:{act}" for fault in FAULTS for act in ("raise", "lose")], repeat=2))
    for index, (first, second) in enumerate(random.Random(7).sample(pairs, 15)):  # noqa: S311 - a sample, no secret
        place = Location(uri=f"{lake.uri}-{index}")
        interrupted(place, first)
        interrupted(place, second)
        interrupted(place, second)

        run(place)

        assert_as_undisturbed(place)


def test_a_crash_before_the_decision_repeats_the_work_and_one_after_it_never_does(lake: Location) -> None:
    def files() -> list[str]:
        return [
            info.key
            for info in open_store(lake).list()
            if info.key.endswith(".parquet") and not info.key.startswith("_ledger")
        ]

    interrupted(lake, "decision.write:before:raise")
    assert len(files()) == 2
    interrupted(lake, "decision.write:after:raise")
    assert len(files()) == 4, "the files of the first execution are orphans"
    run(lake, ToyStage(lake=lake, until=1))
    assert len(files()) == 4
    assert content(lake) == {"toy": [1], "toy_quarantine": [1]}


def test_a_plan_is_frozen_whatever_there_is_to_plan_later(lake: Location) -> None:
    interrupted(lake, "plan.write:after:raise")
    frozen = records.read_part(open_store(lake), WRITER, 1, "plan")

    run(lake, ToyStage(lake=lake, until=1))

    assert records.read_part(open_store(lake), WRITER, 1, "plan") == frozen
    assert content(lake)["toy"] == [1]


class Interposed(ToyStage):
    """A toy whose owner pauses at one of its acts, while another run does `meanwhile`."""

    def __init__(self, lake: Location, at: str, meanwhile: Any) -> None:
        super().__init__(lake=lake)
        object.__setattr__(self, "_at", at)
        object.__setattr__(self, "_meanwhile", meanwhile)

    __slots__ = ("_at", "_meanwhile")

    def _pause(self, at: str) -> None:
        if self._at == at:
            object.__setattr__(self, "_at", "")
            self._meanwhile()

    def plan(self, number: int, last: Record | None) -> Json | None:
        found = ToyStage.plan(self, number, last)
        self._pause("plan")
        return found

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        found = ToyStage.work(self, number, plan)
        self._pause("work")
        return found

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        self._pause("commit")
        return ToyStage.commit(self, number, plan, intent)


def one(lake: Location, stage: ToyStage) -> Record | None:
    return advance(open_store(lake), stage, run="other", at="2026-01-01T00:00:00Z")


@pytest.mark.parametrize("rounds", [1, 2])
def test_a_plan_that_another_took_meanwhile_ends_the_turn(lake: Location, rounds: int) -> None:
    def meanwhile() -> None:
        for _ in range(rounds):
            one(lake, ToyStage(lake=lake))

    with pytest.raises(LockedError, match="another run has planned number 1 of source/toy"):
        one(lake, Interposed(lake, "plan", meanwhile))

    run(lake)
    assert_as_undisturbed(lake)


def test_a_decision_that_another_took_meanwhile_is_adopted(lake: Location) -> None:
    def meanwhile() -> None:
        interrupted(lake, "decision.write:after:raise")

    record = one(lake, Interposed(lake, "work", meanwhile))

    assert record is not None
    assert record.decision is not None
    assert record.decision["run"] == "r", "of the run that decided first"
    assert record.done is not None
    assert record.done["run"] == "other"
    run(lake)
    assert_as_undisturbed(lake)


@pytest.mark.parametrize("at", ["work", "commit"])
@pytest.mark.parametrize("until", [1, 2])
def test_an_owner_that_slept_while_another_went_on_changes_nothing(lake: Location, at: str, until: int) -> None:
    sleeper = Interposed(lake, at, lambda: run(lake, ToyStage(lake=lake, until=until)))

    if until == 1:
        record = one(lake, sleeper)
        assert record is not None
        assert (record.number, record.committed) == (1, True)
    else:
        with pytest.raises(LockedError):
            one(lake, sleeper)

    run(lake)
    assert_as_undisturbed(lake)


def test_runs_without_any_lease_at_once_lose_and_double_nothing(lake: Location) -> None:
    gate = threading.Barrier(4)

    def runner() -> None:
        gate.wait()
        for _ in range(30):
            try:
                run(lake)
            except (LockedError, TransientError):
                continue
            return

    threads = [threading.Thread(target=runner) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    run(lake)
    assert_as_undisturbed(lake)


def test_a_refusal_closes_its_number_shows_nothing_and_has_no_versions(location: Location) -> None:
    first, second, third = run(location, ToyStage(lake=location, until=3, refused=(2,)))

    assert (first.committed, second.refused, second.committed, third.committed) == (True, True, False, True)
    assert second.decision is not None
    assert (second.decision["reasons"], second.decision["stops"]) == (["told to refuse"], True)
    assert second.done is None
    assert content(location) == {"toy": [1, 3], "toy_quarantine": [1, 3]}
    assert records.last_versions(open_store(location), WRITER) == {"toy": 1, "toy_quarantine": 1}
    batches = read_table(location, table_name("batches")).sort_by("number")
    assert batches.column("outcome").to_pylist() == ["committed", "refused", "committed"]
    assert sorted(read_table(location, table_name("objects")).column("number").to_pylist()) == [1, 3]


def test_a_refusal_as_the_head_leaves_the_last_committed_versions_to_readers(lake: Location) -> None:
    run(lake, ToyStage(lake=lake, until=2, refused=(2,)))

    assert records.last_versions(open_store(lake), WRITER) == {"toy": 0, "toy_quarantine": 0}
    head = records.head(open_store(lake), WRITER)
    assert head is not None
    assert (head.number, head.closed) == (2, True)


def test_the_projection_is_built_again_from_nothing(lake: Location) -> None:
    run(lake, ToyStage(lake=lake, until=3, refused=(2,)))
    before = {name: read_table(lake, table_name(name)).sort_by("number").to_pylist() for name in SCHEMAS}
    store: Store = open_store(lake)
    for info in list(store.list("_ledger/tables/")):
        store.delete(info.key)

    project(lake, [WRITER])

    assert {name: read_table(lake, table_name(name)).sort_by("number").to_pylist() for name in SCHEMAS} == before


def test_the_projection_is_appended_once_whoever_repeats_it(lake: Location) -> None:
    run(lake)

    for _ in range(3):
        project(lake, [WRITER])

    assert_as_undisturbed(lake)


def test_an_open_number_is_not_in_the_projection(lake: Location) -> None:
    interrupted(lake, "done.write:before:raise")

    project(lake, [WRITER])

    assert not list(open_store(lake).list("_ledger/tables/"))


def test_a_projection_that_an_earlier_lakemart_made_with_other_columns_is_made_anew(
    lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SCHEMAS["objects"]
    with monkeypatch.context() as patch:
        patch.setitem(SCHEMAS, "objects", pa.schema(list(whole)[:6]))
        run(lake)
    run(lake, ToyStage(lake=lake, until=3))
    found = read_table(lake, table_name("objects"))
    assert found.column_names == whole.names
    assert sorted(found.column("number").to_pylist()) == [1, 2, 3]


class Overtaken(ToyStage):
    """While it commits number 2, somebody else moves a table, and another run rebases and commits the number."""

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        store = open_store(self.lake)
        if number == 2 and not rebases(store, WRITER, 2):
            quarantine = DeltaTable(f"{self.lake.uri}/toy_quarantine")
            quarantine.alter.set_table_properties({"delta.appendOnly": "false"})
            value = {"table": "toy_quarantine", "made": 0, "onto": 1, "added_columns": []}
            assert put_rebase(store, WRITER, 2, 0, value)
            ToyStage(lake=self.lake).commit(number, plan, rebased(intent, rebases(store, WRITER, 2)))
        return ToyStage.commit(self, number, plan, intent)


def test_who_finds_its_number_committed_by_a_rebase_says_the_versions_of_that(lake: Location) -> None:
    found = run(lake, Overtaken(lake=lake))[-1]
    assert found.done is not None
    assert found.done["versions"] == {"toy": 1, "toy_quarantine": 2}
    assert version_of(lake, "toy_quarantine") == 2
    assert [one["onto"] for one in found.done["rebased"]] == [1]
    assert content(lake) == UNDISTURBED
