"""Where malformed, ill-typed, duplicate and skipped records land, and what becomes of damaged and overwritten objects.

No Spark here: a small batch is ingested in the command itself.
"""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from e2e.driving import Project
from e2e.shop import CUT_OFF, NO_SHOP, SECOND, THIRD, lines, order

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

COUNTS = ("records", "good", "quarantined", "duplicate", "filtered")


def counted(line: dict[str, Any]) -> tuple[int, ...]:
    return tuple(line[name] for name in COUNTS)


def rows(project: Project, table: str) -> list[dict[str, Any]]:
    return list(DeltaTable(str(project.lake / table)).to_pyarrow_table().to_pylist())


def ids(project: Project) -> list[str]:
    return sorted(row["id"] for row in rows(project, "orders"))


def objects(project: Project) -> dict[str, dict[str, Any]]:
    """The ledger's table of objects, by key: what people and SQL see."""
    return {row["key"]: row for row in rows(project, "_ledger/tables/objects")}


def test_for_every_object_records_equal_good_plus_quarantined_plus_duplicate_plus_filtered(shop: Project) -> None:
    """Acceptance: the equation holds object by object in the ledger's own table, and each count is the right one."""
    run = shop.ok("ingest")
    found = objects(shop)
    assert {key: counted(row) for key, row in found.items()} == {
        "orders/2024-05-01.ndjson": (8, 4, 2, 1, 1),
        "orders/2024-05-02.ndjson": (3, 2, 0, 1, 0),
    }
    assert all(row["records"] == sum(counted(row)[1:]) for row in found.values())
    assert counted(run["sources"]["orders"]) == (11, 6, 2, 2, 1)
    assert run["balanced"] is True


def test_every_kind_of_bad_record_is_quarantined_with_its_reason_and_its_place(shop: Project) -> None:
    """Acceptance: malformed and ill-typed records are told apart; offset and length find the record in its object."""
    bad = {
        ("missing_value", "id"): b'{"at": "2024-05-01T00:00:00Z", "shop": "north"}',
        ("wrong_type", "amount"): order(21, amount="1.50"),
        ("out_of_range", "amount"): order(22, amount=12345678901),
        ("not_exact", "amount"): order(23, amount=1.005),
        ("bad_text", "at"): order(24, at="yesterday"),
        ("duplicate_key", None): b'{"id": "o25", "id": "o26", "at": "2024-05-01T00:00:00Z", "shop": "north"}',
        ("trailing_content", None): order(27) + b" " + order(28),
        ("not_an_object", None): b"[1, 2]",
        ("invalid_utf8", None): b'{"id": "o\xff29"}',
    }
    data = lines(order(1), *bad.values(), order(2))
    shop.land("orders/2024-05-01.ndjson", data)
    assert counted(shop.ok("ingest")["sources"]["orders"])[2] == len(bad)
    found = {(row["reason"], row["column"]): row for row in rows(shop, "orders_quarantine")}
    assert {place: row["raw"] for place, row in found.items()} == bad
    for row in found.values():
        assert data[row["offset"] : row["offset"] + row["length"]] == row["raw"]
        assert row["object"] == "orders/2024-05-01.ndjson"
    groups = shop.ok("quarantine")["groups"]
    assert {(group["reason"], group["column"]): group["count"] for group in groups} == dict.fromkeys(bad, 1)


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_export_gives_back_the_exact_bytes_of_rejected_records(shop: Project, tmp_path: Path, *, packed: bool) -> None:
    """Acceptance: bytes come out as they went in, broken UTF-8, odd white space and carriage returns included."""
    odd = [
        b"\xff\xfe\x00 not json",
        b'  {"id" :\t"o9",  "at": 1}  ',
        b'{"id": "\xe2\x82',
        b'{"a": 1}\r',
        "{'ü': 'ß'}".encode(),
    ]
    data = lines(order(1), *odd, order(2))
    shop.land("orders/2024-05-01.ndjson", gzip.compress(data) if packed else data)
    shop.ok("ingest")
    told = shop.ok("quarantine", "orders", "--export", str(tmp_path / "rejected"))
    exported = (tmp_path / "rejected").read_bytes()
    # The framing drops the end of a line and nothing else: what is rejected is all bytes between two of them.
    assert exported.replace(b"\r\n", b"\n") == lines(*odd).replace(b"\r\n", b"\n")
    assert told["exported"] == len(odd)


def test_duplicates_within_a_file_across_files_and_across_runs_are_kept_out_and_counted(shop: Project) -> None:
    """Acceptance: the first by object and offset wins, an earlier run wins over a later one, losers are kept by place."""
    first = shop.ok("ingest")["sources"]["orders"]
    assert first["duplicate"] == 2
    shop.land("orders/2024-05-03.ndjson", lines(order(1, amount=55), order(11, SECOND, amount=66), order(31, SECOND)))
    second = shop.ok("ingest")["sources"]["orders"]
    assert counted(second) == (3, 1, 0, 2, 0)
    assert ids(shop) == ["o1", "o11", "o12", "o2", "o3", "o31", "o4"]
    amounts = {row["id"]: float(row["amount"]) for row in rows(shop, "orders")}
    assert [amounts[name] for name in ("o1", "o2", "o11")] == [1.5, 1.5, 1.5]
    losers = sorted((row["object"], row["offset"]) for row in rows(shop, "orders_duplicates"))
    assert [name for name, _ in losers] == [
        "orders/2024-05-01.ndjson",
        "orders/2024-05-02.ndjson",
        *["orders/2024-05-03.ndjson"] * 2,
    ]
    data = (shop.raw / "orders/2024-05-03.ndjson").read_bytes()
    assert [offset for name, offset in losers if name.endswith("03.ndjson")] == [0, data.index(b'{"id": "o11"')]


def test_the_same_key_beyond_the_look_back_is_another_record(shop: Project) -> None:
    """Duplicates are looked for in the partitions a batch touches, plus and minus the look-back."""
    shop.ok("ingest")
    shop.land("orders/2024-05-20.ndjson", lines(order(1, THIRD)))
    assert counted(shop.ok("ingest")["sources"]["orders"]) == (1, 1, 0, 0, 0)


def test_a_damaged_object_gives_no_record_and_the_others_go_on(shop: Project) -> None:
    """A gzip that is cut off: exit 3, named with its reason; good objects of the batch are in. Mended, it is taken."""
    whole = gzip.compress(lines(*(order(number, THIRD) for number in range(40, 60))))
    shop.land("orders/2024-05-20.ndjson.gz", whole[:-20])
    run = shop.stops(3, "ingest")
    assert run["outcome"] == "partial"
    assert run["sources"]["orders"]["damaged"] == 1
    assert [error["kind"] for error in run["errors"]] == ["data"]
    assert "orders/2024-05-20.ndjson.gz" in run["errors"][0]["message"]
    assert "truncated_compression" in run["errors"][0]["message"]
    assert len(ids(shop)) == 6
    assert objects(shop)["orders/2024-05-20.ndjson.gz"]["status"] == "damaged"
    status = {writer["writer"]: writer for writer in shop.ok("status")["writers"]}
    assert status["source/orders"]["damaged"] == 1
    assert shop.ok("ingest")["outcome"] == "nothing_to_do"
    shop.land("orders/2024-05-20.ndjson.gz", whole)
    assert counted(shop.ok("ingest")["sources"]["orders"]) == (20, 20, 0, 0, 0)


def test_an_object_that_was_overwritten_is_told_with_both_etags_and_the_others_go_on(shop: Project) -> None:
    """Policy `error`: exit 3, nothing of the new content is read, and a new object beside it is."""
    shop.ok("ingest")
    known = objects(shop)["orders/2024-05-01.ndjson"]["etag"]
    shop.land("orders/2024-05-01.ndjson", lines(order(70), order(71)))
    shop.land("orders/2024-05-20.ndjson", lines(order(72, THIRD)))
    run = shop.stops(3, "ingest")
    (error,) = run["errors"]
    assert "orders/2024-05-01.ndjson" in error["message"]
    named = [word.strip(",.;:'") for word in error["message"].split()]
    assert known in named
    assert "now" in named
    assert named[named.index("now") + 1] not in {"", known}
    assert run["sources"]["orders"]["good"] == 1
    assert "o72" in ids(shop)
    assert not {"o70", "o71"} & set(ids(shop))
    assert len(shop.stops(3, "ingest")["errors"]) == 1


def test_an_object_that_was_overwritten_may_be_ignored(shop: Project) -> None:
    """Policy `ignore`: exit 0, and its new content is not read."""
    shop.rewrite("sources/orders.yaml", '"*.ndjson*"', '"*.ndjson*", overwritten: ignore')
    shop.ok("ingest")
    shop.land("orders/2024-05-01.ndjson", lines(order(70), order(71)))
    assert shop.ok("ingest")["outcome"] == "nothing_to_do"


def test_a_batch_over_its_reject_limit_is_refused_and_visible_nowhere(shop: Project) -> None:
    """Acceptance: exit 3, no table, no quarantine; status says why. After the contract is mended its objects are taken."""
    texts = [order(number, amount="1.50") for number in range(80, 95)]
    shop.land("orders/2024-05-03.ndjson", lines(*texts))
    run = shop.stops(3, "ingest")
    assert run["outcome"] == "stopped"
    assert "17 of 26 records were rejected" in run["errors"][0]["message"]
    assert not any(
        DeltaTable.is_deltatable(str(shop.lake / name)) for name in ("orders", "orders_quarantine", "orders_duplicates")
    )
    assert shop.ok("quarantine")["groups"] == []
    assert shop.ok("books")["sources"]["orders"]["records"] == 0
    (writer,) = [one for one in shop.ok("status")["writers"] if one["writer"] == "source/orders"]
    assert writer["state"] == "refused"
    assert "17 of 26" in writer["reasons"][0]
    shop.rewrite("sources/orders.yaml", 'type: "decimal(9,2)"', 'type: "decimal(9,2)", lenient: true')
    assert counted(shop.ok("ingest")["sources"]["orders"]) == (26, 21, 2, 2, 1)
    assert len(ids(shop)) == 21


def test_the_two_rejects_of_the_small_project_are_those_it_was_given(shop: Project, tmp_path: Path) -> None:
    """What the tests of killed runs compare holds the very bytes."""
    shop.ok("ingest")
    shop.ok("quarantine", "--export", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == lines(NO_SHOP, CUT_OFF)
