"""Set-up decides by what it finds; each find, and the one sentence for each fault, without network or Java."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import setup
from setup_stages import jars, java, native, packages, place, programs, quickstart

STORED = b"the bytes of a jar"


def java_that_says(folder: Path, text: str) -> Path:
    """A `java` in `folder`/bin that prints `text` to stderr, as `java -version` does."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{text}\nEND\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("told", ['openjdk version "17.0.15" 2025-04-15', 'java version "17" 2021-09-14 LTS'])
def test_any_java_17_is_accepted(tmp_path: Path, told: str) -> None:
    java.check(java_that_says(tmp_path, told))


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ('openjdk version "21.0.2" 2024-01-16', "is Java 21.0.2"),
        ('java version "1.8.0_412"', "is Java 1.8.0_412"),
        ("Unable to locate a Java Runtime.", "does not run"),
    ],
)
def test_another_java_is_refused_in_one_sentence_that_names_it(tmp_path: Path, told: str, named: str) -> None:
    with pytest.raises(place.SetupError, match=named) as refused:
        java.check(java_that_says(tmp_path, told))

    assert refused.value.code == place.USAGE
    assert "\n" not in str(refused.value)


def test_java_home_is_taken_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_home = java_that_says(tmp_path / "home", "")
    monkeypatch.setenv("PATH", str(java_that_says(tmp_path / "path", "").parent))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "home"))

    assert java.find_java() == at_home


def test_a_java_home_without_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))

    with pytest.raises(place.SetupError, match=re.escape(f"JAVA_HOME is {tmp_path}")):
        java.find_java()


def test_no_java_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(place.SetupError, match="there is no java on PATH"):
        java.find_java()


@pytest.mark.parametrize(
    "output",
    [
        "WARNING: Retrying … ProxyError('Cannot connect to proxy.', NewConnectionError('Connection refused'))",
        "error: Request failed after 3 retries\n  Caused by: dns error: Temporary failure in name resolution",
        "Server access error (java.net.ConnectException: Connection refused)",
    ],
)
def test_a_missing_network_is_told_from_other_failures(output: str) -> None:
    problem = programs.failure("installing the packages", output + "\nERROR: No matching distribution found")

    assert str(problem).startswith("no network while installing the packages")
    assert problem.code == place.TRY_AGAIN


def test_another_failure_is_told_by_its_last_line() -> None:
    problem = programs.failure("installing the packages", "Collecting x\nERROR: hashes do not match\n\n")

    assert "failed: ERROR: hashes do not match" in str(problem)
    assert problem.code == place.FAILED


def test_a_silent_failure_has_a_sentence_too() -> None:
    assert "failed" in str(programs.failure("bringing the jars", ""))


def test_the_list_of_jars_is_whole() -> None:
    listed = jars.listed(jars.LIST.read_text(encoding="utf-8"))

    assert len({jar.name for jar in listed}) == len(listed) == 36
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in listed)


def jar_store(folder: Path, monkeypatch: pytest.MonkeyPatch, stored: bytes) -> Path:
    """A store with one jar of these bytes, listed by the sum of STORED; returns Spark's folder, empty so far."""
    spark, store = folder / "spark", folder / "store"
    spark.mkdir()
    store.mkdir()
    (store / "a-1.jar").write_bytes(stored)
    (folder / "list").write_text(f"g:a:1 {hashlib.sha256(STORED).hexdigest()}\n", encoding="utf-8")
    for name, value in {
        "SPARK_JARS": spark,
        "STORE": store,
        "LIST": folder / "list",
        "PLACED": folder / "placed",
    }.items():
        monkeypatch.setattr(jars, name, value)
    monkeypatch.setattr(jars, "fetch", lambda *_: None)
    return spark


def test_jars_in_the_store_are_placed_without_asking_anyone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spark = jar_store(tmp_path, monkeypatch, STORED)

    jars.bring(Path("no-java"))

    assert (spark / "a-1.jar").read_bytes() == STORED


def test_a_jar_with_other_bytes_than_listed_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spark = jar_store(tmp_path, monkeypatch, b"something else")

    with pytest.raises(place.SetupError, match=r"SHA-256 of a-1\.jar"):
        jars.bring(Path("no-java"))

    assert list(spark.iterdir()) == []


def test_a_jar_that_the_list_dropped_leaves_sparks_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spark = jar_store(tmp_path, monkeypatch, STORED)
    (spark / "old-1.jar").touch()
    (spark / "spark-core.jar").touch()
    (tmp_path / "placed").write_text("g:old:1 00\n", encoding="utf-8")

    jars.bring(Path("no-java"))

    assert {file.name for file in spark.iterdir()} == {"a-1.jar", "spark-core.jar"}


def test_without_rust_the_decoder_is_left_out_with_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "EXTENSION", tmp_path / "_native.abi3.so")
    monkeypatch.setattr(native, "WITHOUT", tmp_path / "without")
    monkeypatch.setenv("PATH", str(tmp_path))
    native.EXTENSION.touch()

    notice = native.build()

    assert "reference decoder" in notice
    assert "\n" not in notice
    assert not native.EXTENSION.exists()
    assert native.result().read_text(encoding="utf-8").strip() == notice


def test_without_a_class_archive_spark_starts_slower_and_nobody_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise place.SetupError("making Spark's class archive failed: no room.")

    monkeypatch.setattr(quickstart, "ARCHIVE", tmp_path / "share" / "spark.jsa")
    monkeypatch.setattr(quickstart, "run", fails)

    notice = quickstart.make()

    assert "slower" in notice
    assert "no room" in notice
    assert quickstart.ARCHIVE.read_bytes() == b""


def a_stage(result: Path, inputs: str = "today") -> setup.Stage:
    return setup.Stage(name="packages", about="", inputs=inputs, result=result, work=lambda _: None)


def test_a_stage_is_done_only_with_todays_inputs_and_its_result(tmp_path: Path) -> None:
    there, gone = tmp_path, tmp_path / "gone"

    assert setup.is_done(a_stage(there), {"packages": "today"})
    assert not setup.is_done(a_stage(there), {"packages": "yesterday"})
    assert not setup.is_done(a_stage(there), {"packages": setup.BEGUN})
    assert not setup.is_done(a_stage(gone), {"packages": "today"})
    assert not setup.is_done(a_stage(there), {})


def test_a_torn_state_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup, "STATE", tmp_path / "setup.json")
    setup.STATE.write_text('{"packages": "to', encoding="utf-8")

    assert setup.read_state() == {}


def test_a_stage_that_was_cut_off_is_told_so_when_it_runs_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[bool] = []
    stage = setup.Stage(name="s", about="", inputs="i", result=tmp_path, work=told.append)
    for name, value in {
        "STATE": tmp_path / "setup.json",
        "PYTHON": Path(sys.executable),
        "LOG": tmp_path / "log",
    }.items():
        monkeypatch.setattr(setup, name, value)
    monkeypatch.setattr(setup, "stages", lambda: [stage])

    setup.set_up(again=False)
    setup.STATE.write_text(json.dumps({"s": setup.BEGUN}), encoding="utf-8")
    setup.set_up(again=False)
    setup.set_up(again=False)

    assert told == [False, True]
    assert setup.read_state() == {"s": "i"}


def test_the_command_laid_for_spark_submit_finds_its_own_spark_under_a_path_with_a_space(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv = tmp_path / "a b" / ".venv"
    spark = venv / "lib" / "pyspark"
    (venv / "bin").mkdir(parents=True)
    (spark / "bin").mkdir(parents=True)
    real = spark / "bin" / "spark-submit"
    real.write_text('#!/bin/sh\necho "$SPARK_HOME|$PYSPARK_PYTHON|$1"\n', encoding="utf-8")
    real.chmod(0o755)
    monkeypatch.setattr(packages, "VENV", venv)
    monkeypatch.setattr(packages, "SPARK_JARS", spark / "jars")

    packages.lay_command("spark-submit")
    misled = {**os.environ, "SPARK_HOME": "/elsewhere", "PYSPARK_PYTHON": "/elsewhere/python"}
    told = subprocess.run(
        [venv / "bin" / "spark-submit", "my job.py"], env=misled, capture_output=True, text=True, check=True
    )

    assert told.stdout == f"{spark}|{venv}/bin/python|my job.py\n"


def test_setup_without_a_python_311_ends_in_one_sentence(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(place.ROOT / "scripts" / "setup", scripts)
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("sh", "dirname"):
        (tools / tool).symlink_to(shutil.which(tool) or "")

    told = subprocess.run([scripts / "setup"], env={"PATH": str(tools)}, capture_output=True, text=True, check=False)

    assert told.returncode == place.USAGE
    assert told.stderr.startswith("lakemart needs Python 3.11 and found no python3")
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("purpose", ["dev", "job", "local", "read"])
def test_a_lock_has_everything_that_pyproject_asks_for(purpose: str) -> None:
    project = tomllib.loads((place.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    chosen = {"dev": ["local", "read", "dev"], "job": [], "local": ["local"], "read": ["read"]}[purpose]
    asked = [*project["dependencies"], *(requirement for extra in chosen for requirement in extras[extra])]

    locked = re.findall(r"^([a-z0-9-]+)==", (place.LOCKS / f"{purpose}.txt").read_text(encoding="utf-8"), re.MULTILINE)

    assert {re.split(r"[^a-z0-9-]", requirement.lower())[0] for requirement in asked} <= set(locked), "call `make lock`"


def test_no_lock_names_an_index_and_every_package_has_hashes() -> None:
    for lock in place.LOCKS.glob("*.txt"):
        text = lock.read_text(encoding="utf-8")

        assert "://" not in text, lock.name
        if lock.name != "jars.txt":
            pinned = re.findall(r"^[a-z0-9].*==\S+", text, flags=re.MULTILINE)
            assert len(pinned) == len(re.findall(r"^[a-z0-9].*==[^\n]*\\\n +--hash=sha256:", text, flags=re.MULTILINE))
