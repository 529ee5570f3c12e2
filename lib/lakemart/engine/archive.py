"""A class archive for local JVMs (AppCDS): what Spark loads at its start, mapped instead of parsed and verified.

Made once by set-up for one set of jars and one Java (about a minute and 180 MB; start and first query then take 9 s
in place of 21 on 2 cores). The JVM checks it itself and goes on without it when it is missing, stale or damaged, so
nothing depends on it but the start-up time.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def default_path() -> Path:
    """Where set-up puts the archive: in the environment, beside the jars it was made from."""
    return Path(sys.prefix) / "share" / "lakemart" / "spark.jsa"


def flags(path: Path | None) -> list[str]:
    """The JVM flags that use the archive; none when there is no file."""
    return [f"-XX:SharedArchiveFile={path}"] if path is not None and path.is_file() else []


def make(path: Path | None = None) -> Path:
    """Makes the archive anew by a JVM that does what a build does, and puts it at `path` whole or not at all."""
    from lakemart.engine.session import QUICK_START, EngineSettings, start, stop  # noqa: PLC0415 - session imports this module

    target = path or default_path()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        options = " ".join(f'"{flag}"' for flag in (*QUICK_START, f"-XX:ArchiveClassesAtExit={made}"))
        session = start(
            EngineSettings(spark={"spark.driver.extraJavaOptions": options, "spark.master": "local[2]"}, archive=None)
        )
        try:
            _exercise(session.spark, Path(folder))
        finally:
            stop(session)
        made.replace(target)
    return target


def _exercise(spark: SparkSession, folder: Path) -> None:
    """Loads the classes that builds and queries use: Parquet, shuffles, windows, Arrow to and from Python."""
    rows = spark.range(100).selectExpr(
        "id", "id % 3 AS part", "cast(id AS string) AS text", "DATE'2015-01-01' AS day", "id / 7 AS ratio"
    )
    rows.write.partitionBy("part").parquet(str(folder / "rows"))
    spark.read.parquet(str(folder / "rows")).createOrReplaceTempView("warm")
    query = """
        SELECT day, part, count(*) AS n, count(DISTINCT text) AS texts, sum(ratio) AS total, max(rank) AS rank
        FROM (SELECT *, row_number() OVER (PARTITION BY part ORDER BY id) AS rank FROM warm)
        JOIN (SELECT DISTINCT part AS other FROM warm) ON part = other WHERE part IN (0, 1) GROUP BY day, part
    """
    grouped = spark.sql(query).hint("rebalance", "day").sortWithinPartitions("day")
    grouped.mapInArrow(lambda batches: batches, grouped.schema).collect()
    spark.sparkContext.parallelize([1, 2], 2).map(str).collect()
    grouped.toArrow()
