"""Maintain: the same rows in fewer files, nothing left lying about, nothing deleted that anybody needs."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from e2e.shop import order
from lakemart.errors import ConfigError
from lakemart.lake.read import read_table, snapshot
from lakemart.ledger import records
from lakemart.ledger.projection import SCHEMAS, table_name
from lakemart.models.changes import InputVersion, input_change
from lakemart.pipeline.books import books
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.maintained import MaintainReport
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import TABLES, Shop, faults, make_shop, small_loads

WRITER = "source/orders"
NOW = Upkeep(keep=timedelta(0), no_readers=True)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path)
    assert made.ingest().outcome == "ok"
    return made


def upkeep(shop: Shop, how: Upkeep | None = None) -> MaintainReport:
    return maintain(shop.context(), how or Upkeep())


def content(shop: Shop) -> dict[str, list[dict[str, object]]]:
    """All rows of all tables, whatever files hold them."""
    return {
        table: sorted(read_table(shop.lake, table).to_pylist(), key=lambda row: json.dumps(row, default=str))
        for table in TABLES
    }


def assert_in_order(shop: Shop) -> None:
    report = verify(shop.context())
    assert report.good, report.as_json()
    assert books(shop.context()).balanced


def projected(shop: Shop) -> dict[str, list[str]]:
    names = (*SCHEMAS, "runs")
    return {
        name: sorted(json.dumps(row, default=str) for row in read_table(shop.lake, table_name(name)).to_pylist())
        for name in names
    }


def test_small_files_become_fewer_and_the_rows_stay_the_same(shop: Shop) -> None:
    small_loads(shop)
    before, files = content(shop), shop.live()

    report = upkeep(shop)

    assert report.errors == []
    assert content(shop) == before
    assert shop.live() == 2 < files
    (line,) = [one for one in report.tables if one.table == "orders"]
    assert (line.merged, line.into) == (5, 1)
    head = records.head(shop.store, WRITER)
    assert head is not None
    assert (head.number, head.plan["kind"]) == (6, "compact")
    assert_in_order(shop)
    assert upkeep(shop).outcome == "nothing_to_do"
    assert shop.ingest().outcome == "nothing_to_do"


def test_a_compaction_is_no_change_of_data_in_deltas_words(shop: Shop) -> None:
    small_loads(shop)
    upkeep(shop)
    newest = max((shop.folder / "lake" / "orders" / "_delta_log").glob("*.json"))
    actions = [json.loads(line) for line in newest.read_text(encoding="utf-8").splitlines()]
    flags = {name: action[name]["dataChange"] for action in actions for name in ("add", "remove") if name in action}
    assert flags == {"add": False, "remove": False}


def test_a_model_sees_nothing_of_a_compaction_of_its_input_but_reads_the_newer_version(shop: Shop) -> None:
    small_loads(shop)
    upkeep(shop)
    before = InputVersion(table="orders", writer=WRITER, number=5, version=4)
    found = input_change(shop.store, "orders", WRITER, before=before, slice_column="day")
    assert found is not None
    assert (found.changed, found.touched) == (False, frozenset())
    assert (found.now.number, found.now.version) == (6, 5)


def test_a_dry_run_says_it_and_does_nothing(shop: Shop) -> None:
    small_loads(shop)
    everything = sorted(str(path) for path in (shop.folder / "lake").rglob("*"))
    report = upkeep(shop, Upkeep(dry=True))
    (line,) = report.tables
    assert (line.table, line.merged, line.into) == ("orders", 5, 1)
    assert sorted(str(path) for path in (shop.folder / "lake").rglob("*")) == everything


@pytest.mark.parametrize("broken", ["after:raise", "after:lose"])
@pytest.mark.parametrize("step", ["plan.write", "compact.files", "decision.write", "lake.commit", "done.write"])
def test_a_compaction_that_breaks_off_anywhere_is_finished_by_a_plain_run(
    loaded: Shop, tmp_path: Path, step: str, broken: str
) -> None:
    shop = loaded.copy_to(tmp_path / "copy")
    before = content(shop)
    with faults(f"{step}:{broken}"), suppress(RuntimeError):
        upkeep(shop)
    assert shop.ingest().errors == []
    assert content(shop) == before
    assert_in_order(shop)
    assert shop.live() == 2


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """With some small files, for copies."""
    made = make_shop(tmp_path_factory.mktemp("loaded"))
    made.ingest()
    small_loads(made)
    return made


def test_a_compaction_stops_no_writer_when_somebody_else_moved_the_table(shop: Shop) -> None:
    """An open one is refused, no other is planned; the next batch names the foreign commit itself."""
    small_loads(shop)
    with faults("compact.files:before:raise"), pytest.raises(RuntimeError):
        upkeep(shop)
    shop.delta().alter.set_table_properties({"delta.appendOnly": "false"})
    for _ in range(2):
        report = upkeep(shop)
        assert [error.kind for error in report.errors] == ["data"]
        head = records.head(shop.store, WRITER)
        assert head is not None
        assert (head.number, head.refused) == (6, True)


def test_an_open_batch_is_left_to_a_run_and_named(shop: Shop) -> None:
    shop.land("next", order(50))
    with faults("decision.write:before:raise"), pytest.raises(RuntimeError):
        shop.ingest()
    report = upkeep(shop)
    assert report.waiting == ["number 2 of source/orders is open; `lakemart run` finishes it"]
    assert shop.ingest().outcome == "ok"


def test_orphans_of_closed_numbers_go_and_those_of_open_ones_stay(shop: Shop) -> None:
    """A failed attempt of number 2, which is closed by a later attempt; another of number 3, which is open."""
    for number in (2, 3):
        shop.land(f"next-{number}", order(50 + number), order(60 + number, shop=None))
        with faults("decision.write:before:raise"), pytest.raises(RuntimeError):
            shop.ingest()
        if number == 2:
            assert shop.ingest().outcome == "ok"
    stray = shop.folder / "lake" / "orders" / "day=2024-05-01" / "somebody's.parquet"
    stray.write_bytes(b"not ours")
    before = {path.name[:10] for path in shop.files()}
    orphans = [path for path in shop.files() if path.name.startswith("0000000002")]
    assert len(orphans) == 2

    report = upkeep(shop, NOW)

    assert {line.table: line.orphans for line in report.tables} == {"orders": 1, "orders_quarantine": 1}
    assert {path.name[:10] for path in shop.files()} == before
    assert stray.exists()
    assert shop.ingest().outcome == "ok"
    assert_in_order(shop)


def test_side_objects_of_failed_attempts_go_and_those_that_rows_name_stay(shop: Shop) -> None:
    shop.rewrite("key: [id]", "key: [id]\nlimits: {record_bytes: 1 KB}")
    shop.land("huge", order(70, text="x" * 2000), *(order(number) for number in range(200, 210)))
    with faults("decision.write:before:raise"), pytest.raises(RuntimeError):
        shop.ingest()
    assert shop.ingest().outcome == "ok"
    folder = shop.folder / "lake" / "orders_quarantine" / "_raw"
    assert len(list(folder.iterdir())) == 2

    upkeep(shop, NOW)

    (left,) = [path for path in folder.rglob("*") if path.is_file()]
    rows = read_table(shop.lake, "orders_quarantine").to_pylist()
    (named,) = [row["raw_object"] for row in rows if row["raw_object"]]
    assert str(left.parent).endswith(named)


def test_replaced_files_stay_for_their_time_and_then_go(shop: Shop) -> None:
    small_loads(shop)
    upkeep(shop)
    on_disk = len(shop.files())
    shop.later = timedelta(days=6)
    assert upkeep(shop).outcome == "nothing_to_do"
    shop.later = timedelta(days=8)
    report = upkeep(shop)
    assert sum(line.expired for line in report.tables) == 5
    assert len(shop.files()) == on_disk - 5
    assert upkeep(shop).outcome == "nothing_to_do"
    assert_in_order(shop)


def test_files_that_an_open_plan_of_a_model_reads_stay_whatever_their_time(shop: Shop) -> None:
    """The model pinned a version of its input and broke off; the input was compacted since."""
    small_loads(shop)
    version = shop.delta().version()
    shop.add_model()
    frozen = {"table": "orders", "writer": WRITER, "number": 5, "version": version}
    plan = {"version": "1", "inputs": {"orders": frozen}, "slices": None, "run": "r", "at": "t"}
    records.write_part(shop.store, "model/daily", 1, "plan", plan)
    report = upkeep(shop)
    assert report.waiting == ["number 1 of model/daily is open; `lakemart run` finishes it"]

    assert upkeep(shop, NOW).tables == []
    assert len(read_table(shop.lake, "orders", version)) == len(shop.ids())

    refusal = {"kind": "refusal", "reasons": [], "stops": False, "run": "r", "at": "t"}
    records.write_part(shop.store, "model/daily", 1, "decision", refusal)
    assert [line.expired for line in upkeep(shop, NOW).tables] == [5]


def test_replaced_files_do_not_go_sooner_than_in_a_day_without_the_word(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="may still be read"):
        upkeep(shop, Upkeep(keep=timedelta(hours=23)))


def test_the_ledgers_tables_are_made_anew_from_its_small_objects(shop: Shop) -> None:
    small_loads(shop, 2)
    upkeep(shop)
    before = projected(shop)
    report = upkeep(shop, Upkeep(rebuild_ledger=True))
    assert report.rebuilt is not None
    assert report.rebuilt["objects"] == 4
    assert projected(shop) == before
    shop.land("next", order(50))
    assert shop.ingest().outcome == "ok"
    assert len(projected(shop)["batches"]) == len(before["batches"]) + 1


@pytest.mark.parametrize(
    "fault", ["ledger.rebuild:before:raise:2", "ledger.rebuild:after:raise:3", "ledger.rebuild:after:lose"]
)
@pytest.mark.parametrize("damaged", [False, True])
def test_a_rebuild_that_breaks_off_leaves_tables_that_a_repeat_makes(shop: Shop, fault: str, *, damaged: bool) -> None:
    small_loads(shop, 2)
    upkeep(shop)
    before = projected(shop)
    if damaged:
        log = shop.folder / "lake" / table_name("objects") / "_delta_log"
        min(log.glob("*.json")).write_bytes(b"{torn")
        report = upkeep(shop)
        assert "--rebuild-ledger" in report.errors[0].next_step
    with faults(fault), suppress(RuntimeError):
        upkeep(shop, Upkeep(rebuild_ledger=True))
    assert upkeep(shop, Upkeep(rebuild_ledger=True)).errors == []
    after = projected(shop)
    assert {name: after[name] for name in SCHEMAS} == {name: before[name] for name in SCHEMAS}


def test_the_ledgers_tables_stay_few_files(shop: Shop) -> None:
    small_loads(shop, 16)
    before = projected(shop)
    assert upkeep(shop).ledger_merged > 16
    assert {name: projected(shop)[name] for name in ("objects", "books")} == {
        name: before[name] for name in ("objects", "books")
    }
    found = snapshot(shop.lake, table_name("objects"))
    assert found is not None
    assert len(found.files) < 4
