from __future__ import annotations

import math
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from lakemart.engine import archive
from lakemart.engine.failures import last_line, short_message
from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings, _launch_options, s3a_options
from lakemart.engine.tasks import Done, Failed, Guarded, result_of
from lakemart.errors import DataError, TransientError
from lakemart.storage.store import Location, S3Settings


def raise_data_error(task: str) -> str:
    raise DataError(f"{task} is bad", where="here", rows=({"a": 1},))


def raise_os_error(task: str) -> str:
    raise ConnectionResetError(task)


def test_inline_work_is_done_in_order_tells_its_progress_and_starts_no_spark() -> None:
    told: list[tuple[int, int]] = []
    engine = Engine(EngineSettings())

    found = engine.run(
        math.sqrt, [4.0, 9.0], inline=True, description="roots", progress=lambda done, total: told.append((done, total))
    )

    assert found == [2.0, 3.0]
    assert told == [(1, 2), (2, 2)]
    assert not engine.started
    engine.stop()


def test_an_error_of_ours_keeps_class_words_and_rows_through_a_pickle() -> None:
    outcome = pickle.loads(pickle.dumps(Guarded(function=raise_data_error)("x")))  # noqa: S301 - our own

    assert isinstance(outcome, Failed)
    with pytest.raises(DataError, match="x is bad") as caught:
        result_of(outcome)
    assert (caught.value.where, caught.value.rows) == ("here", ({"a": 1},))


def test_a_failure_of_the_network_is_one_to_try_again() -> None:
    with pytest.raises(TransientError, match="ConnectionResetError: gone"):
        result_of(Guarded(function=raise_os_error)("gone"))


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ValueError, match="math domain"):
        Engine(EngineSettings()).run(math.sqrt, [-1.0], inline=True, description="roots")
    assert result_of(Done(1)) == 1


def test_no_secret_is_told_to_the_jvm_by_its_command_line() -> None:
    settings = EngineSettings(
        spark={"spark.hadoop.fs.s3a.secret.key": "hidden", "spark.executor.memory": "4g"},
        locations=(Location(uri="s3://b/l", s3=S3Settings(access_key="AK", secret_key="hidden")),),
    )

    options = _launch_options(settings)

    assert options["spark.executor.memory"] == "4g"
    assert "hidden" not in str(options)
    assert "hidden" not in repr(settings)


def test_quick_start_flags_are_for_a_local_jvm_that_nobody_else_set_up() -> None:
    assert "-XX:TieredStopAtLevel=1" in _launch_options(EngineSettings())["spark.driver.extraJavaOptions"]
    assert "spark.driver.extraJavaOptions" not in _launch_options(EngineSettings(spark={"spark.master": "yarn"}))


def test_an_embedded_endpoint_is_told_for_its_bucket_alone() -> None:
    place = Location(
        uri="s3://lake/gh", s3=S3Settings(endpoint_url="http://127.0.0.1:9000", access_key="AK", secret_key="SK")
    )

    options = s3a_options(place)

    assert all(key.startswith("fs.s3a.bucket.lake.") for key in options)
    assert options["fs.s3a.bucket.lake.connection.ssl.enabled"] == "false"
    assert options["fs.s3a.bucket.lake.path.style.access"] == "true"


def test_a_class_archive_is_asked_for_when_it_is_there_and_has_something_in_it(tmp_path: Path) -> None:
    file = tmp_path / "spark.jsa"

    assert archive.flags(None) == []
    assert archive.flags(file) == []
    file.touch()
    assert archive.flags(file) == []
    file.write_bytes(b"classes")
    assert archive.flags(file) == [f"-XX:SharedArchiveFile={file}"]


def test_planning_a_build_loads_no_pyspark() -> None:
    code = "import sys, lakemart.models.stage, lakemart.models.graph, lakemart.engine.runner; sys.exit('pyspark' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


UNKNOWN_COLUMN = """[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `x` cannot be resolved. Did you mean one of the following? [`a`]. SQLSTATE: 42703; line 3 pos 7;
'Project ['x]
+- OneRowRelation"""

DIVISION = """[DIVIDE_BY_ZERO] Division by zero. Use `try_divide` to tolerate it. SQLSTATE: 22012
== SQL (line 1, position 8) ==
select 1/0"""


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (UNKNOWN_COLUMN, "A column `x` cannot be resolved. Did you mean one of the following? [`a`] (line 3 pos 7)"),
        (DIVISION, "Division by zero (line 1, position 8)"),
    ],
)
def test_sparks_message_is_cut_to_its_sentence_and_place(text: str, short: str) -> None:
    assert short_message(RuntimeError(text)) == short


def test_a_traceback_is_told_by_its_last_line() -> None:
    text = "PythonException: Traceback (most recent call last):\n  File \"x.py\", line 1\nKeyError: 'a'\n\n\tat org.apache.Spark(X.java)\n"

    assert last_line(text) == "KeyError: 'a'"
