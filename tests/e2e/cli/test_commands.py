"""Commands as processes: signals, two runs at once, servers that are kept, and the same by spark-submit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import redshift_connector

from e2e.driving import PROGRAMS, ROOT, Project, ended

pytestmark = pytest.mark.e2e

HANG = "ingest.files:before:hang"


class Hanging:
    """A run that hangs in the middle of ingest, with its lease taken."""

    def __init__(self, project: Project, *more: str) -> None:
        self.process = subprocess.Popen(
            project.command("--json", "ingest"),
            env=project.environment(",".join((HANG, *more))),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not list(project.lake.rglob("plan.json")):
            assert time.monotonic() < deadline
            assert self.process.poll() is None
            time.sleep(0.05)

    def end(self) -> tuple[int, str]:
        stdout, _ = self.process.communicate(timeout=60)
        return self.process.returncode, stdout


def holders(project: Project) -> set[str]:
    return {one["holder"] for one in project.ok("status")["writers"] if one["holder"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_run_cleanly_and_the_next_run_goes_on(shop: Project, number: signal.Signals) -> None:
    run = Hanging(shop)
    assert holders(shop)

    run.process.send_signal(number)
    code, stdout = run.end()

    [error] = json.loads(stdout)["errors"]
    assert (code, error["kind"], error["message"]) == (5, "transient", f"stopped by {number.name}")
    assert holders(shop) == set()
    assert shop.ok("ingest")["sources"]["orders"]["good"] == 6


def test_a_second_signal_ends_at_once_and_the_next_run_heals(shop: Project) -> None:
    run = Hanging(shop, "lease.release:before:hang")  # the first signal alone would not end it
    run.process.send_signal(signal.SIGTERM)
    until = time.monotonic() + 60
    while run.process.poll() is None and time.monotonic() < until:
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.05)

    code, _ = run.end()

    assert code in {-signal.SIGTERM, -signal.SIGINT}
    assert shop.ok("ingest")["sources"]["orders"]["good"] == 6


def test_a_run_beside_another_exits_4_and_names_it_and_one_that_waits_goes_through(shop: Project) -> None:
    run = Hanging(shop)

    [error] = shop.stops(4, "ingest")["errors"]
    assert error["kind"] == "locked"
    assert "held by run" in error["message"]

    waiting = subprocess.Popen(
        shop.command("--json", "ingest", "--wait"),
        env=shop.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run.process.send_signal(signal.SIGTERM)
    run.end()
    stdout, _ = waiting.communicate(timeout=60)

    assert waiting.returncode == 0
    assert json.loads(stdout)["sources"]["orders"]["good"] == 6


def connected(warehouse: dict[str, Any]) -> redshift_connector.Connection:
    words = {key: warehouse[key] for key in ("host", "port", "database", "user", "password")}
    return redshift_connector.connect(**words, ssl=False)


def test_servers_that_are_kept_are_used_by_commands_and_by_anyone_with_the_printed_credentials(built: Project) -> None:
    places = built.ok("up")
    assert built.ok("up") == places

    built.ok("publish")

    connection = connected(places["warehouse"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM marts.daily")
            assert cursor.fetchone() == [4]
    finally:
        connection.close()
    with pytest.raises(redshift_connector.Error):
        connected({**places["warehouse"], "password": "Wrong1Password"})
    assert built.ok("down")["were_up"] is True
    assert built.ok("down")["were_up"] is False
    assert built.query("SELECT count(*) FROM marts.daily") == [[4]]


def test_a_command_that_publishes_nothing_starts_no_server(shop: Project) -> None:
    shop.ok("ingest")
    for words in (["status"], ["books"], ["quarantine"], ["config"]):
        shop.ok(*words)

    assert not (shop.state / "run").exists()


def test_quarantine_exports_the_exact_bytes(shop: Project, tmp_path: Path) -> None:
    shop.ok("ingest")

    assert shop.ok("quarantine", "--export", str(tmp_path / "out"))["exported"] == 2

    raw = b"".join(path.read_bytes() for path in sorted(shop.raw.rglob("*.ndjson")))
    exported = (tmp_path / "out").read_bytes().splitlines()
    assert len(exported) == 2
    assert set(exported) <= set(raw.splitlines())


def test_both_kinds_of_query_agree(built: Project) -> None:
    built.ok("publish")
    text = "SELECT day, shop, orders, amount FROM {} ORDER BY day, shop"

    lake = built.ok("query", "--lake", text.format("daily"))

    assert lake == built.ok("query", text.format("marts.daily"))
    assert lake["columns"] == ["day", "shop", "orders", "amount"]


def test_a_statement_that_is_refused_is_exit_2_with_the_warehouses_words(built: Project) -> None:
    [error] = built.stops(2, "query", "SELECT nothing FROM nowhere")["errors"]

    assert error["kind"] == "config"
    assert "nowhere" in error["message"]


def test_spark_submit_does_what_the_command_does(shop: Project) -> None:
    words = ["--project", str(shop.folder), "--state", str(shop.state), "--json"]
    submit = [str(PROGRAMS / "spark-submit"), str(ROOT / "jobs" / "run.py"), *words]

    environment = {
        **shop.environment(),
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
    }  # spark-submit looks for python3 there

    first = ended(submit, environment)

    assert first.code == 0, first.stderr
    assert first.document["marts"]["daily"]["warehouse"] == 4
    assert ended([*submit, "--only", "nobody"], environment).code == 2
    assert shop.ok("run")["outcome"] == "nothing_to_do"
