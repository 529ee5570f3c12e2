"""What UNLOAD writes, COPY reads as the same rows: each format, with the options AWS's pages name for what the data holds."""

from __future__ import annotations

import random
from typing import Any

import pytest

from e2e.localshift.conftest import ROLE

pytestmark = pytest.mark.e2e

ROWS = 120
COLUMNS = (
    "n int, a varchar(60), b char(6), c bigint, d decimal(20,4), e double precision, f real, g boolean, h date, i timestamp,"
    " j smallint, k super"
)
PIECES = (
    *("", " ", "  x ", "a", "é", "\U0001f600", '"', '""', "'", "\\", "\\N", "\\n", ",", "|", "\t", "\n", "\r", "\r\n"),
    *("null", "NULL", "{}", "[1]", "%", "#", "\x01", "\ufeff", "1e5", "0x1F", "-"),
)
# UNLOAD's options and COPY's for the same file. Without a null string of its own, an empty text and null are the same there.
FORMATS = {
    "csv": ("csv null as '~none~'", "csv null as '~none~'"),
    "csv, gzip": ("csv gzip null as '~none~' delimiter '\\t'", "csv gzip null as '~none~' delimiter '\\t'"),
    "csv, header": ("csv header zstd null as '~none~'", "csv zstd ignoreheader 1 null as '~none~'"),
    "text, escaped": ("escape null as '~none~'", "escape null as '~none~'"),
    "text, quoted": ("addquotes escape bzip2 null as '~none~'", "removequotes escape bzip2 null as '~none~'"),
    "json": ("json", "json 'auto'"),
    "json, gzip": ("json gzip", "json 'auto' gzip"),
    "parquet": ("parquet", "parquet"),
}


def rows() -> list[list[Any]]:
    """Return rows of odd values of every type, equal for equal calls; nulls among them."""
    chance = random.Random(11)  # noqa: S311 - repeatable, not secret
    made: list[list[Any]] = []
    for number in range(ROWS):
        text = "".join(chance.choice(PIECES) for _ in range(chance.randrange(5)))
        values: list[Any] = [
            text,
            "".join(chance.choice("ab'\"\\|, ") for _ in range(chance.randrange(7))),
            chance.choice([0, -1, 2**63 - 1, -(2**63), chance.randrange(10**9)]),
            chance.choice(["0", "-0.0001", "9999999999999999.9999", "12.5"]),
            chance.choice([0.1, -1e300, 5e-324, 1 / 3, 1e15]),
            chance.choice([1.5, -3.4e38, 1e-30, 0.1]),
            chance.random() < 0.5,
            chance.choice(["0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"]),
            chance.choice(["1900-01-01 00:00:00", "2024-02-29 23:59:59.999999", "2024-01-01 00:00:00.5"]),
            chance.choice([-32768, 0, 32767]),
        ]
        # No null for SUPER: the text formats write it as JSON's, which is a value.
        document = chance.choice(['{"k":[1,"x\\"y"],"é":null}', "[1.50,true]", '"text"', "17"])
        made.append([number, *(None if chance.random() < 0.1 else value for value in values), document])
    return made


@pytest.fixture
def filled(db: Any) -> Any:
    """A table `origin` with the rows."""
    db.execute(f"create table origin ({COLUMNS})")
    places = ", ".join(["%s"] * 11)
    insert = f"insert into origin select {places}, json_parse(%s)"
    for row in rows():
        db.execute(insert, tuple(row))
    db.commit()
    return db


def test_what_is_unloaded_loads_as_the_same_rows(filled: Any, stage: Any) -> None:
    names = ", ".join(part.split()[0] for part in COLUMNS.split(", "))
    texts = names.replace("k", "json_serialize(k)")
    expected = filled.rows(f"select {texts} from origin order by n")
    assert len(expected) == ROWS
    for number, (name, (write, read)) in enumerate(FORMATS.items()):
        first, again = (f"s3://{stage.bucket}/{stage.prefix}{number}/{time}/" for time in ("first", "again"))
        back = f"back{number}"
        filled.execute(f"create table {back} ({COLUMNS})")
        filled.execute(f"unload ('select * from origin order by n') to '{first}' iam_role '{ROLE}' {write}")
        filled.execute(f"copy {back} from '{first}' iam_role '{ROLE}' {read}")
        assert filled.rows(f"select {texts} from {back} order by n") == expected, name
        filled.execute(f"unload ('select * from {back} order by n') to '{again}' iam_role '{ROLE}' {write}")
        assert contents(stage, first) == contents(stage, again), name


def contents(stage: Any, url: str) -> list[bytes]:
    """Return the bytes of the objects below an address, in the order of their names."""
    prefix = url.removeprefix(f"s3://{stage.bucket}/")
    found = stage.client.list_objects_v2(Bucket=stage.bucket, Prefix=prefix)["Contents"]
    return [stage.client.get_object(Bucket=stage.bucket, Key=item["Key"])["Body"].read() for item in found]
