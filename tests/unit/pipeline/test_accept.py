"""What a person takes by word: an object that was overwritten, or came into a closed date. And what replay and backfill say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from e2e.shop import FIRST, NO_SHOP, lines, order
from lakemart.errors import ConfigError
from lakemart.pipeline.accept import accept
from lakemart.pipeline.again import backfill, replay
from lakemart.pipeline.books import books
from lakemart.pipeline.verify import verify
from lakemart.storage.opening import open_store
from unit.pipeline.shop import Shop, make_shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return make_shop(tmp_path)


def good(shop: Shop) -> int:
    document = books(shop.context())
    assert document.balanced
    return document.sources["orders"]["good"]


def test_an_overwritten_object_is_taken_in_place_of_the_old_by_word(shop: Shop) -> None:
    shop.ingest()
    shop.land("2024-05-02", order(11, shop="changed"), order(99))
    told = shop.ingest()
    assert (told.exit_code, [error.kind for error in told.errors]) == (3, ["data"])
    assert "lakemart accept" in str(told.errors[0])

    document = accept(shop.context(), "orders/2024-05-02.ndjson", "the vendor corrected it")

    assert document.exit_code == 0
    assert "o99" in shop.ids()
    assert "o12" not in shop.ids()
    assert good(shop) == len(shop.ids())
    assert shop.ingest().outcome == "nothing_to_do"
    again = accept(shop.context(), "orders/2024-05-02.ndjson", "once more")
    assert [error.kind for error in again.errors] == ["config"]
    assert verify(shop.context()).good


def test_what_came_into_a_closed_date_is_taken_by_word(shop: Shop) -> None:
    shop.rewrite('prefix: "orders/"', 'prefix: "orders/{yyyy}/", closed_after: 7 days')
    shop.land("2020/first", order(1))
    shop.ingest()
    shop.later = timedelta(days=800)
    shop.land("2028/other", order(2))
    shop.ingest()
    shop.land("2020/late", order(3))
    assert shop.ingest().outcome == "nothing_to_do"

    assert accept(shop.context(), "orders/2020/late.ndjson", "found by verify").exit_code == 0

    assert shop.ids() == ["o1", "o2", "o3"]
    assert verify(shop.context()).good


def test_a_key_of_no_source_is_refused(shop: Shop) -> None:
    shop.ingest()

    document = accept(shop.context(), "elsewhere/a.ndjson", "why not")

    assert "neither a refused batch nor an object" in str(document.errors[0])


def test_replay_tells_what_it_decoded_and_the_books_what_changed(shop: Shop) -> None:
    shop.ingest()
    before = good(shop)
    shop.rewrite("type: string, required: true}\n  amount", "type: string}\n  amount")

    document = replay(shop.context(), "orders")

    line = document.sources["orders"]
    assert (line["records"], line["good"], line["quarantined"]) == (2, 1, 1)
    assert document.balanced
    assert good(shop) == before + 1
    assert verify(shop.context()).good
    assert NO_SHOP in open_store(shop.context().raw).read("orders/2024-05-01.ndjson")[0]


def test_replay_and_backfill_of_no_source_are_refused(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="no source 'order'"):
        replay(shop.context(), "order")
    with pytest.raises(ConfigError, match="no source 'order'"):
        backfill(shop.context(), "order", first=FIRST, last=None)


def test_a_backfill_leaves_the_books_and_a_table_that_verify_finds_good(shop: Shop) -> None:
    shop.ingest()
    before = good(shop), shop.ids()
    open_store(shop.context().raw).write("orders/2024-05-03.ndjson", lines(order(1), b"{cut"))

    document = backfill(shop.context(), None, first=FIRST, last=FIRST)

    assert document.exit_code == 0
    assert document.sources["orders"]["objects"] == 2  # both have records of that day; the new one is the next run's
    assert (good(shop), shop.ids()) == before
    assert verify(shop.context()).good
    assert shop.ingest().sources["orders"]["duplicate"] == 1
