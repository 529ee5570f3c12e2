"""Leases: one run at work for a writer, and how the dead, the slow and the robbed are told apart."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from lakemart.errors import DataError, LockedError, TransientError
from lakemart.steps import arm, disarm
from lakemart.storage.lease import Holder, lease_key, leases, read_lease
from lakemart.storage.local import LocalStore
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TTL = 0.4
SLACK = 3.0
"""What a busy machine may add; whatever is wrong takes longer."""
WRITERS = ["source/a", "model/b", "mart/c"]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(Location(uri=str(tmp_path)))


@pytest.fixture(autouse=True)
def _no_fault_left() -> Iterator[None]:
    yield
    disarm()


def holder(name: str, ttl: float = TTL) -> Holder:
    return Holder(name=name, since="2026-01-01T00:00:00Z", ttl=ttl)


def holders(store: Store, writers: list[str]) -> list[str | None]:
    return [state.holder if (state := read_lease(store, writer)) else None for writer in writers]


def left_by_a_dead_run(store: Store, writers: list[str], ttl: float = TTL) -> None:
    """What a killed run leaves: leases that nobody renews."""
    with ExitStack() as stack:
        stack.enter_context(leases(store, writers, holder("dead", ttl)))
        found = {writer: store.read(lease_key(writer))[0] for writer in writers}
    for writer, data in found.items():
        store.write(lease_key(writer), data)


def interrupted(_: float) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "fault", ["lease.take:after:hang:2", "lease.release:before:hang:2", "lease.release:after:hang"]
)
def test_a_signal_while_leases_are_taken_or_freed_leaves_none_held(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr("lakemart.steps.time", SimpleNamespace(sleep=interrupted))
    arm(fault)

    with pytest.raises(KeyboardInterrupt), leases(store, WRITERS, holder("run 1")):
        pass

    assert set(holders(store, WRITERS)) == {None}


def test_a_signal_while_the_renewing_thread_ends_leaves_no_lease_held(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    join, calls = threading.Thread.join, iter((True,))

    def once(self: threading.Thread, timeout: float | None = None) -> None:
        if next(calls, False):
            raise KeyboardInterrupt
        join(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", once)
    with pytest.raises(KeyboardInterrupt), leases(store, WRITERS, holder("run 1")):
        pass

    assert set(holders(store, WRITERS)) == {None}


@pytest.mark.parametrize("location", ["local", "s3"], indirect=True)
def test_leases_are_held_for_the_body_and_free_after_it(location: Location) -> None:
    store = open_store(location)

    with leases(store, WRITERS, holder("run 1")):
        assert holders(store, WRITERS) == ["run 1"] * 3
    assert holders(store, WRITERS) == [None] * 3
    with leases(store, WRITERS, holder("run 2")):
        assert holders(store, WRITERS) == ["run 2"] * 3


def test_a_body_that_fails_frees_its_leases_and_its_error_is_the_one_told(store: LocalStore) -> None:
    with pytest.raises(DataError, match="the body's"), leases(store, WRITERS, holder("run 1")):
        raise DataError("the body's")

    assert holders(store, WRITERS) == [None] * 3


def test_a_release_that_fails_hides_no_error_and_leaves_the_other_leases_free(
    store: LocalStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalStore.put_if_match

    def failing(self: LocalStore, key: str, data: bytes, etag: str) -> bool:
        if b'"holder": null' in data and "source/a" in key:
            raise TransientError("the store is down")
        return put(self, key, data, etag)

    monkeypatch.setattr(LocalStore, "put_if_match", failing)

    with pytest.raises(DataError, match="the body's"), leases(store, WRITERS, holder("run 1")):
        raise DataError("the body's")

    assert holders(store, WRITERS) == ["run 1", None, None]


def test_a_live_owner_is_told_by_name_well_within_its_time_to_live(store: LocalStore) -> None:
    with leases(store, WRITERS, holder("run 1 of ann on host", ttl=5 * TTL)):
        began = time.monotonic()
        with (
            pytest.raises(LockedError, match=r"source/a is held by run 1 of ann on host since 2026") as caught,
            leases(store, WRITERS, holder("run 2")),
        ):
            pass

    assert time.monotonic() - began < 5 * TTL
    assert caught.value.exit_code == 4
    assert "--wait" in caught.value.next_step


def test_whoever_is_turned_away_leaves_the_owners_leases_as_they_are(store: LocalStore) -> None:
    with leases(store, ["model/b"], holder("run 1")):
        with pytest.raises(LockedError), leases(store, WRITERS, holder("run 2")):
            pass

        assert holders(store, WRITERS) == [None, "run 1", None]


def test_a_dead_owners_leases_are_all_taken_over_after_one_time_to_live(store: LocalStore) -> None:
    left_by_a_dead_run(store, WRITERS)
    began = time.monotonic()

    with leases(store, WRITERS, holder("run 2")):
        waited = time.monotonic() - began

        assert holders(store, WRITERS) == ["run 2"] * 3
    assert TTL <= waited < TTL + SLACK


def test_the_time_to_live_that_counts_is_the_one_the_owner_promised(store: LocalStore) -> None:
    left_by_a_dead_run(store, ["a"], ttl=TTL)
    began = time.monotonic()

    with leases(store, ["a"], holder("run 2", ttl=60)):
        assert time.monotonic() - began < TTL + SLACK


def test_a_clock_that_is_wrong_takes_nothing_over(store: LocalStore) -> None:
    past = Holder(name="run 1", since="1970-01-01T00:00:00Z", ttl=TTL)
    future = Holder(name="run 2", since="2999-01-01T00:00:00Z", ttl=TTL)

    with leases(store, ["a"], past), pytest.raises(LockedError), leases(store, ["a"], future):
        pass


@pytest.mark.parametrize("wait", [5.0, None])
def test_waiting_goes_on_until_the_owner_is_done(store: LocalStore, wait: float | None) -> None:
    took = threading.Event()
    order: list[str] = []

    def first() -> None:
        with leases(store, WRITERS, holder("run 1")):
            took.set()
            time.sleep(1.5 * TTL)
            order.append("run 1 ends")

    thread = threading.Thread(target=first)
    thread.start()
    took.wait()
    with leases(store, WRITERS, holder("run 2"), wait=wait):
        order.append("run 2 begins")
    thread.join()

    assert order == ["run 1 ends", "run 2 begins"]


def test_waiting_ends_when_its_time_is_up(store: LocalStore) -> None:
    with leases(store, ["a"], holder("run 1")):
        began = time.monotonic()
        with pytest.raises(LockedError), leases(store, ["a"], holder("run 2"), wait=0.3):
            pass

    assert 0.3 <= time.monotonic() - began < 0.3 + TTL + SLACK


def renewals(store: Store, writer: str, count: int) -> bool:
    """Whether the lease changes so many times while somebody holds it."""
    seen: set[str] = set()
    until = time.monotonic() + SLACK
    while len(seen) <= count and time.monotonic() < until:
        if (state := read_lease(store, writer)) is not None and state.holder is not None:
            seen.add(state.etag)
        time.sleep(0.01)
    return len(seen) > count


def test_a_lease_is_renewed_for_as_long_as_the_work_takes(store: LocalStore) -> None:
    with leases(store, ["a"], holder("run 1", ttl=0.2)):
        assert renewals(store, "a", 6)
        assert holders(store, ["a"]) == ["run 1"]


def test_leases_taken_are_renewed_while_others_are_waited_for(store: LocalStore) -> None:
    with leases(store, ["b"], holder("run 1", ttl=60)):
        waiting = threading.Thread(target=_take_briefly, args=(store, ["a", "b"], holder("run 2", ttl=0.2)))
        waiting.start()

        assert renewals(store, "a", 4)
    waiting.join()


def _take_briefly(store: Store, writers: list[str], by: Holder) -> None:
    with leases(store, writers, by, wait=None):
        pass


@pytest.mark.parametrize("fault", ["lease.renew:after:lose", "lease.renew:before:lose"])
def test_a_renewal_whose_answer_is_lost_goes_on_renewing(store: LocalStore, fault: str) -> None:
    with leases(store, ["a"], holder("run 1", ttl=0.2)):
        arm(fault)

        assert renewals(store, "a", 5)
        assert holders(store, ["a"]) == ["run 1"]


def test_a_stolen_lease_is_neither_renewed_nor_released_by_whom_it_was_stolen_from(store: LocalStore) -> None:
    with leases(store, ["a", "b"], holder("run 1", ttl=0.2)):
        store.write(lease_key("a"), store.read(lease_key("a"))[0].replace(b"run 1", b"thief"))
        stolen = store.read(lease_key("a"))
        time.sleep(0.3)

        assert store.read(lease_key("a")) == stolen
        assert holders(store, ["b"]) == ["run 1"]
    assert store.read(lease_key("a")) == stolen
    assert holders(store, ["a", "b"]) == ["thief", None]


def test_of_several_runs_that_start_together_one_works_and_none_gets_a_part(store: LocalStore) -> None:
    gate = threading.Barrier(4)
    outcomes: list[str] = []

    def one(name: str) -> None:
        gate.wait()
        try:
            with leases(store, WRITERS, holder(name, ttl=2 * TTL)):
                held = holders(store, WRITERS)
                time.sleep(3 * TTL)  # longer than the others watch
                outcomes.append("worked" if held == [name] * 3 == holders(store, WRITERS) else "split")
        except LockedError:
            outcomes.append("locked")

    threads = [threading.Thread(target=one, args=(f"run {index}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["locked", "locked", "locked", "worked"]


def test_of_several_runs_that_watch_the_same_dead_owner_one_takes_over(store: LocalStore) -> None:
    left_by_a_dead_run(store, WRITERS)

    test_of_several_runs_that_start_together_one_works_and_none_gets_a_part(store)


def test_a_killed_runs_leases_are_taken_over(store: LocalStore, tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    with child, child.stdout:
        child.stdout.readline()
        with pytest.raises(LockedError, match="held by child"), leases(store, WRITERS, holder("too early")):
            pass
        os.kill(child.pid, signal.SIGKILL)

    with leases(store, WRITERS, holder("run 2")):
        assert holders(store, WRITERS) == ["run 2"] * 3


OWNER = f"""
import sys, time
from lakemart.storage.lease import Holder, leases
from lakemart.storage.local import LocalStore
from lakemart.storage.store import Location
with leases(LocalStore(Location(uri=sys.argv[1])), {WRITERS!r}, Holder(name="child", since="", ttl={TTL})):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"holder": null}'])
def test_a_torn_lease_is_named(store: LocalStore, data: bytes) -> None:
    store.write(lease_key("a"), data)

    with pytest.raises(DataError, match=r"'_ledger/a/lease' is torn or empty"), leases(store, ["a"], holder("run 1")):
        pass


@pytest.mark.parametrize(
    "fault", ["lease.take:before:lose", "lease.take:after:lose", "lease.take:after:raise", "lease.release:before:lose"]
)
def test_after_a_fault_at_a_lease_the_next_run_takes_it_within_its_time_to_live(store: LocalStore, fault: str) -> None:
    arm(fault)
    try:
        with leases(store, WRITERS, holder("run 1")):
            pass
    except (TransientError, RuntimeError):
        pass
    disarm()
    began = time.monotonic()

    with leases(store, WRITERS, holder("run 2")):
        assert holders(store, WRITERS) == ["run 2"] * 3
    assert time.monotonic() - began < TTL + SLACK


def test_no_thread_is_left_behind(store: LocalStore) -> None:
    with leases(store, WRITERS, holder("run 1")):
        assert "leases" in [thread.name for thread in threading.enumerate()]
    with pytest.raises(LockedError), leases(store, ["a"], holder("x")), leases(store, ["a"], holder("y")):
        pass

    assert "leases" not in [thread.name for thread in threading.enumerate()]
