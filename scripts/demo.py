"""The demo: the main job on two real hours of GitHub events, killed once on the way, with its books and its proof.

Everything stays under `.lakemart/demo` in the checkout, which is made anew each time. Run it by `make demo`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".lakemart" / "demo"
PROJECT = ROOT / "conf" / "gharchive"

BROKEN = [
    b'{"id":"2489368070","type":"PushEvent","repo":{"name":"there already"},"payload":{},"created_at":"2015-01-01T00:00:00Z"}',
    b'{"id":"9000000001","type":"PushEvent","actor":{"id":"not a number"},"payload":{},"created_at":"2015-01-01T00:10:00Z"}',
    b'{"id":"9000000002","type":"WatchEvent","payload":{"action":"started"},"created_at":"yesterday"}',
    b'{"id":"9000000003","type":"PushEvent","payload":{"size":99999999999},"created_at":"2015-01-01T00:20:00Z"}',
    b'{"id":"9000000004","id":"9000000005","type":"PushEvent","payload":{},"created_at":"2015-01-01T00:30:00Z"}',
    b'{"type":"PushEvent","payload":{},"created_at":"2015-01-01T00:40:00Z"}',
    b'{"id":"9000000006","type":"PushEvent","payload":{"commits":[{"message":"cut off in the mid',
    b'{"id":"9000000007","type":"WatchEvent","created_at":"2015-01-01T00:50:00Z"} {"id":"9000000008"}',
]
"""What a feed brings on a bad day: a repeated event, wrong types, a number out of range, a key twice, a key missing, a
line cut off, two records on one line."""

console = Console(highlight=False)


def main() -> int:
    """Runs the demo; 0 when the books balance and the marts equal the lake."""
    began = time.monotonic()
    _quiet("down")
    shutil.rmtree(STATE, ignore_errors=True)
    _land_raw()
    _quiet("up")  # so that the commands below share one start of the servers
    try:
        _tell("1. A run that is killed by SIGKILL, between the commit of a table and that of its quarantine")
        killed = _lakemart("run", fault="lake.commit:after:kill:4")
        if killed.returncode != -signal.SIGKILL:
            console.print(f"the run should have been killed and ended with {killed.returncode}")
            return 1
        console.print("   killed; nothing of the batch at work is visible, and its lease still stands")
        _tell("2. The same command again: it finds the lease abandoned, finishes what was decided, and goes on")
        code = _lakemart("run").returncode
        _tell("3. What was not taken, and why")
        code = code or _lakemart("quarantine").returncode
        _tell("4. The books")
        code = code or _lakemart("books").returncode
        _tell("5. The warehouse, asked through Redshift's own protocol")
        code = (
            code
            or _lakemart(
                "query",
                "SELECT event_type, events, actors, repos FROM marts.hourly_activity ORDER BY events DESC LIMIT 5",
            ).returncode
        )
        _tell("6. Everything computed again: lake against ledger, warehouse against lake")
        code = code or _lakemart("verify").returncode
        # `books` exits with 3 unless every equation holds, `verify` unless lake and warehouse are what the ledger says.
        console.print("\n[bold red]mart != lake[/]" if code else "\n[bold green]mart == lake[/]")
    finally:
        _quiet("down")
    console.print(
        f"\n{time.monotonic() - began:.0f} s. The tables are Delta, under {STATE.relative_to(ROOT) / 'lake'}."
    )
    return code


def _land_raw() -> None:
    """The project's two hours, and beside them an object of broken lines."""
    raw = STATE / "raw"
    for path in sorted((PROJECT / "raw").glob("*/*.json.gz")):
        (raw / path.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, raw / path.parent.name / path.name)
    (raw / "2015" / "2015-01-01-1-broken.json").write_bytes(b"\n".join(BROKEN) + b"\n")


def _lakemart(*words: str, fault: str | None = None, capture: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "LAKEMART_FAULT"}
    if fault is not None:
        environment["LAKEMART_FAULT"] = fault
    command = [str(Path(sys.executable).parent / "lakemart"), "--project", str(PROJECT), "--state", str(STATE)]
    command += ["--set", f"raw={STATE / 'raw'}", "--set", "lease.ttl=2s", *words]
    if not capture:
        shown = " ".join(f'"{word}"' if " " in word else word for word in words)
        console.print(f"   $ {'LAKEMART_FAULT=' + fault + ' ' if fault else ''}lakemart {shown}", style="dim")
    return subprocess.run(command, env=environment, check=False, text=True, capture_output=capture)


def _quiet(command: str) -> None:
    _lakemart(command, capture=True)


def _tell(text: str) -> None:
    console.print(f"\n[bold]{text}[/]")


if __name__ == "__main__":
    sys.exit(main())
