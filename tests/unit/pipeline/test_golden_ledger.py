"""A ledger as an earlier lakemart left it, kept as text: today's reads it, and goes on from it.

`golden/ledger/format_1.json` maps the files of a small project, its ledger and its tables' logs (not their data) to their
text. It saw batches, a refusal, a compaction, an overwritten object, three builds and publishes, and an adoption. It is
never made anew: a later format gets a file of its own beside it.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from e2e.shop import order
from lakemart.ledger import records
from lakemart.ledger.known import known_objects
from lakemart.ledger.projection import rebuild
from lakemart.ledger.records import FORMAT
from lakemart.models.changes import InputVersion, input_change
from lakemart.pipeline.audit import tables
from lakemart.pipeline.books import books
from lakemart.pipeline.status import status
from unit.pipeline.shop import Shop

GOLDEN = Path(__file__).parents[2] / "golden" / "ledger"
SOURCE, MODEL, MART = "source/orders", "model/daily", "mart/daily"


@pytest.fixture(params=range(1, FORMAT + 1))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """The project of one format, unpacked."""
    texts = json.loads((GOLDEN / f"format_{request.param}.json").read_text(encoding="utf-8"))
    for name, text in texts.items():
        path = tmp_path / name.removeprefix("project/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    config = tmp_path / "project.yaml"
    config.write_text(
        config.read_text(encoding="utf-8").replace("lake: embedded", f"lake: {tmp_path / 'lake'}"), encoding="utf-8"
    )
    return Shop(folder=tmp_path)


def test_there_is_a_ledger_of_every_format_up_to_todays() -> None:
    assert sorted(path.name for path in GOLDEN.glob("format_*.json")) == [
        f"format_{n}.json" for n in range(1, FORMAT + 1)
    ]


def test_books_and_status_are_what_they_were(old: Shop) -> None:
    document = books(old.context())
    assert document.balanced
    assert {name: document.sources["orders"][name] for name in ("objects", "records", "good", "quarantined", "duplicate", "filtered")} == {
        "objects": 5, "records": 15, "good": 7, "quarantined": 5, "duplicate": 2, "filtered": 1,
    }  # fmt: skip
    states = {one.writer: (one.state, one.number, one.rows) for one in status(old.context()).writers}
    assert states == {SOURCE: ("good", 8, 7), MODEL: ("good", 3, 3), MART: ("good", 3, None)}


def test_every_kind_of_number_is_read(old: Shop) -> None:
    found = list(records.numbers(old.store, SOURCE))
    assert [record.plan["kind"] for record in found] == [
        "new",
        "new",
        "new",
        "new",
        "new",
        "compact",
        "replace",
        "adopt",
    ]
    assert [record.number for record in found if record.refused] == [5]


def test_what_was_known_is_known(old: Shop) -> None:
    known = known_objects(old.lake, SOURCE)
    assert {key: one.number for key, one in known.items()} == {
        "orders/2024-05-01.ndjson": 1, "orders/2024-05-02.ndjson": 7,
        "orders/more-0.ndjson": 2, "orders/more-1.ndjson": 3, "orders/more-2.ndjson": 4,
    }  # fmt: skip
    assert old.ingest().outcome == "nothing_to_do"


def test_a_models_inputs_and_a_marts_slices_stand(old: Shop) -> None:
    built = records.last_committed(old.store, MODEL)
    assert built is not None
    assert built.done is not None
    before = InputVersion.from_json(built.done["inputs"]["orders"])
    change = input_change(old.store, "orders", SOURCE, before=before, slice_column="day")
    assert change is not None
    assert (change.changed, change.touched) == (False, frozenset())


def test_the_projection_is_made_from_it(old: Shop) -> None:
    assert rebuild(old.lake) == {"objects": 8, "batches": 14, "books": 6, "publishes": 3, "fields": 0}


def test_the_writer_goes_on_from_it(old: Shop) -> None:
    old.land("later", order(300, "2024-08-01"))
    assert old.ingest().outcome == "ok"
    record = records.head(old.store, SOURCE)
    assert record is not None
    assert record.number == 9
    (orders,) = [one for one in tables(old.context(), SOURCE) if one.name == "orders"]
    assert orders.rows == 8
    assert all("is missing" in finding for finding in orders.findings)  # the data files that are not kept here


def test_a_later_format_is_refused_and_nothing_is_done(old: Shop) -> None:
    path = old.folder / "lake" / "_ledger" / "source" / "orders" / "0000000008" / "done.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format":1', '"format":2'), encoding="utf-8")
    old.land("later", order(300, "2024-08-01"))
    document = old.ingest()
    assert [error.next_step for error in document.errors] == ["Run a newer lakemart."]
    assert not list((old.folder / "lake" / "orders").rglob("*.parquet"))
