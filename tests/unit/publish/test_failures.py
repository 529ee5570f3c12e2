"""Every row of the table of the warehouse's errors: what came, and who can mend it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lakemart.errors import ConfigError, DataError, InternalError, TransientError
from lakemart.publish import failures
from lakemart.publish.failures import (
    RULES,
    LostConnectionError,
    Report,
    SerializationError,
    UnreachableError,
    raised,
    verdict,
)

SPECTRUM = "\n  -----------------------------------------------\n  error:  Spectrum Scan Error\n  code:      15007\n  context:   File 's3://b/k' has an incompatible Parquet schema for column 'k.n'. Column type: BIGINT, Parquet schema:\\noptional int32 n\n  query:     0\n  -----------------------------------------------\n"

CASES = [
    (Report(state="40001", message="could not serialize access"), SerializationError),
    (Report(state="40P01", message="deadlock detected"), SerializationError),
    (Report(state="XX000", message="1023", detail="Serializable isolation violation on table - 1, transactions forming the cycle are: 2, 3"), SerializationError),
    (Report(state="XX000", message="ERROR: 1018 DETAIL: Relation does not exist."), SerializationError),
    (Report(state="23505", message='duplicate key value violates unique constraint "pg_namespace_nspname_index"'), SerializationError),
    (Report(state="42P07", message='Relation "hourly" already exists'), SerializationError),
    (Report(state="28000", message='password authentication failed for user "loader"', during="connect"), ConfigError),
    (Report(state="28P01", message="password authentication failed", during="connect"), ConfigError),
    (Report(state="3D000", message='database "x" does not exist', during="connect"), ConfigError),
    (Report(state="57P03", message="the database system is starting up", during="connect"), UnreachableError),
    (Report(state="57P01", message="terminating connection due to administrator command"), LostConnectionError),
    (Report(state="08006", message="connection failure"), LostConnectionError),
    (Report(state="53300", message="too many connections", during="connect"), UnreachableError),
    (Report(state="53100", message="Disk Full", during="load"), TransientError),
    (Report(state="55P03", message="canceling statement due to lock timeout"), TransientError),
    (Report(state="57014", message="Query cancelled on user's request", during="load"), TransientError),
    (Report(state="42501", message="permission denied for schema marts"), ConfigError),
    (Report(state="XX000", message="permission denied for relation hourly"), ConfigError),
    (Report(state="42704", message='role "analyst" does not exist'), ConfigError),
    (Report(state="XX000", message="S3ServiceException:Access Denied,Status 403,Error AccessDenied", during="load"), ConfigError),
    (Report(state="XX000", message="S3ServiceException:arn:aws:kms:us-east-1:1:key/1 is disabled.,Status 400,Error KMS.DisabledException", during="load"), TransientError),
    (Report(state="XX000", message="S3ServiceException:User: x is not authorized to perform: kms:Decrypt,Status 403,Error AccessDenied", during="load"), TransientError),
    (Report(state="XX000", message="S3ServiceException:The provided token has expired.,Status 400,Error ExpiredToken", during="load"), TransientError),
    (Report(state="XX000", message="S3ServiceException:Bad Request,Status 400,Error 400", during="load"), TransientError),
    (Report(state="XX000", message="S3ServiceException:The specified key does not exist.,Status 404,Error NoSuchKey", during="load"), TransientError),
    (Report(state="XX000", message="Spectrum Scan Error", detail=SPECTRUM, during="load"), DataError),
    (Report(state="22001", message="value too long for type character varying(4)", during="load"), DataError),
    (Report(state="23502", message="null value in column", during="load"), DataError),
    (Report(state="3F000", message="schema does not exist"), ConfigError),
    (Report(state="42P01", message='relation "x" does not exist'), ConfigError),
    (Report(message="communication error: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed", during="connect"), ConfigError),
    (Report(message="Server refuses SSL", during="connect"), ConfigError),
    (Report(message="server requesting MD5 password authentication, but no password was provided", during="connect"), ConfigError),
    (Report(message="communication error: [Errno 111] Connection refused", during="connect"), UnreachableError),
    (Report(message="connection time out timed out", during="connect"), UnreachableError),
    (Report(message="BrokenPipe: server socket closed. Please check", during="load"), LostConnectionError),
    (Report(message="communication error: unpack requires a buffer of 5 bytes"), LostConnectionError),
    (Report(message="connection is closed"), LostConnectionError),
    (Report(state="42601", message='syntax error at or near "x"'), InternalError),
]  # fmt: skip


@pytest.mark.parametrize(("report", "kind"), CASES, ids=[f"{r.state or 'wire'} {r.message[:40]}" for r, _ in CASES])
def test_an_error_of_the_warehouse_says_who_can_mend_it(report: Any, kind: Any) -> None:
    error = raised(report, where="here")

    assert type(error) is kind
    assert error.where == "here"
    assert error.next_step


def test_every_row_of_the_table_has_a_case() -> None:
    used = {id(verdict(report)) for report, _ in CASES}

    assert [rule for rule in RULES if id(rule) not in used] == []


def test_redshifts_own_words_are_kept_without_its_ruled_lines() -> None:
    error = raised(Report(state="XX000", message="Spectrum Scan Error", detail=SPECTRUM, during="load"), where="x")

    assert "incompatible Parquet schema for column 'k.n'" in error.what
    assert not re.search(r"-----|\n", error.what)


def test_a_missing_table_outside_a_copy_is_no_fault_of_the_data() -> None:
    assert verdict(Report(state="22012", message="division by zero")).verdict == "bug"


def test_only_transient_errors_are_ever_tried_again() -> None:
    for kind in (SerializationError, LostConnectionError, UnreachableError):
        assert issubclass(kind, TransientError)
    assert failures.RULES is RULES
