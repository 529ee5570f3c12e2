"""The checks of a model, made on the written files before anybody can see them."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_never

from pyspark.sql import DataFrame, SparkSession

from lakemart.config.model import Check, Model, NotNullCheck, SqlCheck, UniqueCheck
from lakemart.engine.failures import spoken
from lakemart.lake.actions import AddedFile
from lakemart.lake.spark import written
from lakemart.models.order import place_of, table_schema
from lakemart.models.query import only_query
from lakemart.storage.store import Location

SAMPLE = 20
"""How many failing rows are kept, for people to look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A check that failed: what it says, how many rows fail (of `unique`: how many groups), and some of them."""

    check: str
    count: int
    rows: tuple[dict[str, object], ...]


def failures(spark: SparkSession, model: Model, root: Location, files: Sequence[AddedFile]) -> list[Failure]:
    """The checks that the files' rows fail, in the order they are declared.

    The rows are seen under the model's name, the inputs under theirs. What the files' statistics already prove is not
    read again. Raises ConfigError when Spark does not understand a check.
    """
    asked = [check for check in model.checks if not _proven(check, files)]
    if not asked:
        return []
    where = place_of(model)
    with spoken(f"model {model.name!r} cannot be checked", where=where):
        written(spark, root, files, table_schema(model)).createOrReplaceTempView(model.name)
    found: list[Failure] = []
    for check in asked:
        with spoken(f"check {described(check)!r} of model {model.name!r} cannot be made", where=where):
            failing = spark.sql(only_query(_query(check, model.name)))
            rows = _sample(failing)
            if rows:
                found.append(Failure(check=described(check), count=failing.count(), rows=rows))
    return found


def described(check: Check) -> str:
    """The check as its author would name it.

    >>> described(UniqueCheck(("day", "id")))
    'unique: day, id'
    """
    match check:
        case UniqueCheck(columns):
            return f"unique: {', '.join(columns)}"
        case NotNullCheck(columns):
            return f"not_null: {', '.join(columns)}"
        case SqlCheck(sql):
            return f"sql: {' '.join(sql.split())}"
        case _:
            assert_never(check)


def _proven(check: Check, files: Sequence[AddedFile]) -> bool:
    """Whether the files' statistics show that a `not_null` holds: a null count of 0 in every file."""
    return isinstance(check, NotNullCheck) and all(
        _has_no_null(file, column) for file in files for column in check.columns
    )


def _has_no_null(file: AddedFile, column: str) -> bool:
    if column in file.partition:
        return file.partition[column] is not None
    nulls: dict[str, int] = json.loads(file.stats).get("nullCount", {})
    return nulls.get(column) == 0


def _query(check: Check, name: str) -> str:
    """The query whose rows are failures."""
    match check:
        case UniqueCheck(columns):
            listed = ", ".join(f"`{column}`" for column in columns)
            # Names of columns and models follow the grammar, so they need no more than the quotes.
            return f"SELECT {listed}, count(*) AS `rows` FROM `{name}` GROUP BY {listed} HAVING count(*) > 1"  # noqa: S608 - see above
        case NotNullCheck(columns):
            return f"SELECT * FROM `{name}` WHERE {' OR '.join(f'`{column}` IS NULL' for column in columns)}"  # noqa: S608 - see above
        case SqlCheck(sql):
            return sql
        case _:
            assert_never(check)


def _sample(failing: DataFrame) -> tuple[dict[str, object], ...]:
    return tuple(
        {name: _plain(value) for name, value in row.asDict().items()} for row in failing.limit(SAMPLE).collect()
    )


def _plain(value: object) -> object:
    """A cell as JSON can hold it: exact types as text."""
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bytes | bytearray):
        return value.hex()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str | int | bool | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value)
