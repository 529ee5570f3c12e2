"""A class archive for local JVMs (AppCDS): what Spark loads at its start, mapped instead of parsed and verified.

Set-up makes it (scripts/class_archive.py). The JVM checks it itself and goes on without it when it is missing, stale or
damaged, so nothing depends on it but the start-up time.
"""

from __future__ import annotations

import sys
from pathlib import Path


def default_path() -> Path:
    """Where set-up puts the archive: in the environment, beside the jars it was made from."""
    return Path(sys.prefix) / "share" / "lakemart" / "spark.jsa"


def flags(path: Path | None) -> list[str]:
    """The JVM flags that use the archive; none when there is no file, or the empty one of a set-up that could not make it."""
    usable = path is not None and path.is_file() and path.stat().st_size > 0
    return [f"-XX:SharedArchiveFile={path}"] if usable else []
