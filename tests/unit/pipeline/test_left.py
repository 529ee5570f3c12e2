"""What a run leaves for the next one by its bounds, and what many objects that go wrong come to in what people read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.shop import order
from lakemart.pipeline.maintain import Upkeep, maintain
from lakemart.pipeline.status import status
from lakemart.storage.local import LocalStore
from lakemart.storage.store import ForbiddenObjectError
from unit.pipeline.shop import Shop, make_shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """Five objects, of which a run takes two."""
    made = make_shop(tmp_path / "p", landed=False)
    made.rewrite('"*.ndjson*"', '"*.ndjson*", max_objects: 2')
    for number in range(5):
        made.land(f"{number}", order(number))
    return made


def left(shop: Shop) -> Any:
    (source,) = status(shop.context()).as_json()["writers"]
    return source["left"]


def test_what_the_bounds_of_a_source_leave_stands_in_the_run_document_and_in_the_status(shop: Shop) -> None:
    assert left(shop) == 0, "nothing was looked for yet"
    for waiting in (3, 1, 0, 0):
        document = shop.ingest().as_json()
        assert document["sources"]["orders"]["left"] == waiting
        assert left(shop) == waiting
    assert document["outcome"] == "nothing_to_do"
    assert len(shop.ids()) == 5


def test_an_upkeep_between_two_runs_forgets_nothing_of_it(shop: Shop) -> None:
    shop.ingest()
    shop.ingest()
    report = maintain(shop.context(), Upkeep())

    assert report.as_json()["errors"] == []
    assert shop.delta().version() > 1, "its small files were merged, by a number of the source"
    assert left(shop) == 1


def test_of_very_many_objects_that_go_wrong_the_first_are_named_and_the_rest_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lakemart.ingest.planning.NAMED", 2)
    monkeypatch.setattr("lakemart.pipeline.stories.NAMED", 1)
    shop.rewrite(", max_objects: 2", "")
    whole = LocalStore.blocks

    def failing(self: LocalStore, key: str, *, etag: str | None = None) -> Iterator[bytes]:
        if key[-8] in "124":
            raise ForbiddenObjectError("no")
        return iter([b"\x1f\x8b cut"]) if key[-8] in "03" else whole(self, key, etag=etag)

    monkeypatch.setattr(LocalStore, "blocks", failing)
    document = shop.ingest()

    assert sorted(error.what.partition(":")[0] for error in document.errors) == [
        "1 more object(s) are damaged; the ledger's table `objects` names them",
        "1 more object(s) could not be read",
        "object 'orders/0.ndjson' is damaged",
        "object 'orders/1.ndjson' could not be read",
        "object 'orders/2.ndjson' could not be read",
    ]
