"""A publish that is killed, loses its connection, its answer, its staged files or its turn: one more run, loaded once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from e2e.publish.lab import ROLE, Mart, Wire
from lakemart import steps
from lakemart.errors import ConfigError, LockedError, TransientError
from lakemart.ledger import records
from lakemart.publish.client import connect
from lakemart.publish.failures import UnreachableError
from lakemart.publish.unload import remove_staged
from lakemart.publish.verify import verify_mart
from lakemart.publish.warehouse import Tag, WarehouseTarget
from lakemart.storage.opening import open_store
from unit.storage.faulty_proxy import Act, Faults, Rule

ONE = date(2015, 1, 1)
POINTS = [
    f"{name}:{when}"
    for name in (
        "publish.stage",
        "decision.write",
        "warehouse.prepare",
        "warehouse.copy",
        "warehouse.replace",
        "warehouse.commit",
        "done.write",
    )
    for when in ("before", "after")
]
TAG = Tag(version="1", project="demo", model="activity", run="r", user="u")


def published_once(mart: Mart, rows: Any, number: Any = 2) -> None:
    assert mart.rows() == rows
    assert [load[0] for load in mart.loads()] == list(range(1, number + 1))
    assert (
        verify_mart(
            mart.model, project="demo", lake=mart.lake, warehouse=lambda: mart.warehouse, run="r", user="u"
        ).findings
        == ()
    )


@pytest.fixture
def rebuilt(mart: Mart) -> Mart:
    """Published once, then built again: its second publish is what the tests disturb."""
    mart.build({"2015-01-01": [("push", 3, None)]})
    mart.advance()
    mart.build({"2015-01-01": [("push", 4, None), ("fork", 1, None)]})
    return mart


AFTER = [(ONE, "fork", 1, None), (ONE, "push", 4, None)]


@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_dies_at_any_step_is_finished_by_the_next(rebuilt: Mart, point: Any) -> None:
    steps.arm(f"{point}:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()

    while rebuilt.advance() is not None:
        pass

    published_once(rebuilt, AFTER)


@pytest.mark.parametrize("step", ["warehouse.prepare", "warehouse.copy", "warehouse.replace", "warehouse.commit"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_heals_within_the_run(rebuilt: Mart, step: Any, when: Any) -> None:
    steps.arm(f"{step}:{when}:lose")

    rebuilt.advance()

    published_once(rebuilt, AFTER)


def test_a_session_that_the_warehouse_ends_in_the_transaction_is_replaced(rebuilt: Mart) -> None:
    opened = []

    def opener() -> Any:
        session = connect(WarehouseTarget.of(rebuilt.warehouse), TAG)
        execute = session.execute

        def ending(statement: Any) -> Any:
            if type(statement).__name__ == "InsertFromStaging" and len(opened) == 2:
                session._connection._usock.shutdown(2)
            return execute(statement)

        session.execute = ending
        opened.append(session)
        return session

    rebuilt.advance(opener=opener)

    assert len(opened) == 3, "one to look at the table, one that broke, one that loaded"
    published_once(rebuilt, AFTER)


def test_staged_files_that_are_gone_are_staged_again_from_the_pinned_version(rebuilt: Mart) -> None:
    steps.arm("decision.write:after:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()
    remove_staged(rebuilt.staging)
    rebuilt.build({"2015-01-01": [("later", 9, None)]})

    record = rebuilt.advance()

    assert (record.number, record.done["staged"]) == (2, 2)
    published_once(rebuilt, AFTER)
    assert rebuilt.staged() == []


def test_staged_files_that_are_gone_after_the_commit_are_not_missed(rebuilt: Mart) -> None:
    steps.arm("warehouse.commit:after:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()
    remove_staged(rebuilt.staging)

    record = rebuilt.advance()

    assert (record.done["copied"], record.done["warehouse"]) == (2, 2)
    published_once(rebuilt, AFTER)


def test_a_table_made_anew_in_another_order_between_intent_and_load_is_staged_again(rebuilt: Mart) -> None:
    steps.arm("decision.write:after:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()
    with Wire(rebuilt.server) as wire:
        wire.run(f"DROP TABLE {rebuilt.table}")
        wire.run(f"CREATE TABLE {rebuilt.table} (events bigint, amount decimal(10,2), kind varchar(8), day date)")

    rebuilt.advance()

    published_once(rebuilt, AFTER)
    assert rebuilt.staged() == []


def test_two_publishers_of_one_intent_load_it_once(rebuilt: Mart) -> None:
    steps.arm("decision.write:after:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()
    (record,) = records.numbers(open_store(rebuilt.lake), "mart/activity", after=1)
    errors: list[BaseException] = []

    def publish() -> None:
        try:
            rebuilt.stage().commit(2, record.plan, record.decision)
        except TransientError as error:
            errors.append(error)

    both = [threading.Thread(target=publish) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    rebuilt.advance()

    published_once(rebuilt, AFTER)


def test_an_older_publisher_that_wakes_after_a_newer_one_does_not_step_back(rebuilt: Mart) -> None:
    steps.arm("decision.write:after:raise")
    with pytest.raises(RuntimeError):
        rebuilt.advance()
    steps.disarm()
    (old,) = records.numbers(open_store(rebuilt.lake), "mart/activity", after=1)
    rebuilt.advance()
    rebuilt.build({"2015-01-01": [("push", 5, None)]})
    rebuilt.advance()

    with pytest.raises(LockedError, match="number 3"):
        rebuilt.stage().commit(2, old.plan, old.decision)

    assert rebuilt.rows() == [(ONE, "push", 5, None)]


def test_readers_see_the_old_or_the_new_rows_and_never_none(rebuilt: Mart) -> None:
    seen: set[int] = set()
    stop = threading.Event()

    def read() -> None:
        with Wire(rebuilt.server) as wire:
            while not stop.is_set():
                seen.add(wire.run(f"SELECT COUNT(*) FROM {rebuilt.table}")[0][0])

    reader = threading.Thread(target=read)
    reader.start()
    try:
        rebuilt.advance()
    finally:
        stop.set()
        reader.join()

    assert seen <= {1, 2}
    assert seen


def test_a_wrong_password_is_the_projects_fault_and_is_never_shown(rebuilt: Mart) -> None:
    Path(rebuilt.password).write_text("wrong-horse-battery")

    with pytest.raises(ConfigError, match="does not let the user in") as caught:
        rebuilt.advance()

    whole = repr(caught.value) + str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert "wrong-horse" not in whole


def test_a_missing_database_and_a_role_that_may_not_read_are_the_projects_fault(rebuilt: Mart) -> None:
    target = WarehouseTarget.of(rebuilt.warehouse)
    with pytest.raises(ConfigError, match="nowhere"):
        connect(replace(target, database="nowhere"), TAG)
    rebuilt.iam_role = ROLE.replace("copy", "other")
    with pytest.raises(ConfigError):
        rebuilt.advance()


@pytest.mark.parametrize(
    ("act", "target", "next_step"),
    [
        ("expired", r"\.parquet", "credentials that the warehouse reads staging with had expired"),
        ("unknown_key", "manifest", "credentials that the warehouse reads staging with had expired"),
        ("kms_disabled", r"\.parquet", "Enable the KMS key of the staging location"),
        ("kms_forbidden", "manifest", "Enable the KMS key of the staging location"),
    ],
)
def test_a_copy_whose_keys_fail_leaves_the_mart_as_it_was_and_the_next_run_loads(
    rebuilt: Mart, copy_faults: Faults, act: Act, target: str, next_step: str
) -> None:
    before = rebuilt.rows()
    with (
        copy_faults.during(Rule(act=act, method="GET", target=target, times=None)),
        pytest.raises(TransientError, match="the warehouse could not do it now") as told,
    ):
        rebuilt.advance()

    assert next_step in told.value.next_step
    assert "manifest s3://staging/" in told.value.where
    assert rebuilt.rows() == before
    while rebuilt.advance() is not None:
        pass
    published_once(rebuilt, AFTER)


@pytest.mark.parametrize("ends", ["COMMIT", "session"])
def test_a_lock_that_another_session_keeps_is_waited_for_within_bounds(
    rebuilt: Mart, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    """A publisher that was paused in its transaction: nothing is published, and it goes on when the lock is free again."""
    monkeypatch.setattr("lakemart.publish.lock.LOCK_SECONDS", 1)
    before = rebuilt.rows()
    with Wire(rebuilt.server) as other:
        other.run("BEGIN")
        other.run(f"LOCK TABLE {rebuilt.schema}.lakemart_loads")
        for _ in range(2):
            with pytest.raises(TransientError, match="another session holds the lock on") as told:
                rebuilt.advance()
            assert "pg_terminate_backend" in told.value.next_step
        assert rebuilt.rows() == before
        if ends == "COMMIT":
            other.run(ends)
            rebuilt.advance()
            published_once(rebuilt, AFTER)
    while rebuilt.advance() is not None:
        pass
    published_once(rebuilt, AFTER)


def test_a_dead_warehouse_may_be_tried_later(rebuilt: Mart) -> None:
    target = replace(WarehouseTarget.of(rebuilt.warehouse), port=1)

    with pytest.raises(UnreachableError, match="cannot be reached") as caught:
        connect(target, TAG)

    assert caught.value.exit_code == 5


def test_a_role_that_is_not_there_is_named(mart: Mart) -> None:
    mart.publish = {"grant_select_to": ("nobody_here",)}
    mart.build({"2015-01-01": [("push", 3, None)]})

    with pytest.raises(ConfigError, match="nobody_here"):
        mart.advance()


def test_no_one_is_spoken_to_without_tls_but_this_machine(rebuilt: Mart) -> None:
    target = replace(WarehouseTarget.of(rebuilt.warehouse), host="warehouse.example.com")

    with pytest.raises(ConfigError, match="without TLS"):
        connect(target, TAG)


def test_every_statement_of_a_publish_carries_its_tag_and_the_label_begins_with_the_run(rebuilt: Mart) -> None:
    rebuilt.advance()

    with Wire(rebuilt.server) as wire:
        found = wire.run(
            "SELECT query_text, query_label FROM sys_query_history WHERE query_text LIKE %s", f"%{rebuilt.schema}%"
        )
    ours = [row for row in found if '"app":"lakemart"' in row[0]]
    assert any("COPY" not in text and "DELETE FROM" in text for text, _ in ours)
    assert all(text.lstrip().startswith('/* {"app":"lakemart"') for text, _ in ours)
    assert all(label.startswith("20261124t060000-abcdef ") for _, label in ours)


def test_importing_the_room_imports_no_driver_and_no_spark() -> None:
    code = "import sys, lakemart.publish.stage, lakemart.publish.verify; print([m for m in ('redshift_connector', 'pyspark') if m in sys.modules])"
    root = Path(__file__).parents[3]

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(root / "lib")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "[]"
