"""Where things lie in the checkout, and the errors that end a set-up."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SITE_PACKAGES = VENV / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
SPARK_JARS = SITE_PACKAGES / "pyspark" / "jars"
LOCKS = ROOT / "locks"
CACHE = ROOT / ".cache"
LOG = CACHE / "setup.log"

USAGE, FAILED, TRY_AGAIN = 2, 1, 5
"""The exit codes of lakemart's commands that a set-up can end with."""


class SetupError(Exception):
    """One sentence for the person at the terminal, and the exit code that goes with it."""

    def __init__(self, sentence: str, code: int = FAILED) -> None:
        super().__init__(sentence)
        self.code = code


def fingerprint(files: Iterable[Path], *words: str) -> str:
    """A hash over the names and bytes of `files` and over `words`; the same when nothing changed."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode() + b"\0")
    for file in sorted(files):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()
