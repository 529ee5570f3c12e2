"""The protocol, written once: plan, work, decide, commit, done. Stages hand it their plan, work and commit.

Put-if-absent alone makes it safe, whatever crashes, pauses or wakes; a lease only spares double work. One call of
`advance` finishes the writer's open number, or plans and does the next one.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Protocol

from lakemart.errors import LockedError
from lakemart.ledger import records
from lakemart.ledger.rebase import rebased, rebases
from lakemart.ledger.records import Json, Record
from lakemart.steps import step
from lakemart.storage.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A decision for: everything that will be committed, frozen."""

    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A decision against: `reasons` for people; the inputs return to be planned again. `payload` holds the counts.

    `stops` tells a gate that stopped bad data (exit 3) from a plan whose inputs are no longer there (planned anew).
    """

    reasons: tuple[str, ...]
    payload: Json
    stops: bool = True


class Stage(Protocol):
    """What a stage tells the protocol. Every method may be called again after a crash, by this process or another."""

    @property
    def writer(self) -> str:
        """Whose numbers these are: `source/…`, `model/…` or `mart/…`."""
        ...

    def plan(self, number: int, last: Record | None) -> Json | None:
        """What goes into `number`, to be frozen; None when there is nothing to do. `last` is the head, closed."""
        ...

    def work(self, number: int, plan: Json) -> Intent | Refusal:
        """Does the work of a plan and weighs it. Writes only files under names used once, which nobody sees."""
        ...

    def commit(self, number: int, plan: Json, intent: Json) -> Json:
        """Makes an intent visible; finds out by itself how much of it is done already. Returns what `done` says."""
        ...


def advance(store: Store, stage: Stage, *, run: str, at: str) -> Record | None:
    """Finishes the open number of the stage's writer or does the next; returns it closed, None with nothing to do.

    `run` and `at` go into the records for people. Raises LockedError when another run took the number meanwhile.
    """
    found = records.head(store, stage.writer)
    if found is None or found.closed:
        number = 1 if found is None else found.number + 1
        payload = stage.plan(number, found)
        if payload is None:
            return None
        _write_plan(store, stage.writer, number, {**payload, "run": run, "at": at})
        found = _known(store, stage.writer, number)
    number = found.number
    if found.decision is None:
        _decide(store, stage, found, {"run": run, "at": at})
        found = _known(store, stage.writer, number)
    if found.decision is not None and not found.closed:
        outcome = _commit(store, stage, found, found.decision)
        with step("done.write"):
            records.write_part(store, stage.writer, number, "done", {**outcome, "run": run, "at": at})
        found = _known(store, stage.writer, number)
    return found


def _write_plan(store: Store, writer: str, number: int, payload: Json) -> None:
    """A plan taken by another is the end of this run's turn: its inputs were chosen from a head that has moved."""
    with step("plan.write"):
        mine = records.write_part(store, writer, number, "plan", {**payload, "execution": uuid.uuid4().hex})
    if not mine:
        raise LockedError(
            f"another run has planned number {number} of {writer}",
            where=f"writer {writer}",
            next_step="Wait for it, or run again.",
        )


def _decide(store: Store, stage: Stage, record: Record, by: Json) -> None:
    """Does the work and puts the decision if there is none; a decision that is there already is adopted."""
    decision = stage.work(record.number, record.plan)
    value: Json = {**decision.payload, "kind": "intent"}
    if isinstance(decision, Refusal):
        value = {**decision.payload, "kind": "refusal", "reasons": list(decision.reasons), "stops": decision.stops}
    with step("decision.write"):
        records.write_part(
            store, stage.writer, record.number, "decision", {**value, **by, "execution": uuid.uuid4().hex}
        )


def _commit(store: Store, stage: Stage, record: Record, intent: Json) -> Json:
    """Commits against the versions of the intent and its rebases, and says so in what `done` holds.

    A rebase that came meanwhile may be what the number was committed by, elsewhere: only with it are the versions right.
    """
    if "tables" not in intent:
        return stage.commit(record.number, record.plan, intent)
    found = rebases(store, stage.writer, record.number)
    while True:
        outcome = stage.commit(record.number, record.plan, rebased(intent, found))
        now = rebases(store, stage.writer, record.number)
        if now == found:
            return {**outcome, "rebased": [one.as_json() for one in found]} if found else outcome
        found = now


def _known(store: Store, writer: str, number: int) -> Record:
    record = records.head(store, writer)
    if record is not None and record.number == number:
        return record
    raise LockedError(f"number {number} of {writer} is not the head of the ledger any more", where=f"writer {writer}")
