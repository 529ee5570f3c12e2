"""The promises of the README, and which tests prove each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PROMISES = {
    "G1": "Nothing vanishes",
    "G2": "Nothing twice",
    "G3": "All or nothing",
    "G4": "Mart equals lake",
    "G5": "The next run heals",
    "G6": "Unknown is treated as unknown",
    "G7": "Bad data is kept, explained, and given back",
    "G8": "One run at a time",
    "G9": "Late data land in their own day",
    "G10": "Same input, same output",
}

PROVED_BY = {
    "G1": (
        "e2e/test_records.py",
        "unit/ingest/test_stage.py",
        "unit/decode/test_golden.py",
        "unit/pipeline/test_state_machine.py",
        "unit/pipeline/test_state_machine_by_word.py",
        "unit/pipeline/test_store_faults.py",
        "unit/pipeline/test_tiny_objects.py",
    ),
    "G2": (
        "e2e/test_demo_project.py",
        "unit/ingest/test_keys.py",
        "unit/ledger/test_known.py",
        "crash/test_together.py",
    ),
    "G3": ("crash/test_matrix.py", "e2e/publish/test_faults.py", "e2e/test_failures.py"),
    "G4": ("e2e/test_demo_project.py", "e2e/publish/test_verify.py", "crash/test_killed_runs.py"),
    "G5": (
        "crash/test_matrix.py",
        "crash/test_killed_runs.py",
        "crash/test_signals.py",
        "unit/ledger/test_protocol.py",
        "e2e/storage/test_kill.py",
        "spark/pipeline/test_state_machine_with_models.py",
        "unit/pipeline/test_store_faults.py",
        "unit/pipeline/test_store_keys.py",
    ),
    "G6": (
        "unit/lake/test_outcomes.py",
        "unit/lake/test_commit.py",
        "unit/storage",
        "unit/publish/test_load.py",
        "unit/pipeline/test_store_faults.py",
    ),
    "G7": ("unit/ingest/test_evidence.py", "unit/ingest/test_kinds.py", "e2e/test_again.py"),
    "G8": ("unit/storage/test_lease.py", "crash/test_together.py", "e2e/cli/test_commands.py"),
    "G9": ("unit/models/test_slices.py", "unit/publish/test_due.py", "spark/models/test_build.py"),
    "G10": ("unit/ingest/test_packing.py", "unit/decode/test_properties.py", "unit/decode/test_native.py"),
}
"""Files and folders below tests/ whose tests prove a promise; the README's table names the same."""

STATES, NOTE = "crash states", "note"
"""Properties of a test: [states of the crash matrix, seconds], and something to be told at the end."""

OUTCOMES = ("passed", "failed", "error", "skipped")


@dataclass(frozen=True, slots=True)
class Proof:
    """How the tests of a promise ended."""

    promise: str
    outcomes: Mapping[str, int]

    def __str__(self) -> str:
        told = ", ".join(f"{self.outcomes[one]} {one}" for one in OUTCOMES if one in self.outcomes)
        return f"{self.promise} {PROMISES[self.promise]}: {told}"


def proved_by(nodeid: str) -> frozenset[str]:
    """The promises that a test proves, by its id: `tests/…::name`."""
    path = nodeid.partition("::")[0].removeprefix("tests/")
    return frozenset(
        promise
        for promise, places in PROVED_BY.items()
        if any(path == place or path.startswith(f"{place}/") for place in places)
    )


def proofs(ended: Iterable[tuple[str, str]]) -> list[Proof]:
    """One proof for each promise that any test is about, from the id and the outcome of each test."""
    counts: dict[str, Counter[str]] = {promise: Counter() for promise in PROMISES}
    for nodeid, outcome in ended:
        for promise in proved_by(nodeid):
            counts[promise][outcome] += 1
    return [Proof(promise, dict(count)) for promise, count in counts.items() if count]


def told(properties: Iterable[tuple[str, Any]]) -> list[str]:
    """The notes of all tests, and how many states the crash matrix went through and how fast."""
    given = list(properties)
    lines = [str(value) for name, value in given if name == NOTE]
    states = [value for name, value in given if name == STATES]
    if states:
        count, seconds = sum(one[0] for one in states), sum(one[1] for one in states)
        lines.append(f"crash matrix: {count} states in {seconds:.0f} s, {60 * count / seconds:.0f} a minute")
    return lines
