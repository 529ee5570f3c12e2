"""The ledger's small objects: what is torn, empty, missing, foreign or too new is named, and nothing is guessed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lakemart.errors import DataError
from lakemart.ledger import records
from lakemart.ledger.known import known_objects
from lakemart.ledger.projection import project
from lakemart.ledger.rebase import put_rebase, rebased, rebases
from lakemart.storage.local import LocalStore
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store
from unit.ledger.toy import WRITER, ToyStage, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def lake(tmp_path: Path) -> Location:
    return Location(uri=str(tmp_path / "lake"))


@pytest.fixture
def store(lake: Location) -> Store:
    return LocalStore(lake)


def write(store: Store, number: int, *parts: str, writer: str = WRITER, **decision: Any) -> None:
    """A number of which these parts are there."""
    for part in parts:
        value: dict[str, Any] = {"run": "r", "at": "2026-01-01T00:00:00Z"}
        if part == "decision":
            value |= {"kind": "intent", **decision}
        if part == "done":
            value |= {"versions": {"t": number}}
        assert records.write_part(store, writer, number, part, value)  # type: ignore[arg-type]


WHOLE = ("plan", "decision", "done")


def test_before_the_first_number_there_is_nothing(store: Store) -> None:
    assert records.head(store, WRITER) is None
    assert records.last_committed(store, WRITER) is None
    assert records.last_versions(store, WRITER) == {}
    assert list(records.numbers(store, WRITER)) == []


@pytest.mark.parametrize("count", [1, 2, 9, 10, 11, 100])
def test_the_head_is_the_newest_number_by_number_not_by_text(store: Store, count: int) -> None:
    for number in range(1, count + 1):
        write(store, number, *WHOLE)

    head = records.head(store, WRITER)
    assert head is not None
    assert (head.number, head.closed, head.committed) == (count, True, True)
    assert [record.number for record in records.numbers(store, WRITER, after=count - 1)] == [count]


def test_a_lease_and_another_writer_of_a_similar_name_are_none_of_its_numbers(store: Store) -> None:
    write(store, 1, *WHOLE)
    store.write(f"_ledger/{WRITER}/lease", b"{}")
    write(store, 7, "plan", writer=f"{WRITER}_more")

    assert [record.number for record in records.numbers(store, WRITER)] == [1]


def test_a_part_is_written_once(store: Store) -> None:
    assert records.write_part(store, WRITER, 1, "plan", {"run": "first"})
    assert not records.write_part(store, WRITER, 1, "plan", {"run": "second"})

    plan = records.read_part(store, WRITER, 1, "plan")
    assert plan == {"format": records.FORMAT, "writer": WRITER, "number": 1, "run": "first"}


def test_what_is_written_is_read_whatever_text_it_holds(store: Store) -> None:
    value = {"text": 'ü\u2028\x00😀"\\', "none": None, "big": 2**70, "list": [1.5, {}]}

    records.write_part(store, WRITER, 1, "plan", value)

    plan = records.read_part(store, WRITER, 1, "plan")
    assert plan is not None
    assert {name: plan[name] for name in value} == value


DAMAGES: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("empty", lambda data: b""),
    ("torn", lambda data: data[:-1]),
    ("torn", lambda data: b"\xff" + data),
    ("not what its name says", lambda data: b"[]"),
    ("not what its name says", lambda data: data.replace(b'"number":2', b'"number":3')),
    ("not what its name says", lambda data: data.replace(WRITER.encode(), b"source/other")),
    ("without a format", lambda data: data.replace(b'"format":1,', b"")),
    ("of format 99", lambda data: data.replace(b'"format":1', b'"format":99')),
]


@pytest.mark.parametrize("part", WHOLE)
@pytest.mark.parametrize(("what", "damage"), DAMAGES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_damaged_part_is_named_by_whoever_reads_it(
    store: Store, part: str, what: str, damage: Callable[[bytes], bytes]
) -> None:
    write(store, 1, *WHOLE)
    write(store, 2, *WHOLE)
    key = records.key(WRITER, 2, part)  # type: ignore[arg-type]
    store.write(key, damage(store.read(key)[0]))

    for read in (
        lambda: records.head(store, WRITER),
        lambda: list(records.numbers(store, WRITER)),
        lambda: records.last_committed(store, WRITER),
    ):
        with pytest.raises(DataError, match=what) as caught:
            read()
        assert key in str(caught.value)


@pytest.mark.parametrize("part", ["plan", "decision"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_part_is_named(store: Store, number: int, part: str) -> None:
    for each in (1, 2, 3):
        write(store, each, *WHOLE)
    key = records.key(WRITER, number, part)  # type: ignore[arg-type]
    store.delete(key)

    for read in (
        lambda: records.head(store, WRITER),
        lambda: list(records.numbers(store, WRITER)),
        lambda: records.last_committed(store, WRITER),
    ):
        with pytest.raises(DataError, match="missing") as caught:
            read()
        assert key in str(caught.value)


def test_a_missing_done_before_the_head_is_named_for_its_objects_would_come_again(store: Store, lake: Location) -> None:
    for each in (1, 2, 3):
        write(store, each, *WHOLE, objects=[])
    key = records.key(WRITER, 2, "done")
    store.delete(key)

    for read in (
        lambda: list(records.numbers(store, WRITER)),
        lambda: known_objects(lake, WRITER),
        lambda: project(lake, [WRITER]),
    ):
        with pytest.raises(DataError, match=f"'{key}' is missing"):
            read()


@pytest.mark.parametrize("number", [1, 2])
def test_a_number_missing_as_a_whole_is_named(store: Store, number: int) -> None:
    for each in (1, 2, 3):
        write(store, each, *WHOLE)
    for part in WHOLE:
        store.delete(records.key(WRITER, number, part))  # type: ignore[arg-type]

    with pytest.raises(DataError, match=f"'_ledger/{WRITER}/{number:010d}/plan.json' is missing"):
        records.head(store, WRITER)


def test_a_refusal_before_the_head_needs_no_done(store: Store) -> None:
    write(store, 1, "plan", "decision", kind="refusal", reasons=[])
    write(store, 2, "plan")

    assert [(record.closed, record.committed) for record in records.numbers(store, WRITER)] == [
        (True, False),
        (False, False),
    ]


class Passing(LocalStore):
    """A store whose listing was begun before the newest number was closed and the next planned."""

    def sizes(self, prefix: str = "", *, start_after: str = "") -> Any:
        """The listing without what came while it passed."""
        late = {records.key(WRITER, 1, "decision"), records.key(WRITER, 1, "done")}
        return (found for found in super().sizes(prefix, start_after=start_after) if found[0] not in late)


def test_what_came_while_a_listing_passed_is_not_called_missing(store: Store, lake: Location) -> None:
    write(store, 1, *WHOLE)
    write(store, 2, "plan")

    first, second = records.numbers(Passing(lake), WRITER)

    assert (first.committed, second.closed) == (True, False)


@pytest.mark.parametrize("parts", [("plan",), ("plan", "decision")])
def test_an_open_number_is_the_head_and_not_committed(store: Store, parts: tuple[str, ...]) -> None:
    write(store, 1, *WHOLE)
    write(store, 2, *parts)

    head = records.head(store, WRITER)
    assert head is not None
    assert (head.number, head.closed, head.committed, head.refused) == (2, False, False, False)
    assert records.last_versions(store, WRITER) == {"t": 1}


def test_the_ledger_is_readable_by_people(lake: Location, store: Store) -> None:
    run(lake, ToyStage(lake=lake, until=1))

    decision = json.loads(store.read("_ledger/source/toy/0000000001/decision.json")[0])
    assert (decision["format"], decision["kind"], decision["writer"], decision["number"]) == (1, "intent", WRITER, 1)


def test_a_voided_number_is_closed_and_refused_and_the_last_committed_is_one_before_it(store: Store) -> None:
    write(store, 1, *WHOLE)
    write(store, 2, "plan", "decision")
    records.write_part(store, WRITER, 2, "done", {"void": "given up", "run": "r", "at": "t"})
    head = records.head(store, WRITER)
    assert head is not None
    assert (head.closed, head.refused, head.committed, head.reasons, head.stops) == (
        True, True, False, ("given up",), False,
    )  # fmt: skip
    last = records.last_committed(store, WRITER)
    assert last is not None
    assert last.number == 1
    assert records.last_versions(store, WRITER) == {"t": 1}


def test_rebases_are_parts_of_their_number_read_in_order(store: Store) -> None:
    write(store, 1, "plan", "decision")
    for order, onto in enumerate((4, 6)):
        value = {"table": "t", "made": onto - 1, "onto": onto, "added_columns": ["c"], "run": "r", "at": "t"}
        assert put_rebase(store, WRITER, 1, order, value)
    assert put_rebase(store, WRITER, 1, 1, {"table": "t", "made": 0, "onto": 9, "added_columns": []}) is False
    found = rebases(store, WRITER, 1)
    assert [(one.made, one.onto) for one in found] == [(3, 4), (5, 6)]
    intent = {"tables": [{"table": "t", "base_version": 2, "added_columns": ["b", "c"]}, {"table": "u"}]}
    assert rebased(intent, found)["tables"] == [
        {"table": "t", "base_version": 6, "added_columns": ["c"]}, {"table": "u"},
    ]  # fmt: skip
    head = records.head(store, WRITER)
    assert head is not None
    assert not head.closed


def test_every_writer_with_a_number_is_found_and_a_lease_alone_makes_none(location: Location) -> None:
    store = open_store(location)
    for writer in ("source/b", "source/a", "model/a", "mart/a", "source/ab"):
        for number in range(1, 13):
            write(store, number, "plan", writer=writer)
    store.write("_ledger/source/idle/lease", b"{}")
    store.write("_ledger/source/idle/index/0000000001.parquet", b"")
    store.write("_ledger/runs/r.json", b"{}")
    assert records.writers(store) == ["mart/a", "model/a", "source/a", "source/ab", "source/b"]


def test_an_empty_part_is_named_from_the_listing_alone(store: Store) -> None:
    for number in (1, 2, 3):
        write(store, number, *WHOLE)
    store.write(records.key(WRITER, 1, "done"), b"")
    with pytest.raises(DataError, match=r"0000000001/done.json' is empty"):
        records.head(store, WRITER)


def test_a_missing_done_before_the_head_is_named_by_whoever_asks_for_the_head(store: Store) -> None:
    for number in (1, 2, 3):
        write(store, number, *WHOLE)
    store.delete(records.key(WRITER, 2, "done"))
    for ask in (records.head, records.last_committed, records.last_versions):
        with pytest.raises(DataError, match=r"0000000002/done.json' is missing"):
            ask(store, WRITER)
