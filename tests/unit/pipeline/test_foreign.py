"""Foreign commits: named, they stop their writer, and a person's word goes on with the table as it is."""

from __future__ import annotations

import itertools
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from e2e.shop import FIRST, order
from lakemart.lake.read import read_table, version_of
from lakemart.ledger import records
from lakemart.pipeline.accept import accept
from lakemart.pipeline.books import books
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.status import status
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import TABLES, Shop, faults, make_shop

WRITER = "source/orders"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path)
    assert made.ingest().outcome == "ok"
    return made


def vandal(shop: Shop, table: str = "orders") -> None:
    """Somebody takes rows out by hand."""
    where = {"orders": "id = 'o1'", "orders_quarantine": "\"column\" = 'shop'"}.get(table, "true")
    before = shop.delta(table).version()
    shop.delta(table).delete(where)
    assert shop.delta(table).version() == before + 1


def accepted(shop: Shop, table: str = "orders") -> RunDocument:
    return accept(shop.context(), table, "we know")


def assert_all_is_well(shop: Shop) -> None:
    """Nothing is due, the books balance and are those of the tables, and nobody finds anything."""
    assert shop.ingest().outcome == "nothing_to_do"
    report = verify(shop.context())
    assert report.good, report.as_json()
    totals = books(shop.context())
    assert totals.balanced
    quarantine = read_table(shop.lake, "orders_quarantine").column("resolved_by").null_count
    line = totals.sources["orders"]
    found = (len(shop.ids()), quarantine, read_table(shop.lake, "orders_duplicates").num_rows)
    assert (line["good"], line["quarantined"], line["duplicate"]) == found


def test_a_foreign_commit_is_named_and_stops_the_writer_until_it_is_accepted(shop: Shop) -> None:
    assert status(shop.context()).writers[0].foreign == ()
    vandal(shop)
    shop.land("next", order(50))
    assert status(shop.context()).writers[0].foreign == ("orders",)

    stopped = shop.ingest()

    assert stopped.outcome == "stopped"
    assert "version 1" in stopped.errors[0].what
    assert "lakemart accept orders" in stopped.errors[0].next_step
    assert accepted(shop).errors == []
    assert shop.ingest().outcome == "ok"
    assert {"o50", "o2"} < set(shop.ids())
    assert "o1" not in shop.ids()
    assert_all_is_well(shop)


def test_the_adoption_says_what_came_and_went_by_file_slice_and_object(shop: Shop) -> None:
    vandal(shop)
    accepted(shop)

    record = records.head(shop.store, WRITER)

    assert record is not None
    assert record.decision is not None
    assert (record.plan["kind"], record.plan["spans"], record.plan["reason"]) == (
        "adopt",
        {"orders": [[0, 1]]},
        "we know",
    )
    (entry,) = record.decision["adjustments"]
    assert (entry["key"], entry["records"], entry["good"]) == ("orders/2024-05-01.ndjson", -1, -1)
    (change,) = record.decision["tables"]
    assert {file["partition"]["day"] for file in change["removes"]} == {FIRST}
    assert version_of(shop.lake, "orders") == 2


def test_a_compaction_by_somebody_else_moves_no_books_and_no_slices(shop: Shop) -> None:
    for number in range(3):
        shop.land(f"more-{number}", order(60 + number))
        shop.ingest()
    shop.delta().optimize.compact()
    accepted(shop)
    record = records.head(shop.store, WRITER)
    assert record is not None
    assert record.decision is not None
    assert record.decision["tables"][0]["data_change"] is False
    assert record.decision["adjustments"] == []
    assert_all_is_well(shop)


def test_a_table_that_nobody_changed_is_not_accepted(shop: Shop) -> None:
    document = accepted(shop)
    assert [error.kind for error in document.errors] == ["config"]
    assert "as the ledger left it" in document.errors[0].what


def test_a_foreign_commit_under_a_plan_returns_its_objects_to_be_planned_again(shop: Shop) -> None:
    shop.land("next", order(50))
    with faults("ingest.files:before:raise"), pytest.raises(RuntimeError):
        shop.ingest()
    vandal(shop)
    assert shop.ingest().outcome == "stopped"
    assert accepted(shop).errors == []
    assert shop.ingest().outcome == "ok"
    assert "o50" in shop.ids()
    assert_all_is_well(shop)


def test_an_intent_of_which_nothing_is_committed_is_voided_and_its_objects_come_again(shop: Shop) -> None:
    shop.land("next", order(50), order(51, shop=None))
    with faults("lake.commit:before:raise"), pytest.raises(RuntimeError):
        shop.ingest()
    vandal(shop)

    assert accepted(shop).errors == []

    record = list(records.numbers(shop.store, WRITER))[1]
    assert (record.voided, record.committed) == (True, False)
    assert "o50" not in shop.ids()
    assert shop.ingest().outcome == "ok"
    assert shop.ids().count("o50") == 1
    assert_all_is_well(shop)


def test_an_intent_that_is_partly_committed_goes_onto_the_later_version(shop: Shop) -> None:
    shop.land("next", order(50), order(51, shop=None))
    with faults("lake.commit:after:raise:1"), pytest.raises(RuntimeError):
        shop.ingest()
    vandal(shop, "orders_quarantine")
    assert shop.ingest().outcome == "stopped"

    assert accepted(shop, "orders_quarantine").errors == []

    rebased, adopted = list(records.numbers(shop.store, WRITER))[1:]
    assert rebased.done is not None
    assert [(one["table"], one["made"], one["onto"]) for one in rebased.done["rebased"]] == [
        ("orders_quarantine", 0, 1)
    ]
    assert (adopted.plan["kind"], adopted.plan["spans"]) == ("adopt", {"orders_quarantine": [[0, 1]]})
    assert shop.ids().count("o50") == 1
    assert_all_is_well(shop)


def test_several_rebases_in_a_row_and_a_plain_run_between_them_go_on(shop: Shop) -> None:
    shop.land("next", order(50), order(51, shop=None))
    with faults("lake.commit:after:raise:1"), pytest.raises(RuntimeError):
        shop.ingest()
    for _ in range(2):
        shop.delta("orders_quarantine").alter.set_table_properties({"delta.appendOnly": "false"})
        with faults("rebase.write:after:raise"), pytest.raises(RuntimeError):
            accepted(shop, "orders_quarantine")
    assert shop.ingest().outcome == "ok"
    head = records.head(shop.store, WRITER)
    assert head is not None
    assert head.plan["spans"] == {"orders_quarantine": [[0, 1], [1, 2]]}
    assert_all_is_well(shop)


@pytest.mark.parametrize("broken", ["done.write:after:raise:1", "plan.write:after:raise", "decision.write:after:raise"])
def test_what_a_number_was_rebased_onto_stays_to_be_adopted_whatever_others_do_meanwhile(
    shop: Shop, broken: str
) -> None:
    """A second foreign commit before the adoption of the first is through; its adoption goes past that one."""
    shop.land("next", order(50), order(51, shop=None))
    with faults("lake.commit:after:raise:1"), pytest.raises(RuntimeError):
        shop.ingest()
    vandal(shop, "orders_quarantine")
    with faults(broken), pytest.raises(RuntimeError):
        accepted(shop, "orders_quarantine")
    shop.delta("orders_quarantine").delete('"offset" > 300')
    assert accepted(shop, "orders_quarantine").errors == []
    assert_all_is_well(shop)


def test_files_that_a_partly_committed_number_takes_out_must_be_there(tmp_path: Path) -> None:
    """The one case without a way out by word alone: it is named, nothing is changed, and a restore opens the way."""
    shop = make_shop(tmp_path)
    shop.rewrite('"*.ndjson*"', '"*.ndjson*", overwritten: replace')
    shop.ingest()
    shop.land("2024-05-01", *(order(number) for number in range(1, 10)), order(77, shop=None))
    with faults("lake.commit:after:raise:1"), pytest.raises(RuntimeError):
        shop.ingest()
    shop.delta("orders_quarantine").delete("true")
    before = {table: version_of(shop.lake, table) for table in TABLES}
    document = accepted(shop, "orders_quarantine")
    assert "takes files out" in document.errors[0].what
    assert "Restore the table to version 0" in document.errors[0].next_step
    assert {table: version_of(shop.lake, table) for table in TABLES} == before
    shop.delta("orders_quarantine").restore(0)
    assert accepted(shop, "orders_quarantine").errors == []
    assert_all_is_well(shop)


OPENED = {
    "nothing open": ("", "orders", ("plan.write", "decision.write", "lake.commit", "done.write")),
    "planned": ("ingest.files:before:raise", "orders", ("decision.write",)),
    "nothing committed": ("lake.commit:before:raise", "orders", ("done.write", "plan.write")),
    "partly committed": (
        "lake.commit:after:raise:1",
        "orders_quarantine",
        ("rebase.write", "lake.commit", "done.write"),
    ),
}
"""What is open when somebody else commits: the fault that leaves it so, the table, and the acceptance's first steps."""


@pytest.mark.parametrize("opened", OPENED)
def test_an_acceptance_that_breaks_off_anywhere_is_finished_by_the_next(tmp_path: Path, opened: str) -> None:
    """Every step of it, dead after it, or with its answer lost."""
    fault, table, steps = OPENED[opened]
    first = make_shop(tmp_path / "first")
    first.ingest()
    if fault:
        first.land("next", order(50), order(51, shop=None))
        with faults(fault), pytest.raises(RuntimeError):
            first.ingest()
    vandal(first, table)
    for step, broken in itertools.product(steps, ("after:raise", "after:lose")):
        shop = first.copy_to(tmp_path / f"{step}-{broken.replace(':', '-')}")
        with faults(f"{step}:{broken}"), suppress(RuntimeError):
            accepted(shop, table)
        accepted(shop, table)
        shop.ingest()
        assert shop.ids().count("o50") == (1 if fault else 0), (step, broken)
        assert_all_is_well(shop)


@pytest.mark.parametrize("gone", [False, True])
def test_a_table_that_was_taken_back_stops_by_name_and_goes_on_when_it_is_restored(
    shop: Shop, tmp_path: Path, *, gone: bool
) -> None:
    table = shop.folder / "lake" / "orders"
    shop.land("more", order(100))
    assert shop.ingest().outcome == "ok"
    kept = shutil.copytree(table, tmp_path / "kept")
    if gone:
        shutil.rmtree(table)
    else:
        (table / "_delta_log" / f"{1:020d}.json").unlink()
    shop.land("after", order(101))

    told = (shop.ingest(), accept(shop.context(), "orders", "a backup"))

    words = "table 'orders' is gone: the ledger left it at version 1" if gone else "was taken back: it is at version 0"
    for document in told:
        (error,) = document.errors
        assert (document.exit_code, words in error.what) == (3, True), error
        assert "Restore the later entries" in error.next_step
        assert "`lake`" in error.next_step
    (source,) = status(shop.context()).writers
    assert (source.foreign, source.taken_back) == ((), ("orders",))
    shutil.rmtree(table, ignore_errors=True)
    shutil.copytree(kept, table)
    assert shop.ingest().outcome == "ok"
    assert {"o100", "o101"} <= set(shop.ids())
    assert verify(shop.context()).good
