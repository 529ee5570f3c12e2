"""Runs over a store that fails: what heals by itself, what stops with which code, and that the next plain run mends all.

Every run goes through a real HTTP connection; pauses between retries are counted instead of waited for.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from e2e.shop import lines, order
from lakemart.lake.options import delta_options
from lakemart.ledger.known import known_objects
from lakemart.storage.store import Location, S3Settings
from unit.pipeline.s3_shop import FIRST, FIRST_ROWS, ROWS, SECOND, S3Shop, entries, landed_shop
from unit.storage.faulty_proxy import Faults, Rule, faulty_proxy, listed_twice, not_listed

RAW_LIST = r"prefix=[^&]*/raw/"
RAW = r"/raw/orders/\d"
DATA = r"/lake/orders/[^_].*\.parquet"
LOG = r"/lake/orders/_delta_log/0+\.json"
LEASE = r"/source/orders/lease"
PARTS = [rf"/source/orders/0+1/{part}\.json" for part in ("plan", "decision", "done")]


@pytest.fixture(scope="module")
def faults(s3_settings: S3Settings) -> Iterator[Faults]:
    with faulty_proxy(str(s3_settings.endpoint_url)) as made:
        yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that retries would have paused."""
    waited: list[float] = []
    clock = types.SimpleNamespace(sleep=waited.append)
    monkeypatch.setattr("botocore.endpoint.time", clock)
    monkeypatch.setattr("lakemart.storage.s3.time", clock)
    monkeypatch.setattr("lakemart.lake.commit._PAUSES", (0.0, 0.0))
    return waited


@pytest.fixture
def shop(
    tmp_path: Path, s3_location: Location, faults: Faults, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> S3Shop:
    return landed_shop(tmp_path, s3_location, faults, monkeypatch)


def everywhere(**given: Any) -> list[Rule]:
    """The same fault at each kind of write a batch needs."""
    return [Rule(method="PUT", target=target, **given) for target in (DATA, LOG, *PARTS)]


HEALING = {
    "busy_twice": [
        *everywhere(act="busy", times=2),
        Rule(act="busy", times=2, method="GET", target=RAW_LIST),
        Rule(act="busy", times=2, method="GET", target=RAW),
    ],
    "reset_once": everywhere(act="reset"),
    "reset_twice": everywhere(act="reset", times=2),
    "answers_lost_once": [*everywhere(act="lose"), Rule(act="lose", method="PUT", target=LEASE)],
    "answers_lost_for_ever": everywhere(act="lose", times=None)[1:],
    "cut_once_and_slow": [
        Rule(act="cut", method="GET", target=RAW, seconds=0.2),
        Rule(act="cut", method="GET", target=RAW),
        Rule(act="reset", method="GET", target=RAW),
        Rule(act="reset", method="GET", target=RAW_LIST),
        Rule(act="cut", method="GET", target=r"/lake/orders/_delta_log/0+\.json"),
    ],
    "listed_twice": [Rule(act="pass", method="GET", target=RAW_LIST, rewrite=listed_twice(SECOND), times=None)],
}


@pytest.mark.parametrize("name", HEALING)
def test_what_passes_is_not_noticed(shop: S3Shop, name: str) -> None:
    """Scenarios 20, 22 to 25: every record once, one version, and nothing for the next run to do."""
    with shop.faults.during(*HEALING[name]):
        document = shop.ingest()

    assert (document.exit_code, document.errors) == (0, [])
    assert (shop.rows(), shop.version()) == (ROWS, 0)
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "read")]
    assert shop.ingest().outcome == "nothing_to_do"


def test_a_key_that_is_listed_late_is_taken_by_the_next_run(shop: S3Shop) -> None:
    """Scenario 25."""
    with shop.faults.during(Rule(act="pass", method="GET", target=RAW_LIST, rewrite=not_listed(SECOND), times=None)):
        assert shop.ingest().exit_code == 0
    assert shop.rows() == FIRST_ROWS

    assert shop.ingest().exit_code == 0

    assert shop.rows() == ROWS
    assert entries(shop) == [(1, FIRST, "read"), (2, SECOND, "read")]


@pytest.mark.parametrize(
    ("method", "target", "requests"),
    [
        ("GET", RAW_LIST, 5),
        ("GET", r"/raw/orders/1", 5),
        ("PUT", DATA, 5),
        ("PUT", PARTS[0], 5),
        ("PUT", PARTS[1], 5),
        ("PUT", LOG, 9),
        ("PUT", PARTS[2], 5),
        ("PUT", LEASE, 5),
    ],
    ids=["listing", "raw", "data", "plan", "decision", "log", "done", "lease"],
)
def test_a_store_that_is_busy_for_ever_is_given_up_in_bounded_time_and_the_next_run_mends_all(
    shop: S3Shop, pauses: list[float], monkeypatch: pytest.MonkeyPatch, method: str, target: str, requests: int
) -> None:
    """Scenario 21."""
    monkeypatch.setattr("lakemart.lake.commit.delta_options", lambda lake: {**delta_options(lake), "max_retries": "2"})
    with shop.faults.during(Rule(act="busy", method=method, target=target, times=None)):
        document = shop.ingest()
        sent = shop.faults.count(method, target)

    assert document.exit_code == 5, document.errors
    assert [error.kind for error in document.errors] == ["transient"]
    assert sent == requests
    assert sum(pauses) <= 15
    assert shop.ingest().exit_code == 0
    assert (shop.rows(), shop.version()) == (ROWS, 0)
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "read")]


def test_a_commit_that_never_arrives_is_unknown_after_three_attempts_and_the_next_run_does_it(shop: S3Shop) -> None:
    """Scenario 22: nothing is deleted on an unknown outcome, so the files that the intent names are there still."""
    with shop.faults.during(Rule(act="reset", method="PUT", target=LOG, times=None)):
        document = shop.ingest()
        assert shop.faults.count("PUT", LOG) == 3
    assert document.exit_code == 5
    assert "cannot tell whether number 1" in document.errors[0].what
    assert shop.version() == -1

    assert (shop.ingest().exit_code, shop.rows(), shop.version()) == (0, ROWS, 0)
    assert shop.faults.count("DELETE", "") == 0


def test_a_commit_that_arrives_just_before_it_is_sent_again_is_one_commit(shop: S3Shop) -> None:
    """Scenario 24: its connection broke, it was read back and not there; the store does it after all."""
    again, there = threading.Event(), threading.Event()
    with shop.faults.during(
        Rule(act="late", method="PUT", target=LOG, first=lambda: again.wait(30), last=there.set),
        Rule(act="pass", method="PUT", target=LOG, first=lambda: again.set() or there.wait(30)),
    ):
        document = shop.ingest()

    assert there.is_set()
    assert (document.exit_code, document.errors) == (0, [])
    assert (shop.rows(), shop.version()) == (ROWS, 0)


UNREADABLE = {
    "cut_for_ever": Rule(act="cut", method="GET", target=SECOND, times=None),
    "other_bytes": Rule(act="pass", method="GET", target=SECOND, times=None, rewrite=lambda body: b"[" + body[1:]),
    "forbidden": Rule(act="forbid", method="GET", target=SECOND, times=None),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_object_that_cannot_be_read_is_told_and_stops_no_other(shop: S3Shop, name: str) -> None:
    """Scenarios 26 and 27."""
    with shop.faults.during(replace(UNREADABLE[name])):
        document = shop.ingest()

    assert document.exit_code == 5
    assert [(error.kind, SECOND in error.what) for error in document.errors] == [("transient", True)]
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "unread")]
    assert shop.rows() == FIRST_ROWS
    assert set(known_objects(shop.lake, "source/orders")) == {FIRST}
    assert shop.ingest().exit_code == 0
    assert shop.rows() == ROWS


def test_a_prefix_that_may_not_be_listed_stops_its_source_only(shop: S3Shop) -> None:
    """Scenario 27."""
    shop.add_source("visits")
    shop.raw.write("visits/1.ndjson", lines(order(70)))
    with shop.faults.during(Rule(act="forbid", method="GET", target=r"prefix=[^&]*/raw/orders", times=None)):
        document = shop.ingest()

    assert document.exit_code == 2
    assert ["may not list" in error.what for error in document.errors] == [True]
    assert shop.rows("visits") == [("o70", "1.50")]
    assert shop.ingest().exit_code == 0
    assert shop.rows() == ROWS


def test_an_object_that_changes_while_it_is_read_never_gives_mixed_content(shop: S3Shop) -> None:
    """Scenario 32: the first half of the old bytes came; the rest is asked for under the old etag and refused."""
    later = lines(order(50), order(51))
    with shop.faults.during(
        Rule(act="cut", method="GET", target=SECOND),
        Rule(act="pass", method="GET", target=SECOND, first=lambda: shop.raw.write(SECOND, later)),
    ):
        document = shop.ingest()

    assert shop.rows() == sorted([*FIRST_ROWS, ("o50", "1.50"), ("o51", "1.50")])
    assert document.exit_code == 0, document.errors
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "unread"), (2, SECOND, "read")]
    assert shop.ingest().outcome == "nothing_to_do"


def test_an_object_that_is_deleted_between_listing_and_reading_is_accounted_as_unread(shop: S3Shop) -> None:
    """Scenario 33."""
    with shop.faults.during(Rule(act="pass", method="GET", target=SECOND, first=lambda: shop.raw.delete(SECOND))):
        document = shop.ingest()

    assert shop.rows() == FIRST_ROWS
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "unread")]
    assert [SECOND in error.what for error in document.errors] == [True]
    assert document.exit_code == 5
    assert shop.ingest().outcome == "nothing_to_do"


def test_objects_without_records_are_read_accounted_and_not_read_again(shop: S3Shop) -> None:
    """Scenario 35."""
    shop.raw.write(FIRST, b"")
    shop.raw.write(SECOND, b"\n \n\n")

    document = shop.ingest()

    assert (document.exit_code, document.sources["orders"]["records"]) == (0, 0)
    assert entries(shop) == [(1, FIRST, "read"), (1, SECOND, "read")]
    assert shop.ingest().outcome == "nothing_to_do"


def test_an_object_that_is_overwritten_after_it_was_read_is_never_taken_silently(shop: S3Shop) -> None:
    """Scenario 31."""
    shop.ingest()
    shop.raw.write(SECOND, lines(order(50)))

    document = shop.ingest()

    assert document.exit_code == 3
    assert f"{SECOND!r}" in document.errors[0].what
    assert shop.rows() == ROWS
