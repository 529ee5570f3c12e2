"""Runs a model's query, or anyone's, over views of lake tables at pinned versions."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Mapping

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lakemart.config.model import Model
from lakemart.engine.failures import GoneError, spoken
from lakemart.engine.runner import Engine
from lakemart.errors import ConfigError, DataError
from lakemart.lake.spark import pinned
from lakemart.models.order import View, place_of
from lakemart.storage.store import Location


def open_views(spark: SparkSession, lake: Location, views: Mapping[str, View]) -> dict[str, DataFrame]:
    """Each view as a frame, and as a temporary view of the session under its name.

    Raises GoneError when a version is no longer readable, ConfigError when a table lacks the column of its slices.
    """
    frames: dict[str, DataFrame] = {}
    for name, view in views.items():
        what, where = f"cannot read table {view.table!r} at version {view.version}", f"table {view.table}"
        try:
            with spoken(what, where=where):
                frames[name] = pinned(spark, lake, view.table, view.version, view.slices)
                frames[name].createOrReplaceTempView(name)
        except DataError as error:
            raise GoneError(f"{what}: {error.what}", where=where, next_step=error.next_step) from error
    return frames


def run_model(spark: SparkSession, model: Model, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """The model's result over its inputs, not computed yet. Raises ConfigError when the query or the function is wrong."""
    where = place_of(model)
    with spoken(f"model {model.name!r} cannot be built", where=where, python="the project's"):
        if model.kind == "sql":
            return spark.sql(only_query(model.sql))
        return _run_python(model, inputs)


def only_query(sql: str) -> str:
    """The text such that Spark accepts it only when it is a query, with its lines where they were.

    >>> print(only_query("SELECT 1 AS one;"))
    SELECT * FROM (SELECT 1 AS one
    )
    """
    return f"SELECT * FROM ({sql.strip().rstrip(';')}\n)"  # noqa: S608 - users write this SQL themselves


def query_lake(engine: Engine, lake: Location, versions: Mapping[str, int], sql: str) -> pa.Table:
    """The rows of a Spark SQL query over lake tables, each under its own name at the version given.

    Only tables the text mentions are opened. Raises ConfigError when Spark cannot understand the query or it is none.
    """
    spark = engine.isolated()
    mentioned = {
        table: View(table=table, version=version) for table, version in versions.items() if table in sql.lower()
    }
    with engine.described("query the lake"):
        open_views(spark, lake, mentioned)
        with spoken("the query fails", where="query --lake"):
            return spark.sql(only_query(sql)).toArrow()


def _run_python(model: Model, inputs: Mapping[str, DataFrame]) -> DataFrame:
    """What the file's `build(inputs)` returns."""
    place = str(model.python or model.name)
    module = types.ModuleType(f"lakemart_model_{model.name}")
    module.__file__ = place
    # Functions of a module that is no importable file travel to the tasks by value, so its UDFs work there.
    sys.modules.pop(module.__name__, None)
    try:
        exec(compile(model.python_text, place, "exec"), module.__dict__)  # noqa: S102 - a Python model is code of the project
        build: Callable[[Mapping[str, DataFrame]], object] | None = getattr(module, "build", None)
        result = build(dict(inputs)) if build is not None else None
    except Exception as error:
        if type(error).__module__.partition(".")[0] in {"pyspark", "py4j", "lakemart"}:
            raise
        raise ConfigError(
            f"model {model.name!r} cannot be built: {type(error).__name__}: {error}", where=place_of(model)
        ) from error
    if build is None:
        raise ConfigError(f"model {model.name!r} has no function build(inputs)", where=place_of(model))
    if not isinstance(result, DataFrame):
        raise ConfigError(
            f"build(inputs) of model {model.name!r} returned {type(result).__name__}, not a DataFrame",
            where=place_of(model),
        )
    return result
