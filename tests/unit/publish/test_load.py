"""The story of a load, told by the statements it sends; and what it does when one of them fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Never

import pytest

from lakemart import steps
from lakemart.errors import DataError, LockedError, TransientError
from lakemart.publish import statements as st
from lakemart.publish.failures import LostConnectionError, SerializationError, UnreachableError
from lakemart.publish.load import ATTEMPTS, Load, ReorderedError, load
from lakemart.publish.mart import Mart
from lakemart.publish.slices import Slices, slices_text
from unit.publish.examples import COLUMNS, MANIFEST, ROLE, SUPER, TABLE, slices
from unit.publish.recorder import Warehouse

MART = Mart(
    model="hourly_activity", table=TABLE, columns=COLUMNS, slice="event_date", key=("event_date",), distkey="event_type",
    readers=("analyst",), description="Events an hour",
)  # fmt: skip
WHAT = Load(
    mart=MART, project="gharchive", number=7, columns=COLUMNS, slices=slices(None, "2015-01-01"), staged=24, manifest=MANIFEST,
    iam_role=ROLE, content_hash="9f86", lake_table="hourly_activity", lake_version=11, run="r1", settings_changed=False,
)  # fmt: skip
PREPARE = ["CountSchemas", "DescribeTable", "DescribeTable", "LimitTime", "LastLoad", "LimitTime"]
COPY = ["CreateStaging", "CopyParquet", "LastCopyCount"]
LOCK = ["LimitTime", "LockLoads", "LimitTime"]
REPLACE = ["Begin", *LOCK, "LastLoad", "DeleteSlices", "InsertFromStaging", "CountSlices", "InsertLoad", "Commit"]


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def warehouse() -> Warehouse:
    return Warehouse(mart=MART, copied=24, held=24)


@pytest.fixture(autouse=True)
def _no_faults() -> Iterator[None]:
    yield
    steps.disarm()


def failing(kind: Any, error: Any, *, times: Any = 1) -> Any:
    """Raises `error` the first `times` times that a statement of this kind is sent."""

    def fails(sent: Any, nth: Any) -> None:
        if isinstance(sent, kind) and nth <= times:
            raise error

    return fails


def test_a_load_is_copy_then_one_short_transaction(warehouse: Warehouse, waited: list[float]) -> None:
    loaded = load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds == [*PREPARE, *COPY, *REPLACE]
    assert (loaded.copied, loaded.warehouse, loaded.already) == (24, 24, False)
    assert warehouse.closed == 1
    assert waited == []


def test_the_statements_carry_what_the_plan_froze(warehouse: Warehouse, waited: list[float]) -> None:
    load(warehouse.open, WHAT, waited.append)

    sent = {type(statement): statement for statement in warehouse.statements}
    assert sent[st.LockLoads] == st.LockLoads(MART.loads)
    assert sent[st.DeleteSlices] == st.DeleteSlices(TABLE, WHAT.slices)
    assert sent[st.CopyParquet] == st.CopyParquet(MANIFEST, ROLE)
    assert sent[st.InsertLoad] == st.InsertLoad(
        loads=MART.loads, project="gharchive", model="hourly_activity", number=7, slices='[null, "2015-01-01"]',
        lake_table="hourly_activity", lake_version=11, rows=24, content_hash="9f86", run="r1",
    )  # fmt: skip


def test_a_new_target_gets_schema_tables_comments_and_grants_before_anything_is_copied(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.exists = False

    load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds[:9] == [
        "CountSchemas", "CreateSchema", "DescribeTable", "CreateTable", "DescribeTable", "CommentOnTable", "CommentOnColumn",
        "GrantUsage", "GrantSelect",
    ]  # fmt: skip


def test_a_new_target_gets_its_loads_table(waited: list[float]) -> None:
    sent = []

    class Empty(Warehouse):
        pass

    warehouse = Empty(mart=MART, copied=24, held=24)
    inner = warehouse.open

    def opened() -> Any:
        session = inner()
        execute = session.execute

        def without_loads(statement: Any) -> Any:
            sent.append(statement)
            rows = execute(statement)
            return [] if statement == st.DescribeTable(MART.loads) else rows

        session.execute = without_loads
        return session

    load(opened, WHAT, waited.append)

    assert st.CreateLoadsTable(MART.loads) in sent


def test_changed_settings_are_applied_to_a_standing_target(warehouse: Warehouse, waited: list[float]) -> None:
    load(warehouse.open, replace(WHAT, settings_changed=True), waited.append)

    assert [kind for kind in warehouse.kinds if kind.startswith(("Grant", "Comment"))] == [
        "CommentOnTable", "CommentOnColumn", "GrantUsage", "GrantSelect",
    ]  # fmt: skip


def test_a_slice_without_rows_still_runs_the_transaction(waited: list[float]) -> None:
    warehouse = Warehouse(mart=MART)

    loaded = load(warehouse.open, replace(WHAT, staged=0, manifest=None), waited.append)

    assert warehouse.kinds == [*PREPARE, *[kind for kind in REPLACE if kind != "InsertFromStaging"]]
    assert loaded.copied == 0
    assert warehouse.recorded == 7


def test_a_number_already_recorded_is_done_and_copies_nothing(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.recorded = 7

    loaded = load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds == [*PREPARE, "CountSlices"]
    assert (loaded.copied, loaded.already) == (24, True)


def test_a_later_number_recorded_stops_the_load_before_it_copies(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.recorded = 8

    with pytest.raises(LockedError, match=r"number 8 .* this load is number 7"):
        load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds == PREPARE[:-1]


def test_the_number_is_read_again_behind_the_lock(warehouse: Warehouse, waited: list[float]) -> None:
    """Another publisher commits the same number between our COPY and our lock: nothing is loaded twice."""

    def other_publisher(there: Any) -> None:
        there.recorded = 7

    warehouse.before_lock_is_held = other_publisher

    loaded = load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds == [*PREPARE, *COPY, "Begin", *LOCK, "LastLoad", "Rollback", "CountSlices"]
    assert loaded.already


def test_a_lock_that_another_session_keeps_is_given_up_and_told(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.fails = failing(st.LockLoads, TransientError("canceling statement due to statement timeout"))

    with pytest.raises(
        TransientError, match=r"another session holds the lock on .*lakemart_loads.* 600 seconds"
    ) as told:
        load(warehouse.open, WHAT, waited.append)

    assert "pg_terminate_backend" in told.value.next_step
    assert [one for one in warehouse.statements if isinstance(one, st.LimitTime)] == [
        st.LimitTime(600), st.LimitTime(None), st.LimitTime(600),
    ]  # fmt: skip
    assert warehouse.kinds[-1] == "LockLoads"
    assert warehouse.closed == warehouse.sessions == 1


def test_a_later_number_behind_the_lock_stops_the_load(warehouse: Warehouse, waited: list[float]) -> None:
    def other_publisher(there: Any) -> None:
        there.recorded = 9

    warehouse.before_lock_is_held = other_publisher

    with pytest.raises(LockedError, match="number 9"):
        load(warehouse.open, WHAT, waited.append)

    assert "DeleteSlices" not in warehouse.kinds


def test_a_copy_of_another_count_than_staged_publishes_nothing(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.copied = 23

    with pytest.raises(DataError, match="23 rows were copied, 24 were staged"):
        load(warehouse.open, WHAT, waited.append)

    assert "Begin" not in warehouse.kinds
    assert warehouse.closed == 1


def test_slices_that_would_hold_other_rows_than_staged_are_not_committed(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.held = 25

    with pytest.raises(DataError, match="would hold 25 rows"):
        load(warehouse.open, WHAT, waited.append)

    assert warehouse.recorded is None


def test_a_table_in_another_order_than_staged_is_told_before_copy(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.mart = replace(MART, columns=tuple(reversed(COLUMNS)))

    with pytest.raises(ReorderedError, match="now stand as small, busy"):
        load(warehouse.open, WHAT, waited.append)

    assert "CopyParquet" not in warehouse.kinds


def test_a_table_that_lost_a_column_since_it_was_staged_is_refused_before_copy(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.mart = replace(MART, columns=COLUMNS[:-1])

    with pytest.raises(DataError, match='ADD COLUMN "small" smallint'):
        load(warehouse.open, WHAT, waited.append)

    assert "CopyParquet" not in warehouse.kinds


def test_super_columns_are_staged_as_text(waited: list[float]) -> None:
    mart = replace(MART, columns=SUPER)
    warehouse = Warehouse(mart=mart, copied=24, held=24)

    load(warehouse.open, replace(WHAT, mart=mart, columns=SUPER), waited.append)

    assert "CreateTextStaging" in warehouse.kinds
    assert "CreateStaging" not in warehouse.kinds


@pytest.mark.parametrize("kind", [st.LockLoads, st.DeleteSlices, st.InsertFromStaging, st.InsertLoad, st.Commit])
def test_a_serialization_error_repeats_the_whole_transaction_in_the_same_session(
    warehouse: Warehouse, waited: list[float], kind: Any
) -> None:
    warehouse.fails = failing(kind, SerializationError("1023"), times=2)

    load(warehouse.open, WHAT, waited.append)

    assert warehouse.sessions == 1
    assert warehouse.kinds.count("CopyParquet") == 1
    assert warehouse.kinds.count("Begin") == 3
    assert warehouse.kinds.count("Rollback") == 2
    assert waited == [0.5, 1.0]


def test_serialization_errors_without_end_are_given_up_after_bounded_waits(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.fails = failing(st.Commit, SerializationError("1023"), times=99)

    with pytest.raises(SerializationError):
        load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds.count("Begin") == ATTEMPTS
    assert waited == [0.5, 1.0, 2.0, 4.0]


def test_two_publishers_who_create_the_same_schema_do_not_stop_each_other(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.exists = False
    warehouse.fails = failing(st.CreateSchema, SerializationError("pg_namespace"))

    load(warehouse.open, WHAT, waited.append)

    assert warehouse.kinds.count("CreateSchema") == 2
    assert warehouse.recorded == 7


@pytest.mark.parametrize("kind", [st.CopyParquet, st.LockLoads, st.InsertFromStaging, st.InsertLoad])
def test_a_lost_connection_begins_again_at_copy_in_a_new_session(
    warehouse: Warehouse, waited: list[float], kind: Any
) -> None:
    warehouse.fails = failing(kind, LostConnectionError("gone"))

    load(warehouse.open, WHAT, waited.append)

    assert warehouse.sessions == 2
    assert warehouse.kinds.count("CopyParquet") == 2
    assert warehouse.kinds[-len(REPLACE) :] == REPLACE
    assert warehouse.closed == 2


def test_a_lost_answer_to_a_commit_that_was_done_is_read_back(warehouse: Warehouse, waited: list[float]) -> None:
    steps.arm("warehouse.commit:after:lose")

    loaded = load(warehouse.open, WHAT, waited.append)

    assert loaded.already
    assert warehouse.kinds.count("Commit") == 1
    assert warehouse.kinds[-len(PREPARE) - 1 :] == [*PREPARE, "CountSlices"]


def test_a_lost_answer_to_a_commit_that_was_not_done_loads_again(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.fails = failing(st.Commit, LostConnectionError("gone"))

    loaded = load(warehouse.open, WHAT, waited.append)

    assert not loaded.already
    assert warehouse.kinds.count("Commit") == 2
    assert warehouse.recorded == 7


def test_a_connection_lost_again_and_again_is_given_up(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.fails = failing(st.CopyParquet, LostConnectionError("gone"), times=99)

    with pytest.raises(LostConnectionError, match="5 times"):
        load(warehouse.open, WHAT, waited.append)

    assert warehouse.sessions == ATTEMPTS
    assert warehouse.closed == ATTEMPTS


def test_a_warehouse_that_is_down_is_told_at_once(waited: list[float]) -> None:
    def down() -> Never:
        raise UnreachableError("refused")

    with pytest.raises(UnreachableError):
        load(down, WHAT, waited.append)

    assert waited == []


def test_a_warehouse_that_restarts_under_a_load_is_waited_for(warehouse: Warehouse, waited: list[float]) -> None:
    warehouse.fails = failing(st.CopyParquet, LostConnectionError("gone"))
    tries = []

    def restarting() -> Any:
        tries.append(1)
        if len(tries) in (2, 3):
            raise UnreachableError("starting up")
        return warehouse.open()

    load(restarting, WHAT, waited.append)

    assert len(tries) == 4
    assert warehouse.recorded == 7


def test_any_other_failure_closes_the_session_and_so_undoes_the_transaction(
    warehouse: Warehouse, waited: list[float]
) -> None:
    warehouse.fails = failing(st.InsertFromStaging, DataError("too long"))

    with pytest.raises(DataError):
        load(warehouse.open, WHAT, waited.append)

    assert warehouse.closed == 1
    assert warehouse.recorded is None


@pytest.mark.parametrize("name", ["warehouse.prepare", "warehouse.copy", "warehouse.replace", "warehouse.commit"])
def test_each_step_of_the_load_can_be_made_to_fail(warehouse: Warehouse, waited: list[float], name: Any) -> None:
    steps.arm(f"{name}:before:raise")

    with pytest.raises(RuntimeError, match=name):
        load(warehouse.open, WHAT, waited.append)


def test_slices_are_told_in_the_loads_table_as_far_as_they_fit() -> None:
    many = slices(*(f"{i:08d}" for i in range(9000)))

    assert slices_text(Slices(column=None, type=None, values=None)) == '"all"'
    assert slices_text(slices()) == "[]"
    assert slices_text(many) == '{"count": 9000, "first": "00000000", "last": "00008999"}'
