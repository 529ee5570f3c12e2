"""Every write of this room whose answer may be lost: what was done is read back, and done once; nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from lakemart.errors import TransientError
from lakemart.lake.actions import NEW_TABLE, TableChange, schema_to_json
from lakemart.lake.append import append_lacking, refill
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import read_table, snapshot, version_of
from lakemart.lake.write import FileTarget, write_files
from lakemart.steps import arm, disarm
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, UnknownOutcomeError

SCHEMA = pa.schema([("n", pa.int64())])
WIDER = pa.schema([("n", pa.int64()), ("text", pa.string())])
W = "source/s"


@pytest.fixture(autouse=True)
def _no_fault_left() -> Iterator[None]:
    yield
    disarm()


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


def adding(lake: Location, number: int, schema: pa.Schema = SCHEMA) -> TableChange:
    """A change that adds one row, the number, to the table as it is."""
    columns = [pa.array([number]), *(pa.nulls(1, field.type) for field in list(schema)[1:])]
    target = FileTarget(root=lake.child("t"), schema=schema, partition_by=None, number=number)
    return table_change(
        "t", schema, snapshot(lake, "t"), adds=write_files([pa.record_batch(columns, schema=schema)], target)
    )


def committed(lake: Location, change: TableChange, number: int) -> int:
    return commit(lake, change, writer=W, number=number, run="r")


def rows(lake: Location) -> list[int]:
    return sorted(read_table(lake, "t").column("n").to_pylist())


def created(lake: Location) -> TableChange:
    return adding(lake, 1)


def widened(lake: Location) -> TableChange:
    committed(lake, adding(lake, 1), 1)
    return adding(lake, 2, WIDER)


def adopted(lake: Location) -> TableChange:
    committed(lake, adding(lake, 1), 1)
    DeltaTable(f"{lake.uri}/t").alter.set_table_properties({"delta.appendOnly": "false"})
    return replace(adding(lake, 2), adds=(), adopted=True)


@pytest.mark.parametrize(
    ("make", "number", "passes", "after"),
    [(created, 1, (1,), [1]), (widened, 2, (1, 2), [1, 2]), (adopted, 2, (1,), [1])],
)
def test_a_commit_whose_answer_is_lost_is_done_once(
    lake: Location, make: Callable[[Location], TableChange], number: int, passes: tuple[int, ...], after: list[int]
) -> None:
    """The creation of a table, each of the two versions that added columns take, and an adoption."""
    for nth in passes:
        place = Location(uri=f"{lake.uri}-{nth}")
        change = make(place)
        arm(f"lake.commit:after:lose:{nth}")
        assert committed(place, change, number) == change.version == version_of(place, "t")
        disarm()
        assert rows(place) == after
        assert committed(place, change, number) == change.version


@pytest.mark.parametrize(("make", "number", "passes"), [(created, 1, (1,)), (widened, 2, (1, 2)), (adopted, 2, (1,))])
def test_a_commit_that_never_arrived_is_sent_again_three_times_in_all_then_it_is_unknown(
    lake: Location,
    make: Callable[[Location], TableChange],
    number: int,
    passes: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lakemart.lake.commit._PAUSES", (0.0, 0.0))
    for nth in passes:
        place = Location(uri=f"{lake.uri}-{nth}")
        change = make(place)
        for _ in range(3):  # a pass that one fault ends is not counted by the next
            arm(f"lake.commit:before:lose:{nth}")
        with pytest.raises(UnknownOutcomeError, match=f"cannot tell whether number {number} of {W}"):
            committed(place, change, number)
        disarm()
        assert committed(place, change, number) == change.version
        assert len(rows(place)) == len(set(rows(place)))


def test_a_checkpoint_that_fails_after_its_commit_takes_nothing_back(lake: Location) -> None:
    """The log entry is there; a folder stands where the checkpoint should go."""
    for number in range(1, 21):
        committed(lake, adding(lake, number), number)
    (Path(lake.uri) / "t" / "_delta_log" / f"{20:020d}.checkpoint.parquet" / "in the way").mkdir(parents=True)
    change = adding(lake, 21)
    assert committed(lake, change, 21) == version_of(lake, "t") == 20
    assert rows(lake) == list(range(1, 22))


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_append_whose_answer_is_lost_is_found_out_again(lake: Location, when: str, *, existing: bool) -> None:
    def lacking(number: int) -> Callable[[DeltaTable | None], tuple[pa.Table, dict[str, int]] | None]:
        def found(base: DeltaTable | None) -> tuple[pa.Table, dict[str, int]] | None:
            if base is not None and (base.transaction_version("a") or 0) >= number:
                return None
            return pa.table({"n": [number]}), {"a": number}

        return found

    if existing:
        append_lacking(lake, "t", lacking(1))
    arm(f"ledger.project:{when}:lose")
    if when == "before":
        with pytest.raises(TransientError):
            append_lacking(lake, "t", lacking(2))
    append_lacking(lake, "t", lacking(2))
    assert rows(lake) == ([1, 2] if existing else [2])


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_table_made_anew_with_its_answer_lost_is_as_it_was_or_as_it_is_to_be(lake: Location, when: str) -> None:
    batch = pa.record_batch({"n": pa.array([7])})
    committed(lake, adding(lake, 1), 1)
    arm(f"ledger.rebuild:{when}:lose")
    with pytest.raises(TransientError):
        refill(lake, "t", SCHEMA, [batch], {"a": 3})
    assert rows(lake) == ([1] if when == "before" else [7])
    refill(lake, "t", SCHEMA, [batch], {"a": 3})
    assert rows(lake) == [7]
    assert DeltaTable(f"{lake.uri}/t").transaction_version("a") == 3


def test_a_put_that_is_there_but_may_not_last_is_told_as_an_error_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A local folder that cannot be synced: nobody may build on it, and nobody else can take the place."""
    store = open_store(Location(uri=str(tmp_path)))

    def broken(_: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("lakemart.storage.local._sync_folder", broken)
        with pytest.raises(TransientError):
            store.put_if_absent("a/part.json", b"mine")
    assert store.read("a/part.json")[0] == b"mine"
    assert store.put_if_absent("a/part.json", b"another's") is False


def test_a_change_is_the_same_after_its_way_through_json_and_an_older_one_changes_rows() -> None:
    change = TableChange(
        table="t", base_version=NEW_TABLE, schema=schema_to_json(WIDER), data_change=False, adopted=True
    )
    assert TableChange.from_json(change.as_json()) == change
    older = {name: value for name, value in change.as_json().items() if name not in ("data_change", "adopted")}
    assert TableChange.from_json(older).data_change is True
