"""The promises of the README, and which tests prove each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    "G1": ("e2e/test_records.py", "unit/ingest/test_stage.py", "unit/decode"),
    "G2": ("e2e/test_demo_project.py", "e2e/test_records.py", "unit/ingest/test_keys.py", "unit/ledger/test_known.py"),
    "G3": ("e2e/publish/test_faults.py", "crash/test_matrix.py"),
    "G4": ("e2e/test_demo_project.py", "e2e/publish/test_verify.py"),
    "G5": ("crash/test_matrix.py", "crash/test_killed_runs.py", "e2e/storage/test_kill.py", "e2e/local"),
    "G6": ("unit/lake/test_commit.py", "unit/storage", "unit/publish/test_load.py"),
    "G7": ("e2e/test_records.py", "unit/ingest/test_evidence.py", "unit/ingest/test_kinds.py"),
    "G8": ("unit/storage/test_lease.py", "unit/ledger/test_protocol.py", "crash/test_together.py"),
    "G9": ("unit/models/test_slices.py", "unit/publish/test_due.py", "unit/pipeline/test_state_machine.py"),
    "G10": ("unit/ingest/test_keys.py", "unit/decode/test_properties.py", "unit/decode/test_native.py"),
}
"""Files and folders below tests/ whose tests prove a promise; the README's table names the same."""

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
