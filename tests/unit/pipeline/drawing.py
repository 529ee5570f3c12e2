"""What the stories of the state machine are drawn from."""

from __future__ import annotations

from hypothesis import strategies as st

from unit.pipeline.running import DAYS

Triples = list[tuple[str, str, str]]
"""Records: an id, a day, and a value as JSON text."""

STEPS = (
    *("lease.take", "plan.write", "ingest.files", "compact.files", "decision.write", "lake.commit", "done.write"),
    *("ledger.project", "lease.release"),
)
OLD = "old/"
"""Keys that begin so lie in a date that is closed from the first batch on, where the source has dates."""

LATE_NAMES = (f"{OLD}a", f"{OLD}b")
NAMES = ("a", "b", "c", *LATE_NAMES)
KEYS = st.sampled_from(NAMES)
ACTS = st.sampled_from(
    [
        *([("run",)] * 6),
        *([("replay",), ("backfill", DAYS[0], DAYS[2]), ("maintain", "at once")] * 2),
        *(("accept", name) for name in NAMES),
    ]
)
LINES = st.lists(
    st.tuples(
        st.sampled_from("1234"),
        st.sampled_from(DAYS),
        st.sampled_from(["1", "2", "3", "4", "5", "6", '"7"', '"none"']),  # most are good, some when leniently read
    ),
    min_size=2,
    max_size=6,
)
OBJECTS = st.lists(st.tuples(KEYS, LINES), min_size=1, max_size=3)
MOSTLY = st.sampled_from([True, True, False])
FAULTS = st.tuples(st.sampled_from(STEPS), st.sampled_from(["before", "after"]), st.sampled_from([1, 1, 1, 2, 3]))
