"""Builds the Spark session, local or of a cluster, and ends it. Importing this starts nothing and does not load pyspark.

Under plain `python` the JVM is our child: it starts with the flags below and dies with us, its standard input being a
pipe of ours. Under `spark-submit`, or in a notebook, the JVM and perhaps the session are there already: then only what
nobody has set is set. On a cluster the executors need lakemart itself: `--py-files lakemart.zip` or a packed
environment in `spark.archives` (see deploy); local tasks run in this very interpreter.
"""

from __future__ import annotations

import logging
import shlex
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from lakemart.engine import archive
from lakemart.errors import ConfigError
from lakemart.storage.store import Location

if TYPE_CHECKING:
    from pyspark import SparkConf
    from pyspark.sql import SparkSession

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
"""Set where nobody set them: a cluster that brings Delta sets its own."""

MEANING = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.int96RebaseModeInRead": "CORRECTED",
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.execution.arrow.useLargeVarTypes": "false",
}
"""What queries mean must not depend on who built the session, so these always hold."""

DEFAULTS = {
    "spark.sql.adaptive.advisoryPartitionSizeInBytes": "128m",
    "spark.rdd.compress": "true",
}

LOCAL_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "2",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "4",
    "spark.shuffle.compress": "false",
    "spark.broadcast.compress": "false",
}
"""For one machine: what a cluster splits up costs more here than the work itself (measured: facts on cold start)."""

QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xlog:disable", "-Xlog:all=error:stderr")
"""JVM flags of a local driver: small batches end before the optimising compiler pays; a stale archive stays unmentioned."""

_SECRET_WORDS = ("secret", "password", "token", "access.key", "accesskey")
_PYSPARK_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_LOG_TAIL = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How Spark is to run. `spark` holds settings of the project, which win over every default here but `MEANING`.

    `locations` are the places tasks and queries read on S3 with settings of their own (an embedded endpoint); others
    follow the cluster's rules. `console` is `all` when Spark's own log is to be seen.
    """

    spark: Mapping[str, str] = field(default_factory=dict, repr=False)
    locations: tuple[Location, ...] = ()
    console: Literal["quiet", "all"] = "quiet"
    name: str = "lakemart"
    archive: Path | None = field(default_factory=archive.default_path)
    """The class archive that lets a local JVM start faster; None or a missing file: it starts without."""


@dataclass(slots=True, kw_only=True)
class Session:
    """A running session and what must be closed with it. `log` holds what our JVM wrote, None when it is not ours."""

    spark: SparkSession
    log: IO[bytes] | None
    owns_jvm: bool
    owns_session: bool


def start(settings: EngineSettings) -> Session:
    """A session ready for lakemart's queries. Raises ConfigError when Java or a jar lacks, with the JVM's last words."""
    from pyspark import SparkContext  # noqa: PLC0415 - loading pyspark costs half a second that a run with nothing new need not pay
    from pyspark.sql import SparkSession  # noqa: PLC0415

    owns_jvm, log = False, None
    owns_session = SparkContext._active_spark_context is None  # noqa: SLF001 - there is no public way to ask
    if SparkContext._gateway is None:  # noqa: SLF001
        log = tempfile.TemporaryFile() if settings.console == "quiet" else None  # noqa: SIM115 - it lives as long as the JVM
        owns_jvm = _launch(settings, log)
    try:
        spark = SparkSession.builder.config(conf=_configuration(settings)).getOrCreate()
    except BaseException:
        if owns_jvm:
            end_jvm()
        raise
    for key, value in MEANING.items():
        spark.conf.set(key, value)
    if _is_local(spark.sparkContext.master):
        # The workers' Python: what PYSPARK_PYTHON would set, but of this session alone.
        spark.sparkContext.pythonExec = sys.executable
        for name in _PYSPARK_LOGGERS if settings.console == "quiet" else ():
            # pyspark prints, by itself, each query error that we tell in our words.
            logging.getLogger(name).setLevel(logging.CRITICAL)
    _reach_s3(spark, settings.locations)
    return Session(spark=spark, log=log, owns_jvm=owns_jvm, owns_session=owns_session)


def stop(session: Session) -> None:
    """Ends what `start` began: the session unless it was there before, and the JVM when it is our child."""
    if session.owns_session:
        session.spark.stop()
    if session.owns_jvm:
        end_jvm()
    if session.log is not None:
        session.log.close()


def end_jvm() -> None:
    """Ends the JVM that is our child and waits for it, so that its temporary folders are gone too."""
    from pyspark import SparkContext  # noqa: PLC0415 - as above

    gateway: Any = SparkContext._gateway  # noqa: SLF001
    client = gateway._gateway_client  # noqa: SLF001
    connections = {*client.deque, client.get_thread_connection()} - {None}
    gateway.shutdown()
    for connection in connections:
        connection.close()  # py4j leaves these to the garbage collector
    gateway.proc.stdin.close()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001 - so that a next session starts its own


def close_connection() -> None:
    """Closes the connection to the JVM of the present thread, which is about to end."""
    from pyspark import SparkContext  # noqa: PLC0415 - as above

    gateway: Any = SparkContext._gateway  # noqa: SLF001
    connection = gateway._gateway_client.get_thread_connection()  # noqa: SLF001
    if connection is not None:
        connection.close()


def _launch(settings: EngineSettings, log: IO[bytes] | None) -> bool:
    """Starts the JVM, or connects to the one spark-submit started; whether it is ours."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415
    from pyspark.errors import PySparkRuntimeError  # noqa: PLC0415
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415

    conf = SparkConf(loadDefaults=False)
    for key, value in _launch_options(settings).items():
        conf.set(key, value)
    # What the JVM prints belongs neither on a terminal nor between the lines of `--json`.
    outputs = {"stdout": log, "stderr": log} if log is not None else {"stdout": sys.stderr.fileno()}
    try:
        gateway = launch_gateway(conf, outputs)  # type: ignore[no-untyped-call]
    except (PySparkRuntimeError, FileNotFoundError) as error:
        words = _tail(log)
        raise ConfigError(
            f"Spark's JVM does not start: {words or error}",
            next_step="Install Java 17 and see that `java -version` runs, or set JAVA_HOME.",
        ) from error
    SparkContext._ensure_initialized(gateway=gateway)  # noqa: SLF001 - the way SparkContext itself adopts a gateway
    return getattr(gateway, "proc", None) is not None


def _launch_options(settings: EngineSettings) -> dict[str, str]:
    """What the JVM must be told at its start; it shows in the process list, so nothing secret is among it."""
    options = {k: v for k, v in settings.spark.items() if not any(word in k.lower() for word in _SECRET_WORDS)}
    if _is_local(options.get("spark.master", "local")) and "spark.driver.extraJavaOptions" not in options:
        flags = [*QUICK_START, *archive.flags(settings.archive)]
        options["spark.driver.extraJavaOptions"] = " ".join(shlex.quote(flag) for flag in flags)
    return options


def _configuration(settings: EngineSettings) -> SparkConf:
    """The whole configuration: what spark-submit or spark-defaults set, the project's own, then ours where none is."""
    from pyspark import SparkConf, SparkContext  # noqa: PLC0415

    conf = SparkConf()  # with a JVM at hand it knows what spark-submit and spark-defaults.conf set
    for key, value in settings.spark.items():
        conf.set(key, value)
    conf.setIfMissing("spark.master", "local[*]")
    conf.setIfMissing("spark.app.name", settings.name)
    defaults = {**DELTA, **DEFAULTS}
    if _is_local(conf.get("spark.master")):
        defaults |= LOCAL_DEFAULTS
        if settings.console == "quiet":
            defaults["spark.log.level"] = "ERROR"  # under spark-submit the JVM's log is the terminal's
        jvm: Any = SparkContext._jvm  # noqa: SLF001
        scratch = jvm.org.apache.spark.util.Utils.createTempDir(jvm.System.getProperty("java.io.tmpdir"), "lakemart")
        defaults["spark.sql.warehouse.dir"] = scratch.toURI().toString()  # the JVM removes it, whoever of us is killed
    for key, value in defaults.items():
        conf.setIfMissing(key, value)
    for key, value in MEANING.items():
        conf.set(key, value)
    return conf


def _is_local(master: str | None) -> bool:
    return master is not None and master.startswith("local")


def _reach_s3(spark: SparkSession, locations: tuple[Location, ...]) -> None:
    """Tells S3A how to reach each bucket that has settings of its own. In the running JVM: a command line shows keys."""
    hadoop = spark.sparkContext._jsc.hadoopConfiguration()  # noqa: SLF001 - pyspark has no other door
    if hadoop.get("fs.s3.impl") is None:
        hadoop.set("fs.s3.impl", "org.apache.hadoop.fs.s3a.S3AFileSystem")
    for location in locations:
        if location.is_s3:
            for key, value in s3a_options(location).items():
                hadoop.set(key, value)


def s3a_options(location: Location) -> dict[str, str]:
    """The S3A settings of a location's bucket; none where the defaults of the cluster do.

    >>> from lakemart.storage.store import S3Settings
    >>> s3a_options(Location(uri="s3://lake/gh", s3=S3Settings(region="eu-west-1")))
    {'fs.s3a.bucket.lake.endpoint.region': 'eu-west-1'}
    """
    s3 = location.s3
    options: dict[str, str] = {}
    if s3.endpoint_url:
        options |= {
            "endpoint": s3.endpoint_url,
            "path.style.access": "true",
            "connection.ssl.enabled": str(s3.endpoint_url.startswith("https:")).lower(),
            "endpoint.region": s3.region or "us-east-1",
        }
    elif s3.region:
        options["endpoint.region"] = s3.region
    if s3.access_key and s3.secret_key:
        options |= {
            "aws.credentials.provider": "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
            "access.key": s3.access_key,
            "secret.key": s3.secret_key,
        }
    bucket = location.uri.removeprefix("s3://").partition("/")[0]
    return {f"fs.s3a.bucket.{bucket}.{name}": value for name, value in options.items()}


def _tail(log: IO[bytes] | None) -> str:
    if log is None:
        return ""
    log.seek(0)
    return log.read()[-_LOG_TAIL:].decode(errors="replace").strip()
