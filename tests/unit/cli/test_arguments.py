from __future__ import annotations

import pytest

from lakemart.cli.arguments import hoisted, waiting


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--only", "x", "--project", "p", "--json", "--set", "a.b=1", "--set", "c=2"],
        ["--project", "p", "run", "--json", "--only", "x", "--set", "a.b=1", "--set", "c=2"],
        ["--project", "p", "--json", "--set", "a.b=1", "--set", "c=2", "run", "--only", "x"],
    ],
)
def test_global_options_stand_before_and_after_the_command(words: list[str]) -> None:
    front = hoisted(words)[:-3]

    assert hoisted(words)[-3:] == ["run", "--only", "x"]
    assert sorted(front) == sorted(["--project", "p", "--json", "--set", "a.b=1", "--set", "c=2"])


def test_settings_keep_their_order_because_the_last_wins() -> None:
    assert hoisted(["run", "--set", "a=1", "--json", "--set", "a=2"]) == [
        "--set",
        "a=1",
        "--json",
        "--set",
        "a=2",
        "run",
    ]


def test_a_value_that_looks_like_a_global_option_stays_where_it_is() -> None:
    assert hoisted(["quarantine", "--export", "--json"]) == ["quarantine", "--export", "--json"]
    assert hoisted(["query", "--", "--json"]) == ["query", "--", "--json"]


def test_wait_takes_seconds_or_nothing() -> None:
    assert hoisted(["run", "--wait", "--json"]) == ["--wait=inf", "--json", "run"]
    assert hoisted(["run", "--wait", "2.5"]) == ["--wait=2.5", "run"]
    assert hoisted(["--wait", "ingest", "events"]) == ["--wait=inf", "ingest", "events"]
    assert waiting(float("inf")) is None
    assert waiting(2.5) == 2.5


def test_an_option_without_its_value_is_left_for_the_parser_to_complain_about() -> None:
    assert hoisted(["run", "--json", "--project"]) == ["--json", "--project"]
