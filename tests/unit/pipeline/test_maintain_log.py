"""Maintain and what a log leaves behind: old entries go by Delta's own rule, and writes of killed runs that never ended."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from e2e.shop import order
from lakemart.errors import LockedError
from lakemart.lake import commit as lake_commit
from lakemart.lake.actions import TableChange
from lakemart.lake.commit import commit
from lakemart.lake.logclean import old_entries
from lakemart.lake.read import snapshot
from lakemart.ledger import records
from lakemart.pipeline.books import books
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import Shop, make_shop

DAY = timedelta(days=1)
MONTH = 31 * DAY
ALL = list(range(8))


def log_folder(shop: Shop) -> Path:
    return shop.folder / "lake" / "orders" / "_delta_log"


def versions(shop: Shop) -> list[int]:
    return sorted(int(path.stem) for path in log_folder(shop).glob("*.json"))


def age(shop: Shop, by: timedelta, of: Sequence[int] | None = None) -> None:
    """Makes log entries, of these versions or all, older than they are."""
    then = (datetime.now(UTC) - by).timestamp()
    for path in log_folder(shop).glob("0*"):
        if of is None or int(path.name.partition(".")[0]) in of:
            os.utime(path, (then, then))


@pytest.fixture(scope="module")
def long_lived(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A table whose versions 0 to 7 were committed one by one, with a checkpoint every third: at 2 and at 5."""
    shop = make_shop(tmp_path_factory.mktemp("long"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(lake_commit._CONFIGURATION, "delta.checkpointInterval", "3")
        assert shop.ingest().outcome == "ok"
    for number in range(7):
        shop.land(f"more-{number}", order(100 + number))
        assert shop.ingest().outcome == "ok"
    assert versions(shop) == ALL
    return shop


@pytest.fixture
def shop(long_lived: Shop, tmp_path: Path) -> Shop:
    return long_lived.copy_to(tmp_path / "copy")


def test_entries_older_than_the_retention_go_and_everything_goes_on(shop: Shop) -> None:
    age(shop, MONTH)
    ids = shop.ids()

    report = maintain(shop.context(), Upkeep(target=1))

    (line,) = [one for one in report.tables if one.table == "orders"]
    assert (report.errors, line.log > 0, line.merged) == ([], True, 0)
    assert versions(shop) == [5, 6, 7]
    assert shop.ids() == ids
    assert shop.delta().version() == 7
    shop.land("after", order(900))
    assert shop.ingest().outcome == "ok"
    assert "o900" in shop.ids()
    assert verify(shop.context()).good
    assert books(shop.context()).balanced
    assert maintain(shop.context(), Upkeep(target=1)).outcome == "nothing_to_do"


def test_a_number_that_comes_again_still_finds_itself_committed(shop: Shop) -> None:
    """Its number is in the checkpoint, where the entry is gone: a paused run that wakes cannot commit a second time."""
    age(shop, MONTH)
    maintain(shop.context(), Upkeep(target=1))
    record = next(records.numbers(shop.store, "source/orders", after=2))
    change = TableChange.from_json((record.decision or {})["tables"][0])
    with pytest.raises(LockedError, match="comes after number"):
        commit(shop.lake, change, writer="source/orders", number=record.number, run="late")


def test_a_dry_run_counts_them_and_leaves_them(shop: Shop) -> None:
    age(shop, MONTH)

    report = maintain(shop.context(), Upkeep(target=1, dry=True))

    assert [one.log > 0 for one in report.tables if one.table == "orders"] == [True]
    assert versions(shop) == ALL


@pytest.mark.parametrize(
    ("young", "kept", "first"),
    [
        (range(0), (), 5),
        (range(7, 8), (), 5),
        (range(6, 8), (), 5),
        (range(5, 8), (), 2),  # the version that stood when the retention began can still be opened
        (range(2, 8), (), 0),
        (range(0), (6,), 5),
        (range(0), (5,), 5),
        (range(0), (4,), 2),
        (range(0), (1,), 0),
    ],
)
def test_what_somebody_may_still_open_stays(shop: Shop, young: range, kept: tuple[int, ...], first: int) -> None:
    before = {version: found.files for version in ALL if (found := snapshot(shop.lake, "orders", version))}
    age(shop, MONTH, of=[version for version in ALL if version not in young])

    gone = old_entries(shop.lake, "orders", before=datetime.now(UTC) - 30 * DAY, keep=kept)

    assert {int(key.removeprefix("_delta_log/")[:20]) for key, _ in gone} == set(range(first))
    assert [key for key, _ in gone] == sorted(key for key, _ in gone)
    for key, _ in gone:
        (shop.folder / "lake" / "orders" / key).unlink()
    for version in (*kept, *young, 7):
        found = snapshot(shop.lake, "orders", version)
        assert found is not None
        assert found.version == version
        assert found.files == before[version]


@pytest.mark.parametrize("wrong", ["torn", "gone", "no pointer", "torn pointer"])
def test_without_a_whole_checkpoint_nothing_goes(shop: Shop, wrong: str) -> None:
    checkpoint = log_folder(shop) / f"{5:020d}.checkpoint.parquet"
    pointer = log_folder(shop) / "_last_checkpoint"
    if wrong == "torn":
        checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    elif wrong == "gone":
        checkpoint.unlink()
        (log_folder(shop) / f"{2:020d}.checkpoint.parquet").unlink()
    else:
        pointer.write_bytes(b"{") if wrong == "torn pointer" else pointer.unlink()
    age(shop, MONTH)

    assert old_entries(shop.lake, "orders", before=datetime.now(UTC), keep=()) == ()


def test_what_killed_runs_left_half_written_goes_after_a_day(shop: Shop) -> None:
    left = [
        shop.folder / "lake" / place / ".lakemart-put-0a" for place in ("orders", "_ledger/source/orders/0000000002")
    ]
    young = shop.folder / "lake" / "orders" / ".lakemart-put-0b"
    for path in (*left, young):
        path.write_bytes(b"half")
    for path in left:
        then = (datetime.now(UTC) - 2 * DAY).timestamp()
        os.utime(path, (then, then))

    dry = maintain(shop.context(), Upkeep(target=1, dry=True))
    assert (dry.abandoned, left[0].exists()) == (2, True)
    report = maintain(shop.context(), Upkeep(target=1))

    assert (report.errors, report.abandoned) == ([], 2)
    assert [path.exists() for path in (*left, young)] == [False, False, True]


def test_what_readers_begin_at_stays_with_all_after_it(shop: Shop) -> None:
    (log_folder(shop) / "_last_checkpoint").write_text('{"version": 2, "size": 9}', encoding="utf-8")
    age(shop, MONTH)

    gone = old_entries(shop.lake, "orders", before=datetime.now(UTC), keep=())

    assert [key[-6:-5] for key, _ in gone] == ["0", "1"]
