from __future__ import annotations

from decimal import Decimal

import pytest

from localshift.errors import SqlError
from localshift.loading.columns import parse_column
from localshift.loading.fielderrors import FieldError
from localshift.loading.fields import converter
from localshift.loading.moments import date_parser, timestamp_parser
from localshift.loading.reading import Reading


def convert(kind: str, value: str | None, **options: object) -> str | None:
    return converter(parse_column("a", kind), Reading(**options))(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("integer", " 12 ", "12"),
        ("integer", "-2147483648", "-2147483648"),
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("numeric(5,2)", "1e2", "100.00"),
        ("numeric(5,2)", "-.009", "-0.00"),
        ("numeric(38,0)", "9" * 38, "9" * 38),
        ("double precision", "1e-300", "1e-300"),
        ("double precision", "NaN", "nan"),
        ("boolean", "YES", "t"),
        ("boolean", "0", "f"),
        ("time without time zone", "23:59:59.5", "23:59:59.5"),
        ("time with time zone", "01:02+02:00", "01:02+02:00"),
        ("jsonb", '{"a": 1}', '{"a": 1}'),
        ("character varying(4)", "€", "€"),
        ("date", "2020-02-29 11:00:00", "2020-02-29"),
        ("timestamp without time zone", "2020-02-29 01:02:03.1234567", "2020-02-29 01:02:03.123456"),
        ("timestamp with time zone", "2020-02-29 01:02:03-08:00", "2020-02-29 01:02:03-08:00"),
    ],
)
def test_a_value_of_its_type_becomes_text_postgresql_reads(kind: str, value: str, expected: str) -> None:
    assert convert(kind, value) == expected


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("smallint", "32768", 1222),
        ("integer", "1.0", 1207),
        ("integer", "१", 1207),
        ("bigint", "9" * 30, 1222),
        ("numeric(5,2)", "1000", 1209),
        ("numeric(5,2)", "NaN", 1207),
        ("numeric(5,2)", "1e99999999", 1209),
        ("real", "1e39", 1208),
        ("double precision", "1e309", 1208),
        ("double precision", "1_0", 1208),
        ("boolean", "on", 1210),
        ("time without time zone", "24:00:00", 1206),
        ("time without time zone", "01:02:03+01", 1206),
        ("jsonb", "NaN", 1224),
        ("jsonb", '"\\ud800"', 1224),
        ("jsonb", '{"a": "\\u0000"}', 1224),
        ("jsonb", "[" * 100_000, 1224),
        ("character varying(4)", "\udcff", 1220),
        ("character varying(4)", "a\0", 1220),
        ("character varying(4)", "€€", 1204),
        ("date", "2021-02-29", 1205),
        ("date", "20210228", 1205),
        ("timestamp without time zone", "2020-01-01 24:00:00", 1206),
        ("timestamp without time zone", "2020-01-01", 1206),
        ("timestamp with time zone", "2020-01-01 00:00:00+16", 1206),
    ],
)
def test_a_value_postgresql_would_refuse_is_refused_before(kind: str, value: str, code: int) -> None:
    with pytest.raises(FieldError) as caught:
        convert(kind, value)

    assert caught.value.code == code


def test_a_column_of_a_type_nothing_is_known_of_is_refused_at_once() -> None:
    with pytest.raises(SqlError, match="is not supported"):
        converter(parse_column("a", "interval"), Reading())


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("YYYYMMDD", "20200131", "2020-01-31"),
        ("MON-DD-YYYY", "Jan-31-2020", "2020-01-31"),
        ("DD.MM.YY", "31.01.69", "2069-01-31"),
        ("DD.MM.YY", "31.01.70", "1970-01-31"),
        ("auto", "31 January 2020", "2020-01-31"),
        ("auto", "2020/1/31", "2020-01-31"),
        ("", "0001-01-01", "0001-01-01"),
    ],
)
def test_a_date_is_read_by_its_format(text: str, value: str, expected: str) -> None:
    assert date_parser(text)(value) == expected


@pytest.mark.parametrize(("text", "value"), [("MM/DD/YYYY", "13/01/2020"), ("auto", "someday"), ("YYYY-MM", "2020")])
def test_a_date_that_does_not_match_its_format_is_no_date(text: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        date_parser(text)(value)


@pytest.mark.parametrize("text", ["YYYY-MM-DD HH24:MI:SSOF", "YYYY YYYY"])
def test_a_format_that_cannot_be_is_an_error_of_the_statement(text: str) -> None:
    with pytest.raises(SqlError):
        timestamp_parser(text, zoned=True)


@pytest.mark.parametrize("value", ["x", "9" * 30, "1e400", "nan"])
def test_an_epoch_that_is_no_moment_is_refused(value: str) -> None:
    with pytest.raises(FieldError):
        convert("timestamp without time zone", value, time_format="epochsecs")


def test_rounding_goes_away_from_nought_at_the_half() -> None:
    rounded = convert("numeric(8,2)", "20.255", round_decimals=True)

    assert rounded is not None
    assert Decimal(rounded) == Decimal("20.26")
