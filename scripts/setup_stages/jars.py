"""The jars that Spark needs for Delta and S3, in pyspark's own folder: plain python and spark-submit both look there."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from setup_stages.place import CACHE, LOCKS, SPARK_JARS, VENV, SetupError
from setup_stages.programs import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIST = LOCKS / "jars.txt"
STORE = CACHE / "jars"
IVY = CACHE / "ivy"
PLACED = VENV / "jars.txt"
"""The list by which the jars in pyspark's folder were placed: what a newer list drops is taken out again."""

# The default root of `ibiblio` is the public repository. Without POMs nothing but the listed jars is asked for,
# and a half-filled local repository is not looked at.
SETTINGS = """<ivysettings>
  <settings defaultResolver="central"/>
  <caches defaultCacheDir="${lakemart.ivy}"/>
  <timeout-constraints><timeout-constraint name="patience" connectionTimeout="20000" readTimeout="60000"/></timeout-constraints>
  <resolvers><ibiblio name="central" m2compatible="true" usepoms="false" timeoutConstraint="patience"/></resolvers>
</ivysettings>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One jar by its coordinates, with the SHA-256 of its bytes."""

    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def name(self) -> str:
        """The file's name, in the store and in Spark's folder."""
        return f"{self.artifact}-{self.version}.jar"


def listed(text: str) -> list[Jar]:
    r"""The jars of a list: lines of `group:artifact:version sha256`, comments apart.

    >>> [jar.name for jar in listed("# why\nio.delta:delta-storage:4.2.0 2d84")]
    ['delta-storage-4.2.0.jar']
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    coordinates = [(line[0].split(":"), line[1]) for line in lines]
    return [Jar(group=parts[0], artifact=parts[1], version=parts[2], sha256=sha) for parts, sha in coordinates]


def bring(java: Path) -> None:
    """Every listed jar is in pyspark's folder with the right bytes; those in the store already are not fetched again."""
    jars = listed(LIST.read_text(encoding="utf-8"))
    missing = [jar for jar in jars if not is_right(STORE / jar.name, jar)]
    if missing:
        fetch(java, missing)
    wrong = [jar.name for jar in missing if not is_right(STORE / jar.name, jar)]
    if wrong:
        raise SetupError(f"the SHA-256 of {', '.join(wrong)} is not the one in locks/jars.txt: they are not used.")
    if PLACED.exists():
        for jar in listed(PLACED.read_text(encoding="utf-8")):
            (SPARK_JARS / jar.name).unlink(missing_ok=True)
    shutil.copyfile(LIST, PLACED)
    for jar in jars:
        shutil.copyfile(STORE / jar.name, SPARK_JARS / jar.name)


def fetch(java: Path, jars: Sequence[Jar]) -> None:
    """`jars` are in the store, brought by the Ivy that pyspark carries; their bytes are not yet checked."""
    STORE.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(IVY, ignore_errors=True)
    IVY.mkdir(parents=True)
    (IVY / "settings.xml").write_text(SETTINGS, encoding="utf-8")
    (IVY / "ivy.xml").write_text(request(jars), encoding="utf-8")
    ivy = next(SPARK_JARS.glob("ivy-*.jar"))
    machine = [
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        f"-Dlakemart.ivy={IVY / 'cache'}",
        *proxy(dict(os.environ)),
    ]
    call: list[str | Path] = ["-settings", IVY / "settings.xml", "-ivy", IVY / "ivy.xml", "-confs", "default"]
    retrieve = ["-retrieve", f"{STORE}/[artifact]-[revision].[ext]"]
    run([java, *machine, "-cp", ivy, "org.apache.ivy.Main", *call, *retrieve], doing="bringing the jars", seconds=600)
    shutil.rmtree(IVY)


def request(jars: Sequence[Jar]) -> str:
    """The Ivy file that asks for exactly these jars and for nothing they depend on."""
    lines = [
        f'    <dependency org="{jar.group}" name="{jar.artifact}" rev="{jar.version}" transitive="false" conf="default"/>'
        for jar in jars
    ]
    head = '<ivy-module version="2.0">\n  <info organisation="lakemart" module="jars"/>\n'
    confs = '  <configurations><conf name="default"/></configurations>\n'
    return head + confs + "  <dependencies>\n" + "\n".join(lines) + "\n  </dependencies>\n</ivy-module>\n"


def proxy(environ: dict[str, str]) -> list[str]:
    """The user's HTTPS_PROXY as Java wants to be told.

    >>> proxy({"HTTPS_PROXY": "http://proxy.example:3128"})
    ['-Dhttps.proxyHost=proxy.example', '-Dhttps.proxyPort=3128']
    """
    url = environ.get("HTTPS_PROXY") or environ.get("https_proxy")
    if not url:
        return []
    parts = urlsplit(url if "//" in url else f"//{url}")
    return [f"-Dhttps.proxyHost={parts.hostname}", f"-Dhttps.proxyPort={parts.port or 80}"]


def is_right(file: Path, jar: Jar) -> bool:
    """Whether `file` is there with the listed bytes."""
    return file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == jar.sha256
