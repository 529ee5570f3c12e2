"""The README's table of guarantees and the tests that prove them say the same; so do the protocol's rules and theirs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from promises import NOTE, PROMISES, PROVED_BY, STATES, proofs, proved_by, told

TESTS = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| (G\d+) \| (.+) \| (.+) \|$", re.MULTILINE)

RULES = {
    1: ("crash/test_together.py", "test_a_paused_compaction_that_wakes_cannot_commit"),
    2: ("unit/ledger/test_protocol.py", "test_a_plan_that_another_took_meanwhile_ends_the_turn"),
    3: ("unit/lake/test_write.py", "test_a_second_execution_never_writes_over_the_first"),
    4: ("unit/ingest/test_kinds.py", "test_an_etag_that_comes_again_is_taken_again"),
    5: ("unit/ingest/test_stage.py", "test_an_object_that_changed_under_its_plan_is_unread_and_comes_again"),
    6: (
        "unit/ingest/test_kinds.py",
        "test_a_loser_comes_back_when_its_winner_is_replaced_even_when_its_own_object_is_gone",
    ),
    7: (
        "unit/ingest/test_kinds.py",
        "test_a_damaged_replacement_leaves_the_old_rows_standing_and_the_next_one_takes_them_out",
    ),
    8: ("unit/pipeline/test_maintain.py", "test_orphans_of_closed_numbers_go_and_those_of_open_ones_stay"),
    9: ("crash/test_together.py", "test_an_upkeep_leaves_every_object_of_the_ledger"),
    10: ("unit/publish/test_load.py", "test_a_lost_connection_begins_again_at_copy_in_a_new_session"),
    11: ("spark/models/test_reading.py", "test_a_pinned_version_that_is_gone_is_planned_anew"),
    12: (
        "unit/ingest/test_stage.py",
        "test_a_batch_is_planned_anew_when_an_object_changes_between_its_two_passes",
    ),
    13: (
        "unit/ledger/test_protocol.py",
        "test_a_refusal_as_the_head_leaves_the_last_committed_versions_to_readers",
    ),
    14: ("unit/publish/test_load.py", "test_a_slice_without_rows_still_runs_the_transaction"),
    15: ("crash/test_together.py", "test_of_a_refused_batch_only_what_nobody_read_since_is_accepted"),
    16: ("unit/lake/test_outcomes.py", "test_a_commit_whose_answer_is_lost_is_done_once"),
    17: ("unit/publish/test_load.py", "test_the_number_is_read_again_behind_the_lock"),
    18: ("unit/lake/test_commit.py", "test_of_two_processes_that_race_for_one_version_one_wins"),
}
"""Of each rule of the write protocol, the test that goes through the schedule which breaks it when it is left out."""


def test_the_readme_names_for_each_promise_the_tests_that_prove_it() -> None:
    readme = (TESTS.parent / "README.md").read_text(encoding="utf-8")
    rows = {name: (words, re.findall(r"\(tests/([^)]+)\)", tests)) for name, words, tests in ROW.findall(readme)}

    assert {name: tuple(tests) for name, (_, tests) in rows.items()} == PROVED_BY
    assert all(rows[name][0].startswith(f"**{words}") for name, words in PROMISES.items())


@pytest.mark.parametrize("promise", PROMISES)
def test_what_proves_a_promise_is_there(promise: str) -> None:
    for place in PROVED_BY[promise]:
        files = [TESTS / place] if place.endswith(".py") else list((TESTS / place).glob("test_*.py"))
        assert files, place
        texts = [path.read_text(encoding="utf-8") for path in files]
        assert all("def test_" in text or ".TestCase" in text for text in texts), place


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_of_the_protocol_has_its_test(rule: int) -> None:
    place, name = RULES[rule]
    assert f"def {name}(" in (TESTS / place).read_text(encoding="utf-8")


def test_a_test_proves_what_its_file_or_folder_is_named_for() -> None:
    assert proved_by("tests/crash/test_matrix.py::test_anything[new-plan.write]") == {"G3", "G5"}
    assert proved_by("tests/unit/storage/test_s3.py::test_anything") == {"G6"}
    assert proved_by("tests/unit/storage/test_lease.py::test_anything") == {"G6", "G8"}
    assert proved_by("tests/unit/storage_of_another_kind/test_x.py::test_anything") == set()


def test_a_promise_is_told_with_what_became_of_its_tests_and_not_at_all_without_any() -> None:
    place = "tests/unit/storage/test_lease.py"
    found = proofs([(f"{place}::one", "passed"), (f"{place}::two", "failed"), (f"{place}::three", "passed")])

    assert [str(one) for one in found] == [
        "G6 Unknown is treated as unknown: 2 passed, 1 failed",
        "G8 One run at a time: 2 passed, 1 failed",
    ]


def test_the_pace_of_the_crash_matrix_is_told_over_all_tests_and_notes_as_they_are() -> None:
    given = [(STATES, [4, 2.0]), (NOTE, "what came up"), (STATES, [16, 8.0]), ("another", 1)]

    assert told(given) == ["what came up", "crash matrix: 20 states in 10 s, 120 a minute"]
    assert told([]) == []
