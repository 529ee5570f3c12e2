"""COPY FROM PARQUET MANIFEST through the real driver: what is loaded, and what is refused in Redshift's words."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

pytestmark = pytest.mark.e2e

ROLE = "arn:aws:iam::123456789012:role/copy"


def copy(table: str, url: str, options: str = "format as parquet manifest", role: str = ROLE) -> str:
    return f"/* tag */ COPY {table} FROM '{url}' IAM_ROLE '{role}' {options}"


def ids(*values: int | None) -> pa.Table:
    return pa.table({"id": pa.array(values, pa.int64())})


def test_every_type_arrives_cell_by_cell_with_null_and_empty_text_told_apart(db: Any, stage: Any) -> None:
    db.execute(
        "create table t (a smallint, b int, c bigint, d real, e double precision, f boolean, g varchar(20), h char(3),"
        " i date, j timestamp, k timestamptz, l decimal(9,2), m decimal(18,4), n decimal(38,10)) diststyle even"
    )
    moment = dt.datetime(2024, 2, 29, 12, 34, 56, 789012)
    table = pa.table(
        {
            "a": pa.array([1, None], pa.int16()),
            "b": pa.array([-2, None], pa.int32()),
            "c": pa.array([2**62, None], pa.int64()),
            "d": pa.array([1.5, None], pa.float32()),
            "e": pa.array([0.1, None], pa.float64()),
            "f": pa.array([True, None]),
            "g": pa.array(['x,"y"\nz', ""]),
            "h": pa.array(["abc", None]),
            "i": pa.array([dt.date(1900, 1, 1), None]),
            "j": pa.array([moment, None], pa.timestamp("us")),
            "k": pa.array([moment, None], pa.timestamp("us", tz="UTC")),
            "l": pa.array([Decimal("-1.25"), None], pa.decimal128(9, 2)),
            "m": pa.array([Decimal("12345678901234.5678"), None], pa.decimal128(18, 4)),
            "n": pa.array([Decimal("1.0000000001"), None], pa.decimal128(38, 10)),
        }
    )

    db.execute(copy("t", stage.manifest(stage.parquet("a.parquet", table))))

    first, second = db.rows("select * from t order by a")
    assert first == [
        1, -2, 2**62, 1.5, 0.1, True, 'x,"y"\nz', "abc", dt.date(1900, 1, 1), moment,
        moment.replace(tzinfo=dt.UTC), Decimal("-1.25"), Decimal("12345678901234.5678"), Decimal("1.0000000001"),
    ]  # fmt: skip
    assert second == [None] * 6 + [""] + [None] * 7


def test_timestamps_load_from_int64_microseconds_too(db: Any, stage: Any) -> None:
    db.execute("create table t (a timestamp)")
    moment = dt.datetime(1969, 12, 31, 23, 59, 59, 999999)
    table = pa.table({"a": pa.array([moment], pa.timestamp("us"))})

    db.execute(copy("t", stage.manifest(stage.parquet("a", table, use_deprecated_int96_timestamps=False))))

    assert db.rows("select a from t") == [[moment]]


def test_columns_map_by_position_and_omitted_ones_take_their_default(db: Any, stage: Any) -> None:
    db.execute("create table t (a bigint, b varchar(5) default 'dflt', c bigint)")
    table = pa.table({"zzz": pa.array([1], pa.int64()), "yyy": pa.array([2], pa.int64())})

    db.execute(copy("t (c, a)", stage.manifest(stage.parquet("a", table))))

    assert db.rows("select * from t") == [[2, "dflt", 1]]


def test_the_count_is_known_by_function_and_by_notice(db: Any, stage: Any) -> None:
    db.execute("create temp table stg (id bigint)")

    db.execute(copy("stg", stage.manifest(stage.parquet("a", ids(1, 2)), stage.parquet("b", ids(3)))))

    assert db.rows("select pg_last_copy_count()") == [[3]]
    assert db.connection.notices[-1][b"M"] == b"Load into table 'stg' completed, 3 record(s) loaded successfully."


def test_the_count_survives_a_rollback_and_is_nought_after_a_failed_copy(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.commit()
    db.execute(copy("t", stage.manifest(stage.parquet("a", ids(1, 2)))))
    db.rollback()

    counted = db.rows("select pg_last_copy_count()")
    db.commit()
    db.refusal(copy("t", "s3://staging/in/none"))

    assert counted == [[2]]
    assert db.rows("select pg_last_copy_count(), count(*) from t group by 1") == []
    assert db.rows("select pg_last_copy_count()") == [[0]]


def test_a_file_listed_twice_is_loaded_twice(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    entry = stage.parquet("a", ids(1))

    db.execute(copy("t", stage.manifest(entry, entry)))

    assert db.rows("select count(*) from t") == [[2]]


def test_rollback_takes_the_loaded_rows_away(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.commit()
    db.execute(copy("t", stage.manifest(stage.parquet("a", ids(1)))))

    db.rollback()

    assert db.rows("select count(*) from t") == [[0]]


def test_a_failing_copy_fails_the_transaction_and_leaves_nothing(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint not null)")
    db.commit()
    db.execute("insert into t values (7)")
    manifest = stage.manifest(stage.parquet("a", ids(1)), stage.parquet("b", ids(None)))

    with pytest.raises(Exception, match="null value in column") as caught:
        db.execute(copy("t", manifest))
    with pytest.raises(Exception, match="current transaction is aborted"):
        db.execute("select 1")
    db.rollback()

    assert caught.value.args[0]["C"] == "23502"
    assert db.rows("select count(*) from t") == [[0]]


def test_a_refusal_of_the_front_fails_the_transaction_too(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    with pytest.raises(Exception, match="MAXERROR argument is not supported"):
        db.execute(copy("t", "s3://staging/in/x", "format as parquet manifest maxerror 5"))

    with pytest.raises(Exception, match="current transaction is aborted"):
        db.execute("select 1")
    db.rollback()


def test_autocommit_copy_is_a_transaction_of_its_own(db: Any, stage: Any, connect: Any) -> None:
    schema = db.rows("select current_schema()")[0][0]
    db.execute("create table t (id bigint not null)")
    db.commit()
    other = connect()
    other.autocommit = True
    cursor = other.cursor()
    good, bad = stage.parquet("a", ids(1)), stage.parquet("b", ids(None))
    with pytest.raises(Exception, match="null value"):
        cursor.execute(copy(f"{schema}.t", stage.manifest(good, bad)))
    cursor.execute(copy(f"{schema}.t", stage.manifest(good)))

    assert db.rows("select id from t") == [[1]]


@pytest.mark.parametrize(
    ("column", "array"),
    [
        ("int", pa.array([1], pa.int64())),
        ("bigint", pa.array([1], pa.int32())),
        ("smallint", pa.array([1], pa.int64())),
        ("smallint", pa.array([1], pa.uint16())),
        ("bigint", pa.array([1], pa.uint64())),
        ("bigint", pa.array([1.5], pa.float64())),
        ("double precision", pa.array([1.5], pa.float32())),
        ("decimal(12,2)", pa.array([Decimal("1.25")], pa.decimal128(12, 3))),
        ("decimal(12,2)", pa.array([Decimal("1.25")], pa.decimal128(13, 2))),
        ("varchar(10)", pa.array([1], pa.int32())),
        ("bigint", pa.array(["1"])),
        ("date", pa.array([1], pa.int32())),
        ("date", pa.array([dt.datetime(2024, 1, 1)], pa.timestamp("us"))),
        ("boolean", pa.array([1], pa.int32())),
    ],
)
def test_a_physical_type_that_is_not_the_columns_is_refused(column: str, array: pa.Array, db: Any, stage: Any) -> None:
    db.execute(f"create table t (a {column})")
    db.commit()

    fields = db.refusal(copy("t", stage.manifest(stage.parquet("f", pa.table({"a": array})))))

    assert fields["M"] == "Spectrum Scan Error"
    assert "15007" in fields["D"]
    assert "has an incompatible Parquet schema for column" in fields["D"]


@pytest.mark.parametrize("unit", ["ns", "ms"])
def test_timestamps_of_other_units_than_microseconds_are_refused(unit: str, db: Any, stage: Any) -> None:
    db.execute("create table t (a timestamp)")
    db.commit()
    table = pa.table({"a": pa.array([0], pa.timestamp(unit))})

    fields = db.refusal(copy("t", stage.manifest(stage.parquet("f", table, use_deprecated_int96_timestamps=False))))

    assert "has an incompatible Parquet schema for column" in fields["D"]


def test_another_number_of_columns_is_refused(db: Any, stage: Any) -> None:
    db.execute("create table t (a bigint, b bigint)")
    db.commit()

    fields = db.refusal(copy("t", stage.manifest(stage.parquet("f", ids(1)))))

    assert "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1" in fields["D"]


def test_varchar_counts_bytes(db: Any, stage: Any) -> None:
    db.execute("create table t (a varchar(3))")
    db.commit()
    fits = stage.parquet("fits", pa.table({"a": ["é1"]}))
    too_long = stage.parquet("long", pa.table({"a": ["éé"]}))

    db.execute(copy("t", stage.manifest(fits)))
    db.commit()
    fields = db.refusal(copy("t", stage.manifest(too_long, name="m2")))

    assert "is longer than the length defined in the table. Table: 3, Data: 4" in fields["D"]
    assert db.rows("select a from t") == [["é1"]]


def test_nested_columns_are_refused(db: Any, stage: Any) -> None:
    db.execute("create table t (a super)")
    db.commit()

    fields = db.refusal(copy("t", stage.manifest(stage.parquet("f", pa.table({"a": [[1, 2]]})))))

    assert "Unreachable - Invalid type: 4000" in fields["D"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"meta": {}}, "Missing content_length"),
        ({"meta": {"content_length": 1}}, "Mismatched file size"),
        ({"url": "s3://staging/in/no/such/file"}, "Status 404,Error NoSuchKey"),
        ({"url": "s3://staging/elsewhere/file"}, "Access Denied"),
        ({"url": "file:///etc/passwd"}, "manifest .* is not valid"),
    ],
)
def test_a_manifest_that_is_wrong_is_refused(change: dict[str, Any], message: str, db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    entry = stage.parquet("a", ids(1)) | change

    with pytest.raises(Exception, match=message):
        db.execute(copy("t", stage.manifest(entry)))
    db.rollback()


def test_a_missing_file_that_is_not_mandatory_is_skipped_but_no_file_at_all_is_an_error(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    gone = {"url": "s3://staging/in/gone", "meta": {"content_length": 5}}

    db.execute(copy("t", stage.manifest(gone, stage.parquet("a", ids(1)))))

    assert db.rows("select id from t") == [[1]]
    with pytest.raises(Exception, match="does not exist"):
        db.execute(copy("t", stage.manifest(gone, name="m2")))
    db.rollback()


@pytest.mark.parametrize("document", [b"no json", b"[]", b'{"entries": 5}', json.dumps({"entries": [{}]}).encode()])
def test_a_manifest_that_is_none_is_refused(document: bytes, db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.commit()

    assert "is not valid" in db.refusal(copy("t", stage.put("manifest", document)))["M"]


def test_a_file_that_is_no_parquet_is_refused(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.commit()
    entry = {"url": stage.put("f", b"PAR1"), "mandatory": True, "meta": {"content_length": 4}}

    assert "is not a Parquet file" in db.refusal(copy("t", stage.manifest(entry)))["D"]


def test_a_role_nobody_knows_is_refused(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.commit()

    fields = db.refusal(copy("t", stage.manifest(stage.parquet("a", ids(1))), role="arn:aws:iam::1:role/other"))

    assert "is not authorized to assume IAM Role" in fields["M"]


def test_keys_in_sql_are_refused(db: Any) -> None:
    fields = db.refusal("copy t from 's3://b/k' access_key_id 'AKIA' secret_access_key 'secret' format parquet")

    assert "use IAM_ROLE" in fields["M"]
    assert "secret'" not in fields["M"]


def test_a_prefix_loads_what_lies_below_it_without_hidden_files(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    stage.parquet("data/a.parquet", ids(1))
    stage.parquet("data/_b.parquet", ids(2))
    stage.put("data/.c", b"junk")

    db.execute(copy("t", f"s3://staging/{stage.prefix}data/", "parquet"))

    assert db.rows("select id from t") == [[1]]


def test_history_keeps_loads_that_were_rolled_back_and_errors(db: Any, stage: Any) -> None:
    db.execute("create table t (id bigint)")
    db.execute("set query_group to 'run-7'")
    db.commit()
    url = stage.manifest(stage.parquet("a", ids(1, 2)))
    db.execute(copy("t", url))
    db.rollback()
    wrong = stage.manifest(stage.parquet("b", pa.table({"a": ["x"]})), name="m2")
    db.refusal(copy("t", wrong))

    loads = db.rows("select status, table_name, loaded_rows, data_source from sys_load_history where data_source in (%s, %s)"
                 " order by query_id", url, wrong)  # fmt: skip
    errors = db.rows(
        "select trim(file_name), trim(error_message) from sys_load_error_detail order by start_time desc limit 1"
    )
    labels = db.rows(
        "select trim(query_label), trim(query_type) from sys_query_history where query_text like %s", f"%{url}%"
    )

    assert loads == [["completed", "t", 2, url], ["aborted", "t", 0, wrong]]
    assert errors == [[f"s3://staging/{stage.prefix}b", "Spectrum Scan Error"]]
    assert ["run-7", "COPY"] in labels
