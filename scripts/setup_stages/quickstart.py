"""The class archive by which Spark's JVM starts in half the time on this machine; done without where it cannot be made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from setup_stages.place import PYTHON, ROOT, VENV, SetupError, fingerprint
from setup_stages.programs import run

if TYPE_CHECKING:
    from pathlib import Path

MAKER = ROOT / "scripts" / "class_archive.py"
ARCHIVE = VENV / "share" / "lakemart" / "spark.jsa"
"""Where lakemart.engine.archive looks; an empty file says that it could not be made, and nobody tries again."""


def inputs(placed: str, java: Path) -> str:
    """What the archive depends on: Java, the packages and jars (`placed`), and what is loaded."""
    return fingerprint([MAKER], placed, str(java.resolve()))


def make() -> str:
    """The archive is the one of today's jars, or an empty file; returns why it is not, empty when it is."""
    ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
    ARCHIVE.unlink(missing_ok=True)
    try:
        run([PYTHON, MAKER, ARCHIVE], doing="making Spark's class archive", seconds=300)
    except SetupError as problem:
        ARCHIVE.touch()
        return f"Spark starts without its class archive, some seconds slower: {problem}"
    return ""
