"""Leases of writers: objects taken with a conditional put. A courtesy that spares double work, not the safety.

Nobody compares clocks: whoever finds a standing lease watches it on its own monotonic clock for one time-to-live and
takes it over only if it was not renewed meanwhile. Release writes "free" and never deletes.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from lakemart.errors import ConfigError, DataError, LakemartError, LockedError
from lakemart.steps import step
from lakemart.storage.store import ForbiddenObjectError, MissingObjectError, Store, UnusableKmsKeyError

_RENEWALS = 4
"""A lease is renewed this many times within its time-to-live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who takes leases: a run and where it runs, since when, and the time-to-live in seconds it promises to renew in."""

    name: str
    since: str
    ttl: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseState:
    """What a lease object says; `holder` is None when it is free. `etag` changes with every renewal."""

    holder: str | None
    since: str
    ttl: float
    etag: str


def lease_key(writer: str) -> str:
    """Where the lease of a writer lies."""
    return f"_ledger/{writer}/lease"


def read_lease(store: Store, writer: str) -> LeaseState | None:
    """What the writer's lease says now; None when nobody ever took it.

    Raises DataError when it is torn or empty, ConfigError when it may not be read.
    """
    try:
        data, etag = store.read(lease_key(writer))
    except MissingObjectError:
        return None
    except UnusableKmsKeyError:
        raise
    except ForbiddenObjectError as error:  # of the lake's own, and asked for first: nothing would go, now or later
        raise ConfigError(error.what, where=error.where, next_step=error.next_step) from error
    try:
        value = json.loads(data)
        return LeaseState(holder=value["holder"], since=value["since"], ttl=value["ttl"], etag=etag)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"the lease {lease_key(writer)!r} is torn or empty",
            where=f"writer {writer}",
            next_step="Delete it when no run is at work.",
        ) from error


@contextmanager
def leases(store: Store, writers: Sequence[str], holder: Holder, *, wait: float | None = 0.0) -> Iterator[None]:
    """Holds the leases of all `writers` while the body runs, renewed by a thread; frees them at the end.

    They are taken in the order given, so that of two runs with the same order one gets all. A lease that is seen
    renewed by a live owner raises LockedError with its holder, after waiting `wait` seconds for it (None: without
    end). A dead owner's leases are all watched together and taken over after one time-to-live.
    """
    taken: dict[str, str] = {}
    stop = threading.Event()
    renewer = threading.Thread(target=_renew, args=(store, taken, holder, stop), name="leases", daemon=True)
    renewer.start()  # first, for those taken are to be kept while the others are waited for
    try:
        _take_all(store, writers, holder, wait, taken)
        yield
    finally:
        stop.set()
        _free(store, writers, holder, renewer)


def _free(store: Store, writers: Sequence[str], holder: Holder, renewer: threading.Thread) -> None:
    """Frees every lease that is ours, also when a signal comes in between: what it broke off is done again.

    Those taken are not all known: a signal may have come between the put of a lease and its being noted.
    """
    try:
        renewer.join()
        for writer in writers:
            with suppress(LakemartError, OSError):  # a lease not freed is taken over after its time
                _release(store, writer, holder)
    except KeyboardInterrupt:
        _free(store, writers, holder, renewer)
        raise


def _take_all(store: Store, writers: Sequence[str], holder: Holder, wait: float | None, taken: dict[str, str]) -> None:
    """Fills `taken` with the etag of each lease taken."""
    deadline = None if wait is None else time.monotonic() + wait
    seen = {writer: (state.etag, time.monotonic()) for writer in writers if (state := read_lease(store, writer))}
    for writer in writers:
        while True:
            state = read_lease(store, writer)
            free = state is None or state.holder is None
            if state is not None and not free:
                etag, since = seen.get(writer, ("", 0.0))
                if etag and etag != state.etag and deadline is not None and time.monotonic() >= deadline:
                    raise _busy(writer, state)
                if etag != state.etag:
                    seen[writer] = (state.etag, time.monotonic())
                free = etag == state.etag and time.monotonic() - since >= state.ttl
            mine = _try_take(store, writer, holder, state) if free else None
            if mine is not None:
                taken[writer] = mine
                break
            if state is not None and not free:
                time.sleep(min(state.ttl / _RENEWALS / 2, 1.0))


def _try_take(store: Store, writer: str, holder: Holder, state: LeaseState | None) -> str | None:
    data = _text(holder)
    with step("lease.take"):
        if state is None:
            mine = store.put_if_absent(lease_key(writer), data)
        else:
            mine = store.put_if_match(lease_key(writer), data, state.etag)
    current = read_lease(store, writer)
    return current.etag if mine and current is not None and current.holder == holder.name else None


def _busy(writer: str, state: LeaseState) -> LockedError:
    return LockedError(
        f"{writer} is held by {state.holder} since {state.since}",
        where=f"writer {writer}",
        next_step="Wait until that run ends, or run with --wait.",
    )


def _renew(store: Store, taken: dict[str, str], holder: Holder, stop: threading.Event) -> None:
    """Rewrites each lease while it is ours. A lost lease ends its renewing; numbers keep the loser harmless."""
    lost: set[str] = set()
    while not stop.wait(holder.ttl / _RENEWALS):
        for writer in set(taken) - lost:
            try:
                with step("lease.renew"):
                    store.put_if_match(lease_key(writer), _text(holder), taken[writer])
                state = read_lease(store, writer)
            except (LakemartError, OSError):
                continue  # the store failed; the next renewal tries again, and a take-over does no harm
            if state is not None and state.holder == holder.name:
                taken[writer] = state.etag  # also of a renewal whose answer was lost
            else:
                lost.add(writer)


def _release(store: Store, writer: str, holder: Holder) -> None:
    state = read_lease(store, writer)
    if state is not None and state.holder == holder.name:
        with step("lease.release"):
            store.put_if_match(lease_key(writer), _text(holder, free=True), state.etag)


def _text(holder: Holder, *, free: bool = False) -> bytes:
    value: dict[str, Any] = {"holder": None if free else holder.name, "since": holder.since, "ttl": holder.ttl}
    return json.dumps({**value, "write": uuid.uuid4().hex}).encode()  # unique, so that a lost answer can be read back
