"""The one commit function: once for each number, only on the version its intent names, and never a guess."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from lakemart.errors import ConfigError, DataError, LockedError
from lakemart.lake.actions import TableChange
from lakemart.lake.change import table_change
from lakemart.lake.commit import commit
from lakemart.lake.read import read_table, snapshot, version_of
from lakemart.lake.write import FileTarget, write_files
from lakemart.steps import arm, disarm
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCHEMA = pa.schema([("day", pa.date32()), ("n", pa.int64())])
WIDER = pa.schema(
    [
        *SCHEMA,
        ("text", pa.string()),
        ("price", pa.decimal128(10, 2)),
        ("tags", pa.list_(pa.field("element", pa.string()))),
    ]
)
W = "source/s"


@pytest.fixture(autouse=True)
def _no_fault_left() -> Iterator[None]:
    yield
    disarm()


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


def appended(
    lake: Location, number: int, *rows: tuple[str, int], schema: pa.Schema = SCHEMA, table: str = "t"
) -> TableChange:
    """The change by which a number adds rows to the table as it is now."""
    target = FileTarget(root=lake.child(table), schema=schema, partition_by="day", number=number)
    days = pa.array([day for day, _ in rows], pa.string()).cast(pa.date32())
    filled = {"day": days, "n": pa.array([n for _, n in rows], pa.int64())}
    columns = [filled.get(field.name, pa.nulls(len(rows), field.type)) for field in schema]
    files = write_files([pa.record_batch(columns, schema=schema)], target)
    return table_change(table, schema, snapshot(lake, table), partition_by="day", adds=files)


def numbers_in(lake: Location, table: str = "t") -> list[int]:
    found: list[int] = sorted(read_table(lake, table, columns=["n"]).column("n").to_pylist())
    return found


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Location:
    if request.param == "local":
        return Location(uri=str(tmp_path / "a lake with ü and +"))
    found: Location = request.getfixturevalue("s3_location")
    return found


def test_numbers_create_the_table_add_to_it_and_take_files_away(place: Location) -> None:
    assert commit(place, appended(place, 1, ("2026-01-01", 1), ("2026-01-02", 2)), writer=W, number=1, run="r1") == 0
    assert commit(place, appended(place, 2, ("2026-01-01", 3)), writer=W, number=2, run="r2") == 1
    before = snapshot(place, "t")
    assert before is not None
    gone = before.in_slices(["2026-01-01"])
    change = table_change(
        "t", SCHEMA, before, partition_by="day", adds=appended(place, 3, ("2026-01-01", 4)).adds, removes=gone
    )

    assert commit(place, change, writer=W, number=3, run="r3") == 2
    assert numbers_in(place) == [2, 4]
    assert change.partition_values() == {"2026-01-01"}
    assert read_table(place, "t", 1, columns=["n"]).num_rows == 3, "older versions stay readable"
    assert read_table(place, "t", slices=["2026-01-02"]).column("n").to_pylist() == [2]


def test_a_table_can_be_created_without_rows(lake: Location) -> None:
    change = table_change("t", WIDER, None, partition_by="day")

    assert commit(lake, change, writer=W, number=1, run="r") == 0
    found = snapshot(lake, "t")
    assert found is not None
    assert (found.schema, found.partition_by, found.files) == (WIDER, "day", ())


def test_a_commit_says_who_made_it(lake: Location) -> None:
    commit(lake, appended(lake, 7, ("2026-01-01", 1)), writer=W, number=7, run="run-9")

    log = (open_store(lake.child("t"))).read("_delta_log/00000000000000000000.json")[0].decode()
    actions = [json.loads(line) for line in log.splitlines()]
    assert {"appId": "lakemart/source/s", "version": 7} in [
        {key: value for key, value in action["txn"].items() if key != "lastUpdated"}
        for action in actions
        if "txn" in action
    ]
    assert [action["commitInfo"]["userMetadata"] for action in actions if "commitInfo" in action] == [
        "lakemart run=run-9 writer=source/s number=7"
    ]
    assert [action["protocol"]["minReaderVersion"] for action in actions if "protocol" in action] == [1]


def test_a_number_committed_again_is_found_done_at_the_same_version(place: Location) -> None:
    change = appended(place, 1, ("2026-01-01", 1))

    versions = [commit(place, change, writer=W, number=1, run=run) for run in ("r1", "r2", "r3")]

    assert versions == [0, 0, 0]
    assert (numbers_in(place), version_of(place, "t")) == ([1], 0)


def test_columns_are_added_by_the_same_number_and_older_rows_have_none(place: Location) -> None:
    commit(place, appended(place, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")
    change = appended(place, 2, ("2026-01-01", 2), schema=WIDER)

    versions = [commit(place, change, writer=W, number=2, run="r") for _ in range(2)]

    assert change.added_columns == ("text", "price", "tags")
    assert versions == [2, 2]
    found = snapshot(place, "t")
    assert found is not None
    assert found.schema == WIDER
    assert read_table(place, "t").sort_by("n").select(["n", "text", "tags"]).to_pylist() == [
        {"n": n, "text": None, "tags": None} for n in (1, 2)
    ]
    assert commit(place, appended(place, 3, ("2026-01-01", 3), schema=WIDER), writer=W, number=3, run="r") == 3


def test_columns_alone_can_be_added(lake: Location) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")
    change = table_change("t", WIDER, snapshot(lake, "t"), partition_by="day")

    assert not change.is_empty
    assert commit(lake, change, writer=W, number=2, run="r") == change.version == version_of(lake, "t")
    assert numbers_in(lake) == [1]


def test_a_column_that_left_the_contract_stays_in_the_table(lake: Location) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1), schema=WIDER), writer=W, number=1, run="r")
    change = table_change(
        "t",
        SCHEMA,
        snapshot(lake, "t"),
        partition_by="day",
        adds=appended(lake, 2, ("2026-01-01", 2), schema=SCHEMA).adds,
    )

    commit(lake, change, writer=W, number=2, run="r")

    found = snapshot(lake, "t")
    assert found is not None
    assert found.schema == WIDER
    assert numbers_in(lake) == [1, 2]


def test_an_owner_that_slept_through_a_take_over_is_refused(place: Location) -> None:
    slept = appended(place, 1, ("2026-01-01", 1))
    commit(place, appended(place, 2, ("2026-01-01", 2)), writer=W, number=2, run="r")

    with pytest.raises(LockedError, match="number 1 of source/s comes after number 2 was committed"):
        commit(place, slept, writer=W, number=1, run="r")
    assert numbers_in(place) == [2]


def test_a_foreign_commit_is_named_and_nothing_is_written_on_it(lake: Location) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")
    planned = appended(lake, 2, ("2026-01-01", 2))
    foreign = pa.table({"day": pa.array(["2026-01-01"]).cast(pa.date32()), "n": pa.array([99], pa.int64())})
    write_deltalake(f"{lake.uri}/t", foreign, mode="append")

    with pytest.raises(DataError, match="'t' is at version 1, the ledger left it at 0: somebody else changed it"):
        commit(lake, planned, writer=W, number=2, run="r")
    assert numbers_in(lake) == [1, 99]


def test_a_foreign_commit_between_looking_and_writing_is_noticed_too(
    lake: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")
    planned = appended(lake, 2, ("2026-01-01", 2))
    from lakemart.lake import commit as module  # noqa: PLC0415 - to stand between its two steps

    put = module._put

    def after_a_foreigner(*arguments: object) -> None:
        monkeypatch.setattr(module, "_put", put)
        foreign = pa.table({"day": pa.array(["2026-01-01"]).cast(pa.date32()), "n": pa.array([99], pa.int64())})
        write_deltalake(f"{lake.uri}/t", foreign, mode="append")
        put(*arguments)

    monkeypatch.setattr(module, "_put", after_a_foreigner)

    with pytest.raises(DataError, match="somebody else changed it"):
        commit(lake, planned, writer=W, number=2, run="r")
    assert numbers_in(lake) == [1, 99]


def test_a_table_that_vanished_is_a_foreign_change(lake: Location) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")
    planned = appended(lake, 2, ("2026-01-01", 2))
    store = open_store(lake.child("t"))
    for info in list(store.list("_delta_log/")):
        store.delete(info.key)

    with pytest.raises(DataError, match="is gone: the ledger left it at version 0"):
        commit(lake, planned, writer=W, number=2, run="r")


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(
    ("nth", "fault"), [(n, f) for n in (1, 2) for f in ("after:lose", "before:lose", "after:raise", "before:raise")]
)
def test_a_commit_whose_answer_is_lost_or_that_dies_is_read_back_and_done_once(
    lake: Location, number: int, nth: int, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Number 1 creates the table, 2 adds rows, 3 adds columns and rows, in two versions."""
    monkeypatch.setattr("lakemart.lake.commit._PAUSES", (0.0, 0.0))
    for earlier in range(1, number):
        commit(lake, appended(lake, earlier, ("2026-01-01", earlier)), writer=W, number=earlier, run="r")
    change = appended(lake, number, ("2026-01-01", number), schema=WIDER if number == 3 else SCHEMA)

    arm(f"lake.commit:{fault}:{nth}")
    passes = 2 if number == 3 else 1
    if fault.endswith(":lose") or nth > passes:
        assert commit(lake, change, writer=W, number=number, run="r") == change.version
    else:
        with pytest.raises(RuntimeError):
            commit(lake, change, writer=W, number=number, run="r")
    disarm()

    assert commit(lake, change, writer=W, number=number, run="again") == change.version == version_of(lake, "t")
    assert numbers_in(lake) == list(range(1, number + 1))


def test_of_many_that_race_to_commit_the_same_number_all_find_it_done_once(place: Location) -> None:
    change = appended(place, 1, ("2026-01-01", 1))
    gate = threading.Barrier(4)
    answers: list[int] = []

    def one() -> None:
        gate.wait()
        answers.append(commit(place, change, writer=W, number=1, run="r"))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [0] * 4
    assert (numbers_in(place), version_of(place, "t")) == ([1], 0)


@pytest.mark.parametrize("existing", [False, True])
def test_of_two_processes_that_race_for_one_version_one_wins(lake: Location, tmp_path: Path, existing: bool) -> None:  # noqa: FBT001 - a parameter
    if existing:
        commit(lake, appended(lake, 1, ("2026-01-01", 0)), writer="model/other", number=1, run="r")
    changes = [appended(lake, index, ("2026-01-01", index)) for index in (1, 2)]
    gate = tmp_path / "go"
    children = []
    for index, change in enumerate(changes, start=1):
        frozen = tmp_path / f"{index}.json"
        frozen.write_text(json.dumps(change.as_json()))
        arguments = [sys.executable, "-c", RACER, lake.uri, str(frozen), str(gate), f"source/{index}"]
        children.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True))
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    gate.touch()
    said = [child.communicate(timeout=30)[0].strip() for child in children]

    assert sorted(said) == ["DataError", f"committed {int(existing)}"]
    assert version_of(lake, "t") == int(existing)
    won = 1 if said[0].startswith("committed") else 2
    assert numbers_in(lake) == ([0, won] if existing else [won])


RACER = """
import json, os, sys, time
from lakemart.errors import LakemartError
from lakemart.lake.actions import TableChange
from lakemart.lake.commit import commit
from lakemart.storage.store import Location
uri, frozen, gate, writer = sys.argv[1:]
change = TableChange.from_json(json.load(open(frozen)))
print("ready", flush=True)
while not os.path.exists(gate):
    time.sleep(0.001)
try:
    print("committed", commit(Location(uri=uri), change, writer=writer, number=1, run="r"))
except LakemartError as error:
    print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("schema", "partition_by", "message"),
    [
        (
            pa.schema([("day", pa.date32()), ("n", pa.int32())]),
            "day",
            "column 'n' is int64 in table 't', now declared int32",
        ),
        (pa.schema([("day", pa.string()), ("n", pa.int64())]), "day", "column 'day' is date32"),
        (SCHEMA, None, "partitioned by 'day', now declared None"),
        (SCHEMA, "n", "partitioned by 'day', now declared 'n'"),
    ],
)
def test_a_change_of_type_or_partition_takes_a_new_table(
    lake: Location, schema: pa.Schema, partition_by: str | None, message: str
) -> None:
    commit(lake, appended(lake, 1, ("2026-01-01", 1)), writer=W, number=1, run="r")

    with pytest.raises(ConfigError, match=message):
        table_change("t", schema, snapshot(lake, "t"), partition_by=partition_by)


def test_after_many_commits_a_checkpoint_is_there_and_reads_as_the_log_does(lake: Location) -> None:
    for number in range(1, 24):
        commit(
            lake, appended(lake, number, (f"2026-01-{number % 5 + 1:02d}", number)), writer=W, number=number, run="r"
        )

    log = {info.key for info in open_store(lake.child("t")).list("_delta_log/")}
    assert any(name.endswith(".checkpoint.parquet") for name in log)
    assert sum(name.endswith(".json") for name in log) == 23, "no commit file was cleaned up"
    assert numbers_in(lake) == list(range(1, 24))
    assert (
        commit(
            lake, TableChange(table="t", base_version=21, schema=[], partition_by="day"), writer=W, number=23, run="r"
        )
        == 22
    )
    assert read_table(lake, "t", 7, columns=["n"]).num_rows == 8
    assert DeltaTable(f"{lake.uri}/t").to_pyarrow_table().num_rows == 23


def test_a_change_is_the_same_after_its_way_through_json(lake: Location) -> None:
    change = appended(lake, 1, ("2026-01-01", 1), schema=WIDER)

    assert TableChange.from_json(json.loads(json.dumps(change.as_json()))) == change


@pytest.mark.parametrize("sign", ["%41", "[x]"])
def test_a_lake_in_a_folder_that_delta_cannot_open_is_refused_with_the_reason(tmp_path: Path, sign: str) -> None:
    with pytest.raises(ConfigError, match="a lake cannot lie in the folder"):
        snapshot(Location(uri=str(tmp_path / sign)), "t")
