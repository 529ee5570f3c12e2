"""Public data sets, a few records of each, and the two hours of the example project: every record is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakemart.decode.api import decode_object
from lakemart.infer.api import Inferred, infer
from unit.infer.drafts import columns, line, sample, types

ROOT = Path(__file__).parents[3]
SAMPLES = Path(__file__).parent / "samples"


def of_files(pattern: str, folder: Path = SAMPLES) -> Inferred:
    files = sorted(folder.glob(pattern))
    assert files, pattern
    return infer("events", [sample(file.read_bytes(), file.name) for file in files])


@pytest.mark.parametrize(
    ("pattern", "form", "records"),
    [
        ("cloudtrail-*.json", "records", 6),
        ("github-issue-events.json", "array", 3),
        ("inventory-*.json", "ndjson", 8),
        ("wikipedia-edits.json", "ndjson", 4),
        ("cdc-messages.jsonl", "ndjson", 5),
    ],
)
def test_every_record_of_a_public_data_set_is_taken(pattern: str, form: str, records: int) -> None:
    found = of_files(pattern)

    assert (found.format.name, found.counts.records, found.counts.good) == (form, records, records)
    assert found.rejects == {}


@pytest.mark.parametrize(("year", "records"), [("2012", 4074), ("2015", 7702)])
def test_the_hours_of_the_example_project_are_taken_whole(year: str, records: int) -> None:
    found = of_files("*.json.gz", ROOT / "conf/gharchive/raw" / year)
    again = sum(
        piece.counts.good
        for file in (ROOT / "conf/gharchive/raw" / year).glob("*.json.gz")
        for piece in decode_object([file.read_bytes()], found.feed)
    )

    assert (found.counts.good, again, found.rejects) == (records, records, {})
    table = found.feed.tables[0]
    assert (table.key, table.partition_by) == (("id",), "created_date")
    assert types(found)["payload_commits"] == "json"
    assert len(table.columns) <= 101
    assert "explode" in line(found, "payload_commits")
    assert 'pattern: "*.json.gz"' in found.text
    assert "# gzip" in found.text


def test_cloudtrail_is_read_from_its_documents_with_aws_names_in_snake_case() -> None:
    found = of_files("cloudtrail-*.json")

    assert found.format.path == ("Records",)
    assert "format: {records: Records}" in found.text
    assert {"event_id", "source_ip_address", "user_identity_account_id", "tls_details_tls_version"} <= set(
        columns(found)
    )
    assert "# key: [event_id]" in found.text, "6 records prove no key"
    assert found.feed.tables[0].partition_by == "event_date"


def test_signs_in_keys_become_words() -> None:
    found = of_files("github-issue-events.json")

    assert columns(found)["issue_reactions_plus_1"].path == ("issue", "reactions", "+1")
    assert columns(found)["issue_reactions_minus_1"].path == ("issue", "reactions", "-1")


def test_epochs_are_times_only_where_name_and_range_leave_no_doubt() -> None:
    found = of_files("cdc-messages.jsonl")

    assert (types(found)["ts_ms"], columns(found)["ts_ms"].unit) == ("timestamp", "ms")
    assert types(found)["ts"] == "bigint", "seconds of one system beside milliseconds of another"
