"""Verify: each way in which lake and ledger may come apart is found and named, and a plain run does not go past it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.shop import order
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import Shop, make_shop, small_loads

NUMBER = "_ledger/source/orders/000000000"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Three batches; for copies."""
    made = make_shop(tmp_path_factory.mktemp("good"))
    made.ingest()
    small_loads(made, 2)
    return made


@pytest.fixture
def shop(good: Shop, tmp_path: Path) -> Shop:
    return good.copy_to(tmp_path / "shop")


def found(shop: Shop) -> str:
    """Everything that verify says, with its exit code."""
    report = verify(shop.context())
    findings = [f"{one.name}: {finding}" for one in report.checked for finding in one.findings]
    return "; ".join([f"exit {report.exit_code}", *findings, *(str(error) for error in report.errors)])


def commit_file(shop: Shop, version: int) -> Path:
    return shop.folder / "lake" / "orders" / "_delta_log" / f"{version:020d}.json"


def part(shop: Shop, number: int, name: str) -> Path:
    return shop.folder / "lake" / f"{NUMBER}{number}" / f"{name}.json"


def edited_part(shop: Shop, number: int, name: str, edit: Callable[[dict[str, object]], None]) -> None:
    path = part(shop, number, name)
    value = json.loads(path.read_bytes())
    edit(value)
    path.write_text(json.dumps(value), encoding="utf-8")


def test_what_nobody_touched_is_good(shop: Shop) -> None:
    assert found(shop) == "exit 0"


def test_a_table_restored_to_an_older_version_is_found(shop: Shop) -> None:
    shop.delta().restore(1)
    assert "orders: the ledger left the table at version 2, it is at 3" in found(shop)


def test_a_log_taken_back_is_found_and_stops_the_writer(shop: Shop) -> None:
    commit_file(shop, 2).unlink()
    assert "the ledger left the table at version 2, it is at 1" in found(shop)
    shop.land("next", order(50))
    assert shop.ingest().outcome == "stopped"


def test_a_foreign_commit_is_found(shop: Shop) -> None:
    shop.delta().delete("id = 'o1'")
    assert "somebody else changed it; orders: the ledger counts 8 rows, the table's log 7" in found(shop)


def test_a_missing_data_file_is_found(shop: Shop) -> None:
    shop.files()[0].unlink()
    assert "orders: data file" in found(shop)
    assert "is missing" in found(shop)


@pytest.mark.parametrize(
    ("version", "content", "words"),
    [
        (2, b"", "commit file '_delta_log/00000000000000000002.json' is empty"),
        (2, b'{"commitInfo": {', "cannot be opened"),
        (1, b'{"commitInfo": {', "cannot be opened"),
        (1, None, "cannot be opened"),
    ],
)
def test_a_torn_empty_or_missing_log_entry_is_found_and_stops_the_writer(
    shop: Shop, version: int, content: bytes | None, words: str
) -> None:
    if content is None:
        commit_file(shop, version).unlink()
    else:
        commit_file(shop, version).write_bytes(content)
    assert words in found(shop)
    shop.land("next", order(50))
    assert shop.ingest().outcome == "stopped"


@pytest.mark.parametrize("name", ["plan", "decision", "done"])
@pytest.mark.parametrize("number", [1, 3])
def test_an_empty_part_of_the_ledger_is_named_by_a_plain_run(shop: Shop, number: int, name: str) -> None:
    part(shop, number, name).write_bytes(b"")
    words = f"'{NUMBER}{number}/{name}.json' is empty"
    assert words in found(shop)
    assert words in str(shop.ingest().errors[0])


@pytest.mark.parametrize("name", ["plan", "decision", "done"])
def test_a_missing_part_of_an_earlier_number_is_named_by_a_plain_run(shop: Shop, name: str) -> None:
    part(shop, 2, name).unlink()
    words = f"'{NUMBER}2/{name}.json' is missing"
    assert words in found(shop)
    assert words in str(shop.ingest().errors[0])


def test_a_missing_number_is_named_by_a_plain_run(shop: Shop) -> None:
    shutil.rmtree(part(shop, 2, "plan").parent)
    words = f"'{NUMBER}2/plan.json' is missing"
    assert words in found(shop)
    assert words in str(shop.ingest().errors[0])


def test_the_last_number_lost_as_a_whole_is_found_and_stops_the_writer(shop: Shop) -> None:
    shutil.rmtree(part(shop, 3, "plan").parent)
    assert "the table holds number 3 of source/orders, the ledger ends at 2" in found(shop)
    shop.land("next", order(50))
    assert shop.ingest().outcome == "stopped"


def test_a_torn_part_is_found(shop: Shop) -> None:
    data = part(shop, 2, "decision").read_bytes()
    part(shop, 2, "decision").write_bytes(data[: len(data) // 2])
    assert f"'{NUMBER}2/decision.json' is torn" in found(shop)


def test_a_missing_last_done_is_no_damage_but_a_number_to_be_finished(shop: Shop) -> None:
    part(shop, 3, "done").unlink()
    assert "exit 5; number 3 of source/orders is open" in found(shop)
    assert shop.ingest().errors == []
    assert found(shop) == "exit 0"


def test_a_ledger_that_claims_more_than_the_table_holds_is_found(shop: Shop) -> None:
    def claim(decision: dict[str, object]) -> None:
        decision["tables"][0]["adds"][0]["rows"] += 5  # type: ignore[index]

    edited_part(shop, 3, "decision", claim)
    assert "orders: the ledger counts 13 rows, the table's log 8" in found(shop)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ("good", "orders: the books count 9 good records, the table holds 8"),
        ("quarantined", "orders_quarantine: the books count 3 quarantined records, the table holds 2"),
        ("duplicate", "orders_duplicates: the books count 3 duplicate records, the table holds 2"),
    ],
)
def test_books_that_are_not_the_tables_are_found(shop: Shop, count: str, words: str) -> None:
    def miscount(decision: dict[str, object]) -> None:
        decision["books"][count] += 1  # type: ignore[index]

    edited_part(shop, 3, "decision", miscount)
    assert words in found(shop)


def test_objects_that_came_into_a_closed_date_are_found(tmp_path: Path) -> None:
    shop = make_shop(tmp_path / "dated")
    shop.rewrite(
        '{prefix: "orders/", pattern: "*.ndjson*"}', '{prefix: "orders/{yyyy}/{MM}/{dd}/", closed_after: 2 days}'
    )
    shop.land("2024/05/01/a", order(1))
    shop.land("2024/05/20/a", order(2))
    assert shop.ingest().outcome == "ok"
    assert found(shop) == "exit 0"
    shop.land("2024/05/02/late", order(3))
    assert "orders: object 'orders/2024/05/02/late.ndjson' came late" in found(shop)
