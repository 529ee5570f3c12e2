"""Reading lake tables by Spark, always at a version the caller names. The one module of this room that knows pyspark."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own custom

from lakemart.lake.actions import AddedFile
from lakemart.lake.options import delta_uri
from lakemart.storage.store import Location


def pinned(spark: SparkSession, lake: Location, table: str, version: int) -> DataFrame:
    """The table's rows at exactly that version. pyspark raises AnalysisException when it cannot be read any more."""
    return spark.read.format("delta").option("versionAsOf", version).load(delta_uri(lake, table))


def keep_slices(frame: DataFrame, *, column: str, slices: Collection[str | None]) -> DataFrame:
    """The rows whose `column` is one of the slices, given as Delta writes partition values; None is null.

    On a partition column only the files of these slices are read.
    """
    return frame.where(_is_in(frame, column, slices))


def drop_slices(frame: DataFrame, *, column: str, slices: Collection[str | None]) -> DataFrame:
    """The rows whose `column` is none of the slices; a null stays unless None is among them."""
    return frame.where(~_is_in(frame, column, slices)) if slices else frame


def _is_in(frame: DataFrame, column: str, slices: Collection[str | None]) -> Column:
    """True or false, never null."""
    kind = frame.schema[column].dataType
    values = [F.lit(value).cast(kind) for value in sorted(value for value in slices if value is not None)]
    named = F.coalesce(F.col(column).isin(values), F.lit(False)) if values else F.lit(False)  # noqa: FBT003 - a literal
    return named | F.col(column).isNull() if None in slices else named


def written(spark: SparkSession, root: Location, files: Sequence[AddedFile], ddl: str) -> DataFrame:
    """The rows of data files that are not committed yet, with their partition column; `ddl` is the table's Spark schema."""
    if not files:
        return spark.createDataFrame([], ddl)
    paths = [f"{root.uri.rstrip('/')}/{file.path}" for file in files]
    # The paths are exact: without this, a bracket in the lake's own folder would be taken for a pattern.
    reader = spark.read.schema(ddl).option("basePath", root.uri).option("__globPaths__", "false")
    return reader.parquet(*paths)
