"""One JVM for all builds of the matrix: a process that keeps Spark, and how a child joins it instead of starting its own.

A child that is killed leaves Spark running, as a driver does whose JVM outlives it for a moment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any

from crash.nursery import started
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings

PORT, SECRET = "PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET"


@contextmanager
def hearth() -> Iterator[dict[str, str]]:
    """What a process must have in its environment to join the Spark that is kept while the body runs."""
    process = started("crash.hearth", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, f"Spark did not start: {process.wait()}"
        yield json.loads(line)
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def keep(asked: IO[str], told: IO[str]) -> None:
    """Says how to join Spark and keeps it until `asked` ends, which it does with whoever started this, too."""
    from pyspark import SparkContext  # noqa: PLC0415 - only builds need it

    with Engine(EngineSettings(spark={"spark.master": "local[2]"})) as engine:
        engine.spark()
        gateway: Any = SparkContext._gateway
        place = {PORT: gateway.gateway_parameters.port, SECRET: gateway.gateway_parameters.auth_token}
        told.write(json.dumps({name: str(value) for name, value in place.items()}) + "\n")
        told.flush()
        asked.read()


def join(place: Mapping[str, str]) -> None:
    """Makes this process a driver of the Spark that is kept: what asks for a session finds one, and does not end it."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415

    os.environ.update(place)
    gateway: Any = launch_gateway()  # type: ignore[no-untyped-call]
    SparkContext._ensure_initialized(gateway=gateway)
    jvm = gateway.jvm
    context = jvm.org.apache.spark.SparkContext.getOrCreate()
    shared = jvm.org.apache.spark.api.java.JavaSparkContext.fromSparkContext(context)
    SparkContext(gateway=gateway, jsc=shared, conf=SparkConf(_jconf=context.conf()))


if __name__ == "__main__":
    keep(sys.stdin, sys.stdout)
