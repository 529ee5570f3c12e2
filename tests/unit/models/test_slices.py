from __future__ import annotations

import pytest

from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.models.slices import InputState, Restriction, due_slices, in_order, slice_kind, slices_read

DAYS = frozenset({"2015-01-01", "2015-01-02", "2015-01-03", "2015-01-05"})


def days(*numbers: int) -> frozenset[str | None]:
    return frozenset(f"2015-01-{number:02d}" for number in numbers)


def an_input(**options: object) -> InputState:
    return InputState(**{"name": "events", "sliced": True, "known": DAYS, **options})  # type: ignore[arg-type]


def test_a_first_build_takes_every_slice_of_inputs_and_of_the_table_itself() -> None:
    due = due_slices([an_input()], ["2014-12-31"], "date", everything=True)

    assert due == DAYS | {"2014-12-31"}


def test_only_touched_slices_are_due_of_whatever_input() -> None:
    inputs = [an_input(changed=True, touched=days(2)), an_input(name="other", changed=True, touched=frozenset({None}))]

    assert due_slices(inputs, DAYS, "date", everything=False) == {"2015-01-02", None}


def test_a_touched_slice_is_due_though_it_is_there_no_more() -> None:
    assert due_slices([an_input(touched=days(9))], [], "date", everything=False) == days(9)


def test_later_slices_that_look_back_are_due_if_they_are_there() -> None:
    due = due_slices([an_input(lookback=2, touched=days(3))], [], "date", everything=False)

    assert due == days(3, 5)


def test_a_change_of_an_input_read_whole_makes_every_slice_due() -> None:
    whole = InputState(name="countries", sliced=False, changed=True)

    assert due_slices([an_input(), whole], [], "date", everything=False) == DAYS


def test_an_unchanged_input_read_whole_makes_nothing_due() -> None:
    assert (
        due_slices([an_input(), InputState(name="countries", sliced=False)], [], "date", everything=False)
        == frozenset()
    )


def test_what_a_restricted_run_left_stays_due() -> None:
    assert due_slices([an_input()], [], "date", everything=False, left=["2015-01-01"]) == days(1)


def test_slices_read_reach_back_by_calendar_over_gaps_and_ends_of_months() -> None:
    assert slices_read(["2015-03-01"], 2, "date", DAYS) == {"2015-02-27", "2015-02-28", "2015-03-01"}


def test_integers_have_neighbours_by_arithmetic_and_texts_by_order() -> None:
    assert slices_read(["10"], 1, "integer", []) == {"9", "10"}
    assert slices_read(["c"], 2, "text", ["a", "b", "bb", "c", "d"]) == {"b", "bb", "c"}
    assert due_slices(
        [an_input(known=frozenset("abcd"), lookback=1, touched=frozenset("b"))], [], "text", everything=False
    ) == {"b", "c"}


def test_the_null_slice_has_no_neighbours() -> None:
    assert slices_read([None], 3, "date", DAYS) == {None}


def test_slices_are_ordered_by_value_null_first() -> None:
    assert in_order(["10", "9", None], "integer") == [None, "9", "10"]


def test_a_restriction_includes_both_ends_and_no_null() -> None:
    bounds = Restriction(first="2015-01-02", last="2015-01-03")

    assert [day for day in sorted(DAYS) if bounds.admits(day, "date")] == ["2015-01-02", "2015-01-03"]
    assert not bounds.admits(None, "date")
    assert Restriction().admits(None, "date")


def test_a_bound_that_is_no_slice_is_refused() -> None:
    with pytest.raises(ConfigError, match="'monday' is not a slice of kind date"):
        Restriction(first="monday").admits("2015-01-01", "date")


def test_slices_cannot_be_doubles() -> None:
    assert slice_kind(ColumnType.parse("varchar(7)")) == "text"
    with pytest.raises(ConfigError, match="cannot be of type double"):
        slice_kind(ColumnType.parse("double"))
