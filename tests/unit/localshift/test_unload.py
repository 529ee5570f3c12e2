from __future__ import annotations

import pytest

from localshift.errors import SqlError
from localshift.loading.columns import parse_column
from localshift.sql.grammar import Cursor
from localshift.unloading.lines import encoder, parse_row
from localshift.unloading.unload import MB, Unload, parse_unload


def unload(options: str = "", query: str = "select a from t") -> Unload:
    return parse_unload(Cursor(f"unload ('{query}') to 's3://b/p' iam_role default {options}"))


def test_an_unload_is_read_as_a_value() -> None:
    value = unload(
        'format as csv partition by (x, "Y") include manifest verbose parallel off maxfilesize as 1.5 gb header'
    )

    assert (value.location, value.partition_by, value.include) == ("s3://b/p/", ("x", "y"), True)
    assert (value.manifest, value.parallel, value.max_bytes) == ("verbose", False, 1536 * MB)
    assert (value.format, value.delimiter, value.existing) == ("CSV", ",", "refuse")


@pytest.mark.parametrize(
    "sql",
    [
        "unload",
        "unload ('select 1')",
        "unload ('select 1') to 's3://b/p'",
        "unload ('') to 's3://b/p' iam_role default",
        "unload ('delete from t') to 's3://b/p' iam_role default",
        "unload ('select 1; select 2') to 's3://b/p' iam_role default",
        "unload ('select top 5 a from t') to 's3://b/p' iam_role default",
        "unload ('select 1') to '/tmp/x' iam_role default",
        "unload ('select 1') to 's3://b/p' iam_role default orc",
        "unload ('select 1') to 's3://b/p' iam_role default csv csv",
        "unload ('select 1') to 's3://b/p' iam_role default gzip zstd",
        "unload ('select 1') to 's3://b/p' iam_role default delimiter 'ab'",
        "unload ('select 1') to 's3://b/p' iam_role default maxfilesize",
        "unload ('select 1') to 's3://b/p' iam_role default parquet rowgroupsize 16 mb",
        "unload ('select 1') to 's3://b/p' iam_role default verbose",
        "unload ('select string_agg(a) from t') to 's3://b/p' iam_role default",
    ],
)
def test_what_is_no_unload_is_an_sql_error(sql: str) -> None:
    with pytest.raises(SqlError):
        parse_unload(Cursor(sql, frozenset({"string_agg"})))


def test_a_limit_inside_is_no_outer_limit() -> None:
    assert "LIMIT" in unload(query="select * from (select a from t LIMIT 5) as q").query


def test_a_row_of_postgresqls_text_format_comes_apart() -> None:
    assert parse_row(rb"a\tb" + b"\t" + rb"\N" + b"\t" + rb"\\N\n" + b"\t\n") == [b"a\tb", None, b"\\N\n", b""]


def test_escape_is_for_text_columns_only() -> None:
    columns = [parse_column("a", "character varying(9)"), parse_column("b", "timestamp without time zone")]

    line = encoder(unload("delimiter ''-'' escape".replace("''", "'")), columns)

    assert line([b"a-b\n", b"2020-01-02"]) == b"a\\-b\\\n-2020-01-02\n"
