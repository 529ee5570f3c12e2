from __future__ import annotations

import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localshift.errors import SqlError
from localshift.loading.columns import parse_column
from localshift.loading.copy import parse_copy
from localshift.loading.parquet import minimal_bytes, mismatch
from localshift.s3.objects import open_bucket

COPY = "copy s.t from 's3://b/m' iam_role 'arn:x' format as parquet manifest"


def test_a_copy_is_read_as_a_value() -> None:
    copy = parse_copy(
        "/* tag */ COPY \"S\".t (A, b) FROM 's3://b/m' IAM_ROLE 'arn:x' FORMAT PARQUET MANIFEST STATUPDATE OFF"
    )

    assert (copy.target, copy.columns, copy.source, copy.iam_role) == ('"s"."t"', ("a", "b"), "s3://b/m", "arn:x")
    assert copy.manifest
    assert copy.options == {"MANIFEST", "STATUPDATE"}


@pytest.mark.parametrize("format_words", ["parquet", "format parquet", "format as parquet", "as parquet"])
def test_the_format_may_be_written_in_these_ways(format_words: str) -> None:
    if format_words.startswith("as"):
        with pytest.raises(SqlError):
            parse_copy(f"copy t from 's3://b/m' iam_role default {format_words}")
    else:
        assert parse_copy(f"copy t from 's3://b/m' iam_role default {format_words}").format == "PARQUET"


@pytest.mark.parametrize(
    "option",
    ["maxerror 1", "maxerror as 10", "region 'eu-west-1'", "compupdate off", "gzip", "acceptanydate", "ignoreallerrors",
     "null as 'x'", "dateformat 'auto'", "truncatecolumns", "noload", "blanksasnull", "ignoreheader 1", "escape"],
)  # fmt: skip
def test_parameters_that_parquet_does_not_take_are_refused(option: str) -> None:
    with pytest.raises(SqlError, match="argument is not supported for PARQUET based COPY"):
        parse_copy(f"{COPY} {option}")


@pytest.mark.parametrize("option", ["fillrecord", "explicit_ids", "serializetojson", "acceptinvchars", "statupdate on"])
def test_parameters_that_parquet_takes_are_read(option: str) -> None:
    assert option.split(maxsplit=1)[0].upper() in parse_copy(f"{COPY} {option}").options


@pytest.mark.parametrize(
    "sql",
    [
        "copy",
        "copy t",
        "copy t from",
        "copy t from x",
        "copy t from 's3://b/m' parquet",
        "copy t from 'ssh://b/m' iam_role default parquet",
        "copy t from 's3://b/m' iam_role default csv json",
        "copy t from 's3://b/m' iam_role default gzip zstd",
        "copy t from 's3://b/m' iam_role default maxerror 100001",
        "copy t from 's3://b/m' iam_role default maxerror many",
        "copy t from 's3://b/m' iam_role default ignoreheader",
        "copy t from 's3://b/m' iam_role default encoding latin9",
        "copy t from 's3://b/m' iam_role default acceptinvchars 'é'",
        "copy t from 's3://b/m' iam_role default json 'sometimes'",
        "copy t from 's3://b/m' iam_role default null as x",
        "copy t from 's3://b/m' iam_role default csv encrypted",
        "copy t from 's3://b/m' iam_role default parquet nonsense",
        "copy t from 's3://b/m' iam_role default parquet manifest manifest",
        "copy t from 's3://b/m' credentials 'aws_access_key_id=a' parquet",
        "copy a.b.c from 's3://b/m' iam_role default parquet",
        "copy t from 's3://b/m' iam_role default parquet job create j",
    ],
)
def test_what_is_no_copy_of_this_cut_is_an_sql_error(sql: str) -> None:
    with pytest.raises(SqlError):
        parse_copy(sql)


@pytest.mark.parametrize(("precision", "size"), [(1, 1), (2, 1), (3, 2), (9, 4), (10, 5), (18, 8), (19, 9), (38, 16)])
def test_a_decimal_takes_the_fewest_bytes(precision: int, size: int) -> None:
    assert minimal_bytes(precision) == size


def described(array: pa.Array, **options: object) -> pq.ColumnSchema:
    sink = io.BytesIO()
    pq.write_table(pa.table({"a": array}), sink, **options)
    with pq.ParquetFile(sink) as file:
        return file.schema.column(0)


@pytest.mark.parametrize("as_integer", [True, False])
@pytest.mark.parametrize("precision", [9, 18, 38])
def test_decimals_fit_as_integers_or_as_bytes_of_the_least_length(precision: int, *, as_integer: bool) -> None:
    array = pa.array([Decimal(1)], pa.decimal128(precision, 0))

    column = described(array, store_decimal_as_integer=as_integer)

    assert mismatch(column, parse_column("a", f"numeric({precision},0)")) == ""


def test_a_mismatch_shows_the_files_side() -> None:
    assert mismatch(described(pa.array([1], pa.int64())), parse_column("a", "integer")) == "optional int64 a"


@pytest.mark.parametrize(
    ("formatted", "shown"),
    [
        ("character varying(12)", "VARCHAR(12)"),
        ("character(3)", "CHAR(3)"),
        ("numeric(18,2)", "DECIMAL(18, 2)"),
        ("timestamp without time zone", "TIMESTAMP"),
        ("integer", "INT"),
    ],
)
def test_a_column_type_is_named_as_spectrum_does(formatted: str, shown: str) -> None:
    assert parse_column("a", formatted).spectrum_type == shown


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("s3://b/in/x", True),
        ("s3://b/in/", True),
        ("s3://b/other", False),
        ("s3://b2/in/x", False),
        ("s3://b/i", False),
    ],
)
def test_a_role_reads_only_below_its_prefixes(url: str, *, allowed: bool) -> None:
    class Client:
        def head_object(self, **_: str) -> dict[str, int]:
            return {"ContentLength": 1}

    bucket = open_bucket(Client(), {"arn:x": ("s3://b/in/",)}, "arn:x")  # type: ignore[arg-type]

    if allowed:
        assert bucket.size(url) == 1
    else:
        with pytest.raises(SqlError, match="Access Denied"):
            bucket.size(url)
