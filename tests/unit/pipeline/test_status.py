"""Status: what the last run told, also of what left no number behind."""

from __future__ import annotations

from pathlib import Path

from e2e.shop import order
from lakemart.pipeline.status import status
from unit.pipeline.shop import make_shop


def test_what_the_last_run_told_stands_in_the_status_until_a_run_has_nothing_to_tell(tmp_path: Path) -> None:
    shop = make_shop(tmp_path, landed=False)
    assert status(shop.context()).last_errors == ()
    shop.land("a", order(1))
    assert shop.ingest().outcome == "ok"
    first = (tmp_path / "raw/orders/a.ndjson").read_bytes()
    shop.land("a", order(1), order(2))

    stopped = shop.ingest()
    told = status(shop.context())

    (error,) = told.last_errors
    assert (told.last_run, error["message"]) == (stopped.run, stopped.errors[0].what)
    assert "'orders/a.ndjson'" in error["message"]
    assert "`lakemart accept KEY`" in error["next"]

    (tmp_path / "raw/orders/a.ndjson").write_bytes(first)
    assert shop.ingest().outcome == "nothing_to_do"
    assert status(shop.context()).last_errors == ()
    documents = list((tmp_path / "lake/_ledger/runs").iterdir())
    assert shop.ingest().outcome == "nothing_to_do"
    assert list((tmp_path / "lake/_ledger/runs").iterdir()) == documents, "only the first of them leaves a document"
