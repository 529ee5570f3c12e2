"""From which date on a dated prefix is listed: carried from plan to plan, and only under the rules it was found by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lakemart.config.source import ObjectRules
from lakemart.ingest.planning import dates_in_plan, open_since
from lakemart.ledger.records import last_committed
from unit.ingest.place import Place

DAYS = ObjectRules(prefix="in/{yyyy}/{MM}/{dd}/", pattern="*.json", closed_after=timedelta(days=7))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.source = replace(made.source, objects=DAYS)
    made.land("in/2020/01/01/a.json", {"id": "1"})
    return made


def since(place: Place) -> datetime | None:
    return open_since(place.source, last_committed(place.store, "source/shop"))


def test_a_plan_closes_dates_for_the_next(place: Place) -> None:
    assert since(place) is None
    place.ingest()

    found = since(place)

    assert found is not None
    assert timedelta(days=7) <= datetime.now(UTC) - found <= timedelta(days=8)
    place.land("in/2020/01/01/late.json", {"id": "2"})
    assert place.ingest() is None


@pytest.mark.parametrize(
    "given", [{"prefix": "in/{yyyy}/{MM}/"}, {"pattern": "*"}, {"closed_after": timedelta(days=30)}], ids=str
)
def test_under_other_rules_every_date_is_looked_at_once_more(place: Place, given: dict[str, Any]) -> None:
    """A pattern that takes more, or another prefix, makes objects of closed dates the source's that never were."""
    place.land("in/2020/01/01/b.txt", {"id": "2"})
    place.ingest()
    place.source = replace(place.source, objects=replace(DAYS, **given))
    assert since(place) is None

    place.land("in/2020/01/31/late.json", {"id": "3"})
    place.ingest()

    assert since(place) is not None
    assert ("3",) in place.rows("orders", "id")
    assert (("2",) in place.rows("orders", "id")) == ("pattern" in given)


def test_what_could_not_be_read_keeps_its_date_open(place: Place) -> None:
    place.ingest()
    last = last_committed(place.store, "source/shop")
    assert last is not None
    assert last.decision is not None
    last.decision["objects"][0]["status"] = "unread"

    assert open_since(place.source, last) == datetime(2020, 1, 1, tzinfo=UTC)
    assert dates_in_plan(place.source, None)["open_since"] is None
