"""Whether the Java that Spark would start is a Java 17."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from setup_stages.place import USAGE, SetupError

WANTED = 17
HOW = "install a Java 17 runtime (openjdk-17-jre-headless on Debian and Ubuntu) or set JAVA_HOME to one"
USUAL_PLACES = (
    ("/usr/lib/jvm", "*17*/bin/java"),
    ("/opt/java", "*17*/bin/java"),
    ("/Library/Java/JavaVirtualMachines", "*17*/Contents/Home/bin/java"),
)


def find_java() -> Path:
    """The java that Spark would take: JAVA_HOME's, else the first on PATH. SetupError when there is none."""
    home = os.environ.get("JAVA_HOME")
    if home:
        java = Path(home) / "bin" / "java"
        if not java.is_file():
            raise SetupError(f"JAVA_HOME is {home}, which holds no bin/java: {HOW}{hint()}.", USAGE)
        return java
    found = shutil.which("java")
    if found is None:
        raise SetupError(f"Java 17 is needed and there is no java on PATH: {HOW}{hint()}.", USAGE)
    return Path(found)


def check(java: Path) -> None:
    """Nothing when `java` is a Java 17; SetupError with what it is otherwise."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
        told = done.stderr + done.stdout
    except (OSError, subprocess.TimeoutExpired) as problem:
        told = str(problem)
    version = version_in(told)
    if version is None:
        raise SetupError(f"Java 17 is needed and {java} does not run: {HOW}{hint()}.", USAGE)
    if major(version) != WANTED:
        raise SetupError(f"Java 17 is needed and {java} is Java {version}: {HOW}{hint()}.", USAGE)


def version_in(told: str) -> str | None:
    """The version in the output of `java -version`, as it stands there; None when there is none.

    >>> version_in('openjdk version "17.0.15" 2025-04-15'), version_in("Unable to locate a Java Runtime.")
    ('17.0.15', None)
    """
    match = re.search(r'version "([^"]+)"', told)
    return match[1] if match else None


def major(version: str) -> int:
    """The release that people speak of.

    >>> major("17.0.15"), major("1.8.0_412"), major("25-ea")
    (17, 8, 25)
    """
    numbers = [int(number) for number in re.findall(r"\d+", version)]
    return numbers[1] if numbers[0] == 1 and len(numbers) > 1 else numbers[0]


def hint() -> str:
    """Where a Java 17 lies unused, as the end of a sentence; empty when none is seen."""
    for folder, pattern in USUAL_PLACES:
        for java in sorted(Path(folder).glob(pattern)):
            return f" (there is one: JAVA_HOME={java.parent.parent})"
    return ""
