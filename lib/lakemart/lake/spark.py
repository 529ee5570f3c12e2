"""Reading lake tables by Spark, always at a version the caller names. The one module of this room that knows pyspark."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import reduce

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - Spark's own custom
from pyspark.sql.pandas.types import from_arrow_schema

from lakemart.errors import DataError
from lakemart.lake.actions import AddedFile
from lakemart.lake.options import delta_uri
from lakemart.lake.read import snapshot
from lakemart.storage.store import Location

FEW_FILES = 32
"""Up to so many files Spark reads them by name, the log having been read without it: Delta's own reader starts 5 s slower
in a new JVM and takes 1.5 s more for each query (measured on 2 cores). Above, Delta's reader spares Spark the listing.
"""


def pinned(
    spark: SparkSession, lake: Location, table: str, version: int, slices: Collection[str | None] | None = None
) -> DataFrame:
    """The table's rows at exactly that version, of these values of its partition column (None: all).

    Only the files of these slices are read. Raises DataError, or pyspark's AnalysisException, when the version cannot
    be read (any more).
    """
    found = snapshot(lake, table, version)
    if found is None:
        raise DataError(f"there is no table {table!r}", where=lake.uri)
    files = found.in_slices(slices)
    if len(files) <= FEW_FILES:
        return written(spark, lake.child(table), files, found.schema)
    frame = spark.read.format("delta").option("versionAsOf", version).load(delta_uri(lake, table))
    return (
        frame
        if slices is None or found.partition_by is None
        else keep_slices(frame, column=found.partition_by, slices=slices)
    )


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


def written(spark: SparkSession, root: Location, files: Sequence[AddedFile], schema: pa.Schema) -> DataFrame:
    """The rows of data files, committed or not, with their partition column; `schema` is the table's.

    A column younger than a file is null in it. Raises pyspark's AnalysisException when a file is gone.
    """
    # Spark takes the partition value from the path, and decodes there byte by byte: wrong beyond ASCII.
    apart = sorted(
        {value for file in files for value in file.partition.values() if value is not None and not value.isascii()}
    )
    frames = [_of_paths(spark, root, [file for file in files if not set(file.partition.values()) & set(apart)], schema)]
    for value in apart:
        (column,) = next(file.partition for file in files if value in file.partition.values())
        rest = pa.schema([field for field in schema if field.name != column])
        rows = _of_paths(spark, root, [file for file in files if value in file.partition.values()], rest)
        frames.append(rows.withColumn(column, F.lit(value)).select(*schema.names))
    return reduce(DataFrame.union, frames)


def _of_paths(spark: SparkSession, root: Location, files: Sequence[AddedFile], schema: pa.Schema) -> DataFrame:
    """The files' rows, with the partition column taken from their paths when the schema has it."""
    shape = from_arrow_schema(schema)
    if not files:
        return spark.createDataFrame([], shape)
    paths = [f"{root.uri.rstrip('/')}/{file.path}" for file in files]
    # The paths are exact: without the second option, a brace in the lake's own folder would be taken for a pattern.
    reader = spark.read.schema(shape).option("basePath", root.uri).option("__globPaths__", "false")
    return reader.parquet(*paths).select(*schema.names)
