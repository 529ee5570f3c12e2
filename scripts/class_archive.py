"""Makes the class archive for local JVMs at the path it is called with: by a JVM that does what a build does.

Called by set-up. The archive serves the Java and the jars it was made with; others go on without it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lakemart.engine.session import QUICK_START, EngineSettings, start, stop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def make(target: Path) -> None:
    """The archive is at `target`, whole or not at all. Raises ConfigError when Spark's JVM does not start."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder) / target.name
        options = " ".join(f'"{flag}"' for flag in (*QUICK_START, f"-XX:ArchiveClassesAtExit={made}"))
        session = start(
            EngineSettings(spark={"spark.driver.extraJavaOptions": options, "spark.master": "local[2]"}, archive=None)
        )
        try:
            exercise(session.spark, Path(folder))
        finally:
            stop(session)
        made.replace(target)


def exercise(spark: SparkSession, folder: Path) -> None:
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


if __name__ == "__main__":
    make(Path(sys.argv[1]))
