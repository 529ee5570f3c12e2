"""What fails says so in a sentence, with the exit code that the interface promises, and harms nothing else."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from e2e.driving import Ended, Project
from e2e.shop import MART, MART_SQL, SQL, lines, order

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

TRACE = "Traceback (most recent call last)"


def own_warehouse(project: Project, port: int, role: str) -> None:
    """Writes the embedded warehouse into the project as one of the user's own, its password in the environment."""
    written = {"host": "127.0.0.1", "port": port, "database": "dev", "user": "lakemart", "ssl": False, "iam_role": role}
    text = json.dumps({**written, "password": "secret://env/SHOP_PASSWORD"})
    project.rewrite("project.yaml", "lease:", f"environments:\n  local:\n    warehouse: {text}\nlease:")


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def mart_rows(project: Project) -> list[tuple[Any, ...]]:
    found = DeltaTable(str(project.lake / "daily")).to_pyarrow_table().to_pylist()
    return sorted((row["day"].isoformat(), row["shop"], row["orders"], format(row["amount"], "f")) for row in found)


def assert_no_trace(end: Ended) -> None:
    assert TRACE not in end.stderr
    assert TRACE not in end.stdout
    assert '  File "' not in end.stderr


@pytest.mark.spark
def test_a_model_whose_check_fails_publishes_nothing_and_goes_through_once_mended(built: Project) -> None:
    """Acceptance: exit 3, failing rows shown to people, the old version readable in lake and warehouse; then mended."""
    old = [tuple(row) for row in MART]
    built.ok("up")
    built.ok("publish")
    built.rewrite("models/daily.sql", "CAST(sum(amount)", "CAST(-sum(amount)")
    end = built.lakemart("run")
    assert end.code == 3, (end.stdout, end.stderr)
    assert_no_trace(end)
    assert "SELECT * FROM daily WHERE amount < 0" in " ".join(end.stdout.split())
    assert "-11.25" in end.stdout
    assert "north" in end.stdout
    assert mart_rows(built) == old
    assert built.query(MART_SQL) == MART
    books = built.ok("books")
    assert books["balanced"] is True
    built.rewrite("models/daily.sql", "CAST(-sum(amount)", "CAST(2 * sum(amount)")
    run = built.ok("run")
    assert run["marts"]["daily"]["warehouse"] == len(MART)
    assert built.query(MART_SQL)[0] == [MART[0][0], "north", 3, "22.50"]
    assert mart_rows(built)[0][3] == "22.50"


@pytest.mark.spark
def test_a_refused_batch_is_taken_again_and_published_after_the_contract_is_mended(shop: Project) -> None:
    """Acceptance: a refused batch reaches no model and no mart; the next run with a mended contract publishes it."""
    shop.land("orders/2024-05-03.ndjson", lines(*(order(number, amount="1.50") for number in range(80, 95))))
    run = shop.stops(3, "run")
    assert run["models"]["daily"]["slices"] == []
    assert run["marts"]["daily"]["slices"] == []
    shop.rewrite("sources/orders.yaml", 'type: "decimal(9,2)"', 'type: "decimal(9,2)", lenient: true')
    assert shop.ok("run")["outcome"] == "ok"
    assert shop.query(MART_SQL)[0] == ["2024-05-01", "north", 18, "33.75"]


@pytest.mark.spark
def test_an_unknown_column_in_a_model_is_a_fault_of_the_project(built: Project) -> None:
    """Acceptance: exit 2, the column and the model named, no stack trace; the old version stays readable."""
    built.rewrite("models/daily.sql", "sum(amount)", "sum(amuont)")
    end = built.lakemart("--json", "build")
    assert end.code == 2, (end.stdout, end.stderr)
    assert_no_trace(end)
    told = json.dumps(end.errors)
    assert "amuont" in told
    assert "daily" in told
    assert mart_rows(built) == [tuple(row) for row in MART]


def test_a_wrong_contract_tells_every_problem_with_file_line_and_column(shop: Project) -> None:
    """Acceptance: exit 2, all problems at once, each with its place and a suggestion; nothing is written."""
    shop.rewrite("sources/orders.yaml", "required: true", "requierd: true")
    shop.rewrite("sources/orders.yaml", '"decimal(9,2)"', '"decimal(99,2)"')
    shop.rewrite("models/daily.yaml", "slice: day", "slize: day")
    end = shop.lakemart("run")
    assert end.code == 2, (end.stdout, end.stderr)
    assert_no_trace(end)
    text = " ".join(end.stderr.split())
    assert "sources/orders.yaml" in text
    assert "models/daily.yaml" in text
    for words in ("requierd", "required", "decimal(99,2)", "slize", "slice"):
        assert words in text, words
    source = (shop.folder / "sources/orders.yaml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(source, start=1):
        if "requierd" in line:
            assert f"{number}:{line.index('requierd') + 1} " in text
    assert not shop.state.exists()


def test_an_error_has_a_stack_trace_with_debug_and_none_without(shop: Project) -> None:
    """Acceptance: people see a sentence; who debugs sees where it was raised."""
    shop.rewrite("project.yaml", "raw: raw", "rwa: raw")
    plain, debug = shop.lakemart("run"), shop.lakemart("run", "--debug")
    assert (plain.code, debug.code) == (2, 2)
    assert_no_trace(plain)
    assert TRACE in debug.stderr


def test_a_bucket_that_does_not_exist_is_a_fault_of_the_project(shop: Project) -> None:
    """Acceptance: exit 2, the bucket named, no stack trace."""
    up = shop.ok("up")
    shop.environ = {"AWS_ACCESS_KEY_ID": up["s3"]["access_key"], "AWS_SECRET_ACCESS_KEY": up["s3"]["secret_key"]}
    place = f"s3.endpoint_url={up['s3']['endpoint_url']}"
    end = shop.lakemart("--json", "ingest", "--set", "raw=s3://no-such-bucket/orders", "--set", place)
    assert end.code == 2, (end.stdout, end.stderr)
    assert_no_trace(end)
    assert "no-such-bucket" in json.dumps(end.errors)


def test_a_wrong_password_of_the_warehouse_is_a_fault_of_the_project_and_is_not_repeated(built: Project) -> None:
    """Acceptance: exit 2, no stack trace, neither password in anything said; with the right one the next run publishes."""
    up = built.ok("up")["warehouse"]
    own_warehouse(built, up["port"], up["iam_role"])
    built.environ = {"SHOP_PASSWORD": "Wrong1Password"}
    end = built.lakemart("--json", "publish")
    assert end.code == 2, (end.stdout, end.stderr)
    assert_no_trace(end)
    assert end.errors[0]["kind"] == "config"
    assert "Wrong1Password" not in end.stdout + end.stderr
    built.environ = {"SHOP_PASSWORD": up["password"]}
    assert built.ok("publish")["marts"]["daily"]["warehouse"] == len(MART)


def test_a_dead_warehouse_is_tried_again_later(built: Project) -> None:
    """Acceptance: exit 5, said in a sentence; the lake is untouched and the next run publishes."""
    up = built.ok("up")["warehouse"]
    dead = free_port()
    own_warehouse(built, dead, up["iam_role"])
    built.environ = {"SHOP_PASSWORD": up["password"]}
    end = built.lakemart("--json", "publish")
    assert end.code == 5, (end.stdout, end.stderr)
    assert_no_trace(end)
    assert end.errors[0]["kind"] == "transient"
    built.rewrite("project.yaml", f'"port": {dead}', f'"port": {up["port"]}')
    assert built.ok("publish")["marts"]["daily"]["warehouse"] == len(MART)


def test_a_run_beside_a_run_at_work_ends_with_4_and_names_its_holder(shop: Project) -> None:
    """Acceptance: the lease is seen; nothing is done twice. When the holder is killed, the next run takes over."""
    command = shop.command("--json", "run")
    holder = subprocess.Popen(
        command, env=shop.environment("ingest.files:before:hang"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        assert appears(shop.lake / "_ledger/source/orders/0000000001/plan.json")
        run = shop.stops(4, "ingest")
        assert [error["kind"] for error in run["errors"]] == ["locked"]
        assert "source/orders is held by run " in run["errors"][0]["message"]
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert shop.ok("ingest")["sources"]["orders"]["good"] == 6


def test_of_two_runs_begun_together_one_works_and_nothing_is_done_twice(shop: Project) -> None:
    """Acceptance: one exits 0; the other 4, or 0 when it came after the first had ended. One batch, balanced."""
    begun = [
        subprocess.Popen(
            shop.command("--json", "ingest"), env=shop.environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    said = [json.loads(one.communicate(timeout=200)[0]) for one in begun]
    codes = sorted(one.returncode for one in begun)
    assert codes in ([0, 4], [0, 0]), said
    assert sum(document["sources"].get("orders", {}).get("batches", 0) for document in said) == 1
    books = shop.ok("books")
    assert books["sources"]["orders"]["records"] == 11
    assert books["balanced"] is True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["run", "--nonsense"], 2),
        (["nonsense"], 2),
        (["ingest", "no_such_source"], 2),
        (["books", "--run", "no-such-run"], 2),
        (["run", "--date", "2024-05-01", "--from", "2024-05-01"], 2),
        (["quarantine"], 0),
        (["status"], 0),
        (["config"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_with_json_there_is_one_json_document_whatever_happens(shop: Project, words: list[str], code: int) -> None:
    """INTERFACE: one document on standard output and nothing else there; of an error it is the run document."""
    end = shop.lakemart("--json", *words)
    assert end.code == code, (end.stdout, end.stderr)
    assert end.document
    if code:
        assert end.document["outcome"] == "failed"
        assert {"kind", "message", "where", "next"} == set(end.errors[0])
        assert_no_trace(end)


def test_the_sql_of_the_small_project_is_what_these_tests_edit() -> None:
    """The words that tests replace stand in it once."""
    assert SQL.count("CAST(sum(amount)") == 1


def appears(path: Path) -> bool:
    """Whether the file was there in time."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists():
            return True
        time.sleep(0.05)
    return False
