"""Runs the tools of set-up: in a cleaned environment, with their output in the log."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING

from setup_stages.place import CACHE, LOG, ROOT, TRY_AGAIN, SetupError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A developer's own settings that would lead packages elsewhere, or other modules in.
MISLEADING = (
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "SPARK_HOME",
    "VIRTUAL_ENV",
)

OWN = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PIP_ROOT_USER_ACTION": "ignore",
    # Of the checkout, not the user's: it is several GB while pyspark is built, and goes once all is installed.
    "UV_CACHE_DIR": str(CACHE / "uv"),
    "UV_NO_PROGRESS": "1",
}

# Whoever has no network should learn it in seconds; a slow one may set these higher.
PATIENCE = {"PIP_DEFAULT_TIMEOUT": "30", "PIP_RETRIES": "2", "UV_HTTP_RETRIES": "2", "UV_HTTP_TIMEOUT": "60"}

NO_NETWORK = re.compile(
    r"Failed to establish a new connection|Cannot connect to proxy|ProxyError|NameResolutionError|[Cc]onnection refused"
    r"|Temporary failure in name resolution|Network is unreachable|No route to host|ConnectTimeout|Read timed out"
    r"|[Cc]onnect timed out|UnknownHostException|SSLError|CERTIFICATE_VERIFY_FAILED|error sending request"
    r"|tunnel error|PKIX path building failed|Unable to tunnel"
)


def run(arguments: Sequence[str | Path], *, doing: str, seconds: float = 3600) -> None:
    """Runs one tool to its end in the checkout, its output appended to the log.

    Raises SetupError when it fails: one sentence that tells a missing network from everything else.
    """
    started_at = LOG.stat().st_size if LOG.exists() else 0
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"\n== {doing}\n")
        log.flush()
        try:
            done = subprocess.run(
                [str(argument) for argument in arguments],
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            sentence = f"cannot finish {doing} within {seconds:.0f} s; call again. Details: {LOG}"
            raise SetupError(sentence, TRY_AGAIN) from None
    if done.returncode != 0:
        raise failure(doing, LOG.read_bytes()[started_at:].decode(errors="replace"))


def failure(doing: str, output: str) -> SetupError:
    """What to tell about a tool that failed with this output."""
    if NO_NETWORK.search(output):
        return SetupError(
            f"no network while {doing}: set-up needs it this once; check the connection or the proxy (HTTPS_PROXY) "
            f"and call again. Details: {LOG}",
            TRY_AGAIN,
        )
    if "No space left on device" in output:
        return SetupError(f"the disk is full while {doing}: set-up needs about 6 GB, and 2 GB stay in use. Log: {LOG}")
    said = [line.strip() for line in output.splitlines() if line.strip()] or ["it said nothing"]
    return SetupError(f"{doing} failed: {said[-1]}. Details: {LOG}")


def environment() -> dict[str, str]:
    """The environment that tools run in: the user's, less what misleads, plus ours."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return PATIENCE | kept | OWN
