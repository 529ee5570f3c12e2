"""The whole way of a mart: lake, staged files, COPY, the transaction, the loads table."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from e2e.publish.lab import AT, EVERY_TYPE, Mart, Wire, every_type_row
from lakemart.ledger.protocol import advance
from lakemart.storage.opening import open_store

ONE, TWO = date(2015, 1, 1), date(2015, 1, 2)


def test_a_first_publish_creates_loads_and_tells_the_same_rows_everywhere(mart: Mart) -> None:
    mart.publish = {"grant_select_to": ("analyst",), "distkey": "kind", "sortkey": ("day",)}
    mart.build(
        {"2015-01-01": [("push", 3, Decimal("1.50")), ("fork", 1, None)], "2015-01-02": [("push", 5, Decimal("0.00"))]}
    )

    record = mart.advance()

    assert record.done["slices"] == ["2015-01-01", "2015-01-02"]
    assert [record.done[name] for name in ("rows", "staged", "copied", "warehouse")] == [3, 3, 3, 3]
    assert mart.rows() == [(ONE, "fork", 1, None), (ONE, "push", 3, Decimal("1.50")), (TWO, "push", 5, Decimal("0.00"))]
    assert mart.loads() == [(1, '["2015-01-01", "2015-01-02"]', 0, 3)]
    assert mart.staged() == []


def test_a_second_publish_with_nothing_new_is_nothing_to_do(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)]})
    mart.advance()

    assert mart.advance() is None


def test_only_the_slices_a_build_touched_are_replaced(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    mart.build({"2015-01-02": [("push", 6, None), ("fork", 1, None)]})

    record = mart.advance()

    assert record.done["slices"] == ["2015-01-02"]
    assert mart.rows() == [(ONE, "push", 3, None), (TWO, "fork", 1, None), (TWO, "push", 6, None)]


def test_an_emptied_slice_is_emptied_in_the_warehouse(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    mart.build({"2015-01-02": []})

    record = mart.advance()

    assert (record.done["slices"], record.done["staged"], record.done["warehouse"]) == (["2015-01-02"], 0, 0)
    assert mart.rows() == [(ONE, "push", 3, None)]
    assert mart.loads()[-1] == (2, '["2015-01-02"]', 1, 0)


def test_the_null_slice_is_replaced_like_any_other(mart: Mart) -> None:
    mart.build({None: [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    mart.build({None: [("push", 4, None)]})

    mart.advance()

    assert mart.rows() == [(None, "push", 4, None), (TWO, "push", 5, None)]


def test_a_mart_without_slices_is_replaced_as_a_whole_and_its_settings_touch_no_row(mart: Mart) -> None:
    mart.slice = None
    mart.build({None: [(ONE, "push", 3, None), (TWO, "push", 5, None)]})
    mart.advance()
    mart.build({None: [(TWO, "fork", 6, None)]})
    mart.advance()
    mart.publish = {"grant_select_to": ("analyst",)}

    record = mart.advance()

    assert record.done["staged"] == 0
    assert mart.rows() == [(TWO, "fork", 6, None)]
    assert mart.advance() is None


def test_every_type_comes_back_as_it_went_in(mart: Mart) -> None:
    mart.columns = dict(EVERY_TYPE)
    mart.key = ()
    rows = [every_type_row(i) for i in range(4)]
    mart.build({"2015-01-01": rows})

    mart.advance()

    found = {row[2]: row for row in mart.rows()}
    for row in rows:
        there = found[row[1]][1:]
        assert there[:9] == row[:9]
        assert there[9] == row[9].replace(tzinfo=None)
        assert there[10] == row[10]
        assert there[11] == row[11]
        assert json.loads(there[12]) == json.loads(row[12])
        assert json.loads(there[13]) == row[13]


def test_a_text_too_long_refuses_the_number_and_goes_through_when_mended(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)]})
    mart.advance()
    mart.build({"2015-01-01": [("a kind too long", 3, None), ("push", 1, None)]})

    refused = mart.advance()

    assert refused.refused
    assert refused.decision["stops"]
    (reason,) = refused.decision["reasons"]
    assert "1 values of more than 8 bytes, the longest of 15 bytes, 'a kind too long'" in reason
    assert mart.rows() == [(ONE, "push", 3, None)]
    assert mart.staged() == []

    with Wire(mart.server) as wire:
        wire.run(f"ALTER TABLE {mart.table} ALTER COLUMN kind TYPE varchar(15)")
    mended = mart.advance()

    assert mended.number == 3
    assert len(mart.rows()) == 2


def test_a_column_the_table_lacks_refuses_the_number_with_its_ddl(mart: Mart) -> None:
    with Wire(mart.server) as wire:
        wire.run(f"CREATE SCHEMA {mart.schema}")
        wire.run(f"CREATE TABLE {mart.table} (kind varchar(8), day date, events bigint)")
    mart.build({"2015-01-01": [("push", 3, None)]})

    refused = mart.advance()

    (reason,) = refused.decision["reasons"]
    ddl = reason.partition(": ")[2]
    with Wire(mart.server) as wire:
        wire.run(ddl)
    assert mart.advance().done["warehouse"] == 1
    assert mart.rows() == [(ONE, "push", 3, None)]


def test_grants_and_comments_are_there_and_survive_publishes(mart: Mart) -> None:
    mart.publish = {"grant_select_to": ("analyst",)}
    mart.descriptions = {"": "Events a day; it's counted", "day": "UTC date"}
    mart.build({"2015-01-01": [("push", 3, None)]})
    mart.advance()
    query = (
        "SELECT has_table_privilege('analyst', c.oid, 'SELECT'), has_schema_privilege('analyst', n.oid, 'USAGE'), d.objsubid, d.description"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_description d ON d.objoid = c.oid"
        " WHERE n.nspname = %s AND c.relname = 'activity' ORDER BY d.objsubid"
    )
    with Wire(mart.server) as wire:
        before = wire.run(query, mart.schema)
    mart.build({"2015-01-01": [("push", 4, None)]})

    mart.advance()

    with Wire(mart.server) as wire:
        assert wire.run(query, mart.schema) == before
    assert before == [(True, True, 0, "Events a day; it's counted"), (True, True, 1, "UTC date")]


def test_a_mart_that_was_dropped_is_published_whole_when_a_slice_of_it_is_due(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    with Wire(mart.server) as wire:
        wire.run(f"DROP TABLE {mart.table}")
    mart.build({"2015-01-02": [("push", 6, None)]})

    refused, record = mart.advance(), mart.advance()

    assert (refused.refused, refused.stops) == (True, False)
    assert refused.reasons == (f"table {mart.table} is gone from the warehouse; all of it is published again",)
    assert record.done["slices"] == ["2015-01-01", "2015-01-02"]
    assert mart.rows() == [(ONE, "push", 3, None), (TWO, "push", 6, None)]
    assert mart.advance() is None


def test_a_warehouse_that_was_restored_to_an_earlier_state_is_brought_up_whole(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    mart.build({"2015-01-02": [], "2015-01-03": [("push", 7, None)]})
    mart.advance()
    with Wire(mart.server) as wire:  # as it was after the first publish
        wire.run(f"DELETE FROM {mart.table} WHERE day = '2015-01-03'")
        wire.run(f"INSERT INTO {mart.table} (day, kind, events) VALUES ('2015-01-02', 'push', 5)")
        wire.run(f'DELETE FROM {mart.schema}.lakemart_loads WHERE "number" = 2')
    mart.build({"2015-01-01": [("push", 4, None)]})

    refused, record = mart.advance(), mart.advance()

    words = "was taken back: the warehouse is at number 1, number 2 was loaded; all of it is published again"
    assert words in refused.reasons[0]
    assert record.done["slices"] == ["2015-01-01", "2015-01-02", "2015-01-03"]
    assert mart.rows() == [(ONE, "push", 4, None), (date(2015, 1, 3), "push", 7, None)]


def test_a_mart_that_was_changed_by_hand_is_as_the_lake_says_when_it_is_published_again(mart: Mart) -> None:
    mart.build({"2015-01-01": [("push", 3, None)], "2015-01-02": [("push", 5, None)]})
    mart.advance()
    with Wire(mart.server) as wire:
        wire.run(f"DELETE FROM {mart.table} WHERE day = '2015-01-01'")
        wire.run(f"INSERT INTO {mart.table} (day, kind, events) VALUES ('2016-01-01', 'mine', 1)")
    assert mart.advance() is None
    stage = mart.stage(again=True)

    turns = [advance(open_store(mart.lake), stage, run=stage.run, at=AT) for _ in range(2)]

    assert turns[0].done["slices"] == ["2015-01-01", "2015-01-02", "2016-01-01"]
    assert turns[1] is None, "once in a run"
    assert mart.rows() == [(ONE, "push", 3, None), (TWO, "push", 5, None)]


def test_a_mart_without_slices_that_was_dropped_or_emptied_is_published_again(mart: Mart) -> None:
    mart.slice, mart.key = None, ("kind",)
    mart.build({None: [(ONE, "push", 3, None)]})
    mart.advance()
    with Wire(mart.server) as wire:
        wire.run(f"DROP TABLE {mart.table}")

    assert mart.advance(again=True).done["warehouse"] == 1
    assert mart.rows() == [(ONE, "push", 3, None)]
