"""Which type, rules and comment a column gets from the values that were seen."""

from __future__ import annotations

from typing import Any

import pytest

from unit.infer.drafts import columns, inferred, line, of_records, types


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, -5], "int"),
        ([2**31 - 1, -(2**31)], "int"),
        ([1, 2**31], "bigint"),
        ([-(2**63)], "bigint"),
        ([2**63], "decimal(19,0)"),
        ([10**38], "string"),
        ([1, 2.5], "decimal(2,1)"),
        ([0.05, 12.5], "decimal(4,2)"),
        ([0.0], "decimal(1,1)"),
        ([1e22], "double"),
        ([0.1234567890123456], "double"),
        ([True, False, None], "boolean"),
        (["x", "1"], "string"),
        (["2024-02-29"], "date"),
        (["2024-02-29", "2024-02-30"], "string"),
        (["2024-02-29T10:00:00Z", "2024-02-29 10:00:00.5+02:00"], "timestamp"),
        (["2024-02-29T10:00:00Z", "2024-02-29"], "string"),
        (["2024-02-29T10:00:00"], "string"),
        (["", "2024-02-29"], "string"),
        ([1, "x"], "json"),
        ([{"a": 1}, "x"], "json"),
        ([[1]], "json"),
        ([{}], "json"),
        ([None], "json"),
    ],
)
def test_the_narrowest_type_that_takes_all_values(values: list[Any], kind: str) -> None:
    found = of_records({"z": 0}, *({"x": value} for value in values))

    assert types(found)["x"] == kind
    assert (found.counts.good, found.rejects) == (len(values) + 1, {})


@pytest.mark.parametrize(
    ("name", "value", "unit"),
    [
        ("created_at", 1_700_000_000, "s"),
        ("createdAt", 1_700_000_000_123, "ms"),
        ("ts_us", 1_700_000_000_123_456, "us"),
        ("time", 1_700_000_000_123_456_789, "ns"),
        ("ts", 1_700_000_000.25, "s"),
        ("ts_ms", 1_700_000_000, None),
        ("created_at", 17, None),
        ("size", 1_700_000_000, None),
        ("repeat_id", 1_700_000_000_123, None),
    ],
)
def test_epoch_numbers_are_times_when_name_and_range_are_certain(name: str, value: float, unit: str | None) -> None:
    found = of_records({name: value}, {name: value})
    column = next(iter(columns(found).values()))

    assert column.unit == unit
    assert (column.type.kind == "timestamp") == (unit is not None)
    assert found.rejects == {}


def test_one_value_outside_the_range_leaves_epoch_numbers_as_numbers() -> None:
    assert types(of_records({"ts": 1_700_000_000}, {"ts": 0}))["ts"] == "int"


def test_fractions_below_a_microsecond_are_rounded_and_the_comment_says_so() -> None:
    found = of_records({"at": "2024-01-01T00:00:00.123456789Z"}, {"at": "2016-12-31T23:59:60Z"})

    assert (types(found)["at"], columns(found)["at"].round) == ("timestamp", True)
    assert "rounded" in line(found, "at")


def test_required_is_what_every_record_has_and_none_has_as_null() -> None:
    found = of_records(
        {"a": 1, "b": 1, "c": {"d": 1}}, {"a": 2, "b": None, "c": {"d": 2}}, {"a": 3, "b": 3, "c": {"d": 1}}
    )

    required = {name for name, column in columns(found).items() if column.required}
    assert required == {"a", "c_d"}
    assert "in 2 of 3" in line(found, "b")


def test_widths_are_bytes_of_the_longest_value() -> None:
    found = of_records({"x": "日本", "j": [1, 2]}, {"x": "abc", "j": []})

    assert "up to 6 bytes" in line(found, "x")
    assert "up to 6 bytes" in line(found, "j"), "of the source text [1, 2]"


def test_nul_characters_are_stripped_where_they_stand() -> None:
    found = inferred(b'{"s":"a\\u0000","o":{"k\\u0000":1},"p":{"q":"\\u0000"}}\n')

    assert (columns(found)["s"].nul, columns(found)["p_q"].nul) == ("strip", "strip")
    assert (types(found)["o"], columns(found)["o"].nul) == ("json", "strip")
    assert found.rejects == {}


def test_a_key_that_stands_twice_makes_the_last_one_count() -> None:
    found = inferred(b'{"a":1,"a":2}\n')

    assert found.feed.duplicate_keys == "last"
    assert found.rejects == {}


def test_few_harmless_values_are_shown_and_others_never() -> None:
    secret = "Zq3x8-token-9f2b7c1d"
    records = [
        {
            "kind": "push" if n % 2 else "fork",
            "mail": f"ann{n % 2}@example.org",
            "password": secret,
            "ref": secret,
            "city": "Bonn",
        }
        for n in range(40)
    ]

    found = of_records(*records)

    assert "one of fork, push" in line(found, "kind")
    assert "consider pii: hash" in line(found, "mail")
    assert not any(word in found.text for word in (secret, "ann0", "example.org", "Bonn"))


def test_arrays_say_what_else_they_could_become() -> None:
    found = of_records({"tags": ["a", "b"], "lines": [{"sku": 1}], "nested": [[1]], "none": [], "mixed": [1, "x"]})

    assert "list<string> fits" in line(found, "tags")
    assert "child table (explode)" in line(found, "lines")
    assert set(types(found).values()) == {"json"}
