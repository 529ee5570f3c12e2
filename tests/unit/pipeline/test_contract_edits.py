"""Contracts edited between runs: one that cannot fit its table stops before anything is frozen, and mended goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.shop import order
from lakemart.errors import ConfigError
from lakemart.ledger import records
from lakemart.pipeline.books import books
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.verify import verify
from unit.pipeline.shop import Shop, make_shop

WRITER = "source/orders"
EDITS = {
    "narrower": ('"decimal(9,2)"', '"decimal(5,2)"', "column 'amount' is decimal128(9, 2) in table 'orders'"),
    "another partition": (
        "partition_by: day",
        "partition_by: shop",
        "table 'orders' is partitioned by 'day', now declared",
    ),
}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = make_shop(tmp_path)
    assert made.ingest().outcome == "ok"
    made.land("more", order(100))
    return made


def assert_goes_on(shop: Shop) -> None:
    document = shop.ingest()
    assert (document.outcome, document.errors) == ("ok", [])
    assert "o100" in shop.ids()
    assert verify(shop.context()).good
    assert books(shop.context()).balanced


def told(document: RunDocument) -> ConfigError:
    (error,) = document.errors
    assert isinstance(error, ConfigError), error
    return error


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_a_contract_that_cannot_fit_its_table_freezes_nothing_and_mended_goes_on(shop: Shop, edit: str) -> None:
    before, after, words = EDITS[edit]
    shop.rewrite(before, after)

    error = told(shop.ingest())

    assert words in error.what
    assert "a new name" in error.next_step
    head = records.head(shop.store, WRITER)
    assert head is not None
    assert (head.number, head.committed) == (1, True)
    shop.rewrite(after, before)
    assert_goes_on(shop)


@pytest.mark.parametrize("edit", sorted(EDITS))
def test_a_plan_that_was_frozen_with_such_a_contract_is_given_up_and_made_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    before, after, words = EDITS[edit]
    shop.rewrite(before, after)
    with monkeypatch.context() as patched:
        patched.setattr("lakemart.ingest.stage.misfit", lambda *_: None)
        assert words in told(shop.ingest()).what
    head = records.head(shop.store, WRITER)
    assert head is not None
    assert (head.number, head.closed) == (2, False), "as an earlier lakemart left it"
    assert words in told(shop.ingest()).what

    shop.rewrite(after, before)

    assert_goes_on(shop)


def test_a_source_that_was_renamed_is_told_of_its_name_and_goes_on_under_it_or_with_another_table(shop: Shop) -> None:
    shop.rewrite("source: orders", "source: sales")
    here = shop.folder / "sources"
    (here / "orders.yaml").rename(here / "sales.yaml")

    error = told(shop.ingest())

    assert error.what == "table 'orders' was filled by source 'orders', which the project no longer has"
    assert "call it 'orders' again, or name another table" in error.next_step
    text = (here / "sales.yaml").read_text(encoding="utf-8")
    (here / "sales.yaml").write_text(text.replace("table: orders", "table: sales"), encoding="utf-8")
    assert shop.ingest().outcome == "ok"
    assert "o100" in shop.ids("sales")
    (here / "sales.yaml").unlink()
    (here / "orders.yaml").write_text(text.replace("source: sales", "source: orders"), encoding="utf-8")
    assert_goes_on(shop)
