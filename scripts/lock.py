"""Writes locks/: which Python packages and which jars, with the hashes they are checked against.

`lock.py` keeps the versions that are locked and adds what pyproject newly asks for; `lock.py --upgrade` takes the newest
that pyproject allows; `lock.py jars` fetches the jars of locks/jars.txt anew and writes their sums (versions are edited
by hand there; the AWS modules are those that hadoop-aws needs of the SDK, less what pyspark ships). No lock names an index:
packages come from wherever the user's pip or uv looks.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from setup_stages import jars, java
from setup_stages.place import CACHE, LOCKS, ROOT, VENV

PURPOSES = {
    "dev": ["--all-extras"],
    "job": [],
    "local": ["--extra", "local"],
    "read": ["--extra", "read"],
}
"""Lock by lock the extras in it. dev has everything and decides the versions; the others are parts of it."""

TOOLS = "setuptools>=77\nuv\nwheel\n"
"""What setup.txt locks: the installer, and what builds pyspark and lakemart."""

HEAD = "# Written by scripts/lock.py from pyproject.toml; do not edit. For Python 3.11 on every platform.\n"


def main(arguments: list[str]) -> None:
    """Writes the locks that `arguments` ask for."""
    if arguments == ["jars"]:
        lock_jars()
        return
    bound = ["--constraint", str(LOCKS / "dev.txt")]
    for purpose, extras in PURPOSES.items():
        lock(purpose, ["pyproject.toml", *extras, *(bound if purpose != "dev" else []), *arguments])
    with tempfile.TemporaryDirectory() as folder:
        tools = Path(folder) / "tools.in"
        tools.write_text(TOOLS, encoding="utf-8")
        lock("setup", [str(tools), *bound, *arguments])


def lock(name: str, what: list[str]) -> None:
    """locks/NAME.txt holds `what` and all it needs, with hashes."""
    file = LOCKS / f"{name}.txt"
    form = ["--universal", "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate"]
    quiet = ["--no-emit-index-url", "--no-emit-find-links", "--quiet", "--system-certs", "--output-file", str(file)]
    wider = ["--overrides", str(LOCKS / "overrides.txt")]
    subprocess.run([VENV / "bin" / "uv", "pip", "compile", *what, *form, *wider, *quiet], cwd=ROOT, check=True)
    file.write_text(HEAD + file.read_text(encoding="utf-8").removeprefix(HEAD), encoding="utf-8")
    print(f"{file.relative_to(ROOT)}: {file.read_text(encoding='utf-8').count('==')} packages")


def lock_jars() -> None:
    """locks/jars.txt has the sums of the jars it lists, as they come today."""
    CACHE.mkdir(exist_ok=True)
    text = jars.LIST.read_text(encoding="utf-8")
    wanted = jars.listed(text)
    for jar in wanted:
        (jars.STORE / jar.name).unlink(missing_ok=True)
    jars.fetch(java.find_java(), wanted)
    comments = [line for line in text.splitlines() if line.startswith("#")]
    sums = [(jar, hashlib.sha256((jars.STORE / jar.name).read_bytes()).hexdigest()) for jar in wanted]
    lines = [f"{jar.group}:{jar.artifact}:{jar.version} {found}" for jar, found in sums]
    jars.LIST.write_text("\n".join([*comments, *lines]) + "\n", encoding="utf-8")
    print(f"{jars.LIST.relative_to(ROOT)}: {len(lines)} jars")


if __name__ == "__main__":
    main(sys.argv[1:])
