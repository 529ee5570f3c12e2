"""Verify computes one fingerprint on both sides: equal after a publish, and telling apart whatever was touched."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from e2e.publish.lab import EVERY_TYPE, Mart, Wire, every_type_row
from lakemart.publish.verify import MartVerdict, verify_mart


def verified(mart: Mart) -> MartVerdict:
    return verify_mart(mart.model, project="demo", lake=mart.lake, warehouse=lambda: mart.warehouse, run="r", user="u")


@pytest.fixture
def published(mart: Mart) -> Mart:
    mart.build({"2015-01-01": [("push", 3, Decimal("1.50")), ("fork", 1, None)], None: [("pull", 5, Decimal("-0.01"))]})
    mart.advance()
    return mart


def test_a_published_mart_equals_the_lake(published: Mart) -> None:
    verdict = verified(published)

    assert verdict.findings == ()
    assert verdict.rows == 3


@pytest.mark.parametrize(
    ("sql", "slice_text", "part"),
    [
        ("UPDATE {} SET events = 4 WHERE kind = 'push'", "2015-01-01", "events.sum"),
        ("UPDATE {} SET kind = 'porked' WHERE kind = 'fork'", "2015-01-01", "key_hash"),
        ("UPDATE {} SET amount = NULL WHERE kind = 'pull'", None, "amount.count"),
        ("DELETE FROM {} WHERE day IS NULL", None, "rows"),
        ("INSERT INTO {} VALUES ('2015-01-09', 'push', 1, 1)", "2015-01-09", "rows"),
    ],
)
def test_a_change_in_the_warehouse_is_shown_in_its_slice(published: Mart, sql: Any, slice_text: Any, part: Any) -> None:
    with Wire(published.server) as wire:
        wire.run(sql.format(published.table))

    (drift,) = verified(published).drift

    assert drift.slice == slice_text
    assert part in drift.differing


def test_every_type_has_the_same_fingerprint_on_both_sides(mart: Mart) -> None:
    mart.columns = dict(EVERY_TYPE)
    mart.key = ()
    mart.build({"2015-01-01": [every_type_row(i) for i in range(4)] + [(None,) * (len(EVERY_TYPE) - 1)]})
    mart.advance()

    assert verified(mart).findings == ()


def test_a_table_that_is_gone_is_a_finding(published: Mart) -> None:
    with Wire(published.server) as wire:
        wire.run(f"DROP TABLE {published.table}")

    assert verified(published).findings == (f"the warehouse has no table {published.table}",)


def test_a_mart_never_published_has_nothing_to_compare(mart: Mart) -> None:
    assert verified(mart).findings == ()
