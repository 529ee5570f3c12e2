"""The whole way of a mart: lake, staged files, COPY, the transaction, the loads table."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

ONE, TWO = date(2015, 1, 1), date(2015, 1, 2)


def test_a_first_publish_creates_loads_and_tells_the_same_rows_everywhere(mart):
    mart.publish = {"grant_select_to": ("analyst",), "distkey": "kind", "sortkey": ("day",)}
    mart.build({"2015-01-01": [("push", 3, Decimal("1.50")), ("fork", 1, None)], "2015-01-02": [("push", 5, Decimal("0.00"))]})

    record = mart.advance()

    assert record.done["slices"] == ["2015-01-01", "2015-01-02"]
    assert [record.done[name] for name in ("rows", "staged", "copied", "warehouse")] == [3, 3, 3, 3]
    assert mart.rows() == [(ONE, "fork", 1, None), (ONE, "push", 3, Decimal("1.50")), (TWO, "push", 5, Decimal("0.00"))]
    assert mart.loads() == [(1, '["2015-01-01", "2015-01-02"]', 0, 3)]
    assert mart.staged() == []


def test_a_second_publish_with_nothing_new_is_nothing_to_do(mart):
    mart.build({"2015-01-01": [("push", 3, None)]})
    mart.advance()

    assert mart.advance() is None


def test_only_the_slices_a_build_touched_are_replaced(mart):
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    mart.build({"2015-01-02": [("push", 6, None), ("fork", 1, None)]})

    record = mart.advance()

    assert record.done["slices"] == ["2015-01-02"]
    assert mart.rows() == [(ONE, "push", 3, None), (TWO, "fork", 1, None), (TWO, "push", 6, None)]
