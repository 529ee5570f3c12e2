from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakemart import names
from lakemart.engine.failures import spoken
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.errors import ConfigError, DataError, InternalError, LakemartError


def test_spark_tasks_give_their_results_in_order(engine: Engine) -> None:
    told: list[tuple[int, int]] = []

    found = engine.run(
        math.sqrt, [9.0, 1.0, 4.0], inline=False, description="take roots", progress=lambda *done: told.append(done)
    )

    assert found == [3.0, 1.0, 2.0]
    assert told[-1] == (3, 3)


def test_no_tasks_need_no_spark() -> None:
    assert Engine(EngineSettings()).run(math.sqrt, [], inline=False, description="nothing") == []


def test_an_error_of_ours_comes_back_from_a_task_as_itself(engine: Engine) -> None:
    with pytest.raises(ConfigError, match=r"'Bad Name' is not a name\. Names are"):
        engine.run(names.checked, ["good", "Bad Name", "Worse Name"], inline=False, description="check names")


def test_a_bug_in_a_task_is_told_in_one_line(engine: Engine) -> None:
    with pytest.raises(InternalError) as caught:
        engine.run(math.sqrt, [-1.0], inline=False, description="take roots")

    assert str(caught.value) == "cannot take roots: ValueError: math domain error (Spark)"


@pytest.mark.parametrize(
    ("query", "error", "words"),
    [
        (
            "SELECT nosuch FROM range(1)",
            ConfigError,
            "`nosuch` cannot be resolved. Did you mean one of the following? [`id`]",
        ),
        ("SELEC 1", ConfigError, "Syntax error at or near 'SELEC'"),
        ("SELECT * FROM nowhere", ConfigError, "The table or view `nowhere` cannot be found (line 1 pos 14)"),
        ("SELECT id / 0 FROM range(3)", DataError, "Division by zero"),
        ("SELECT CAST('x' AS INT)", DataError, "cannot be cast"),
        (
            "SELECT * FROM range(3) WHERE id = (SELECT id FROM range(2))",
            DataError,
            "More than one row returned by a subquery",
        ),
    ],
)
def test_a_query_fails_by_who_can_mend_it(engine: Engine, query: str, error: type[LakemartError], words: str) -> None:
    spark = engine.isolated()

    with pytest.raises(error) as caught, spoken("the query fails", where="q.sql"):
        spark.sql(query).collect()

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "org.apache" not in str(caught.value)


def test_what_queries_mean_is_settled(engine: Engine) -> None:
    spark = engine.isolated()

    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_views_of_one_query_are_unknown_to_the_next(engine: Engine) -> None:
    engine.isolated().range(1).createOrReplaceTempView("mine")

    assert not engine.isolated().catalog.tableExists("mine")


def test_a_session_that_is_there_is_used_and_left_running(engine: Engine) -> None:
    spark = engine.spark()
    guest = Engine(EngineSettings())

    assert guest.spark().sparkContext is spark.sparkContext
    guest.stop()

    assert SparkSession.builder.getOrCreate().range(1).count() == 1


def test_the_jvm_dies_with_a_killed_driver_and_nothing_is_left_behind(tmp_path: Path) -> None:
    code = """
import math, os, signal
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings
from lakemart.engine.session import EngineSettings
engine = Engine(EngineSettings())
engine.spark().sql("SELECT 1").collect()
from pyspark import SparkContext
print(SparkContext._gateway.proc.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    here = tmp_path / "here"
    here.mkdir()

    driver = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=here,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with driver:
        output, errors = driver.communicate(timeout=120)

    assert driver.returncode == -signal.SIGKILL, errors
    assert errors == b""
    wait_until_gone(int(output))
    assert list(here.iterdir()) == []
    assert list(scratch.iterdir()) == []


def wait_until_gone(pid: int) -> None:
    """Waits for a process that is not our child, at most a minute."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    with os.fdopen(descriptor) as process:
        assert select.select([process], [], [], 60)[0], f"process {pid} lives on"
