"""The promises of the command line that need no data: documents, exit codes, streams."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lakemart.cli import mending, places, upkeep
from lakemart.cli.answer import Answer
from lakemart.cli.app import GLOBAL_NOTE, app
from unit.cli.command import Lakemart

COMMANDS = [
    "run",
    "ingest",
    "build",
    "publish",
    "status",
    "books",
    "verify",
    "quarantine",
    "query",
    "up",
    "down",
    "config",
    "schema",
    "accept",
    "replay",
    "backfill",
    "maintain",
]


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """A project with two faults."""
    (tmp_path / "project.yaml").write_text("project: demo\nraw: raw\nlak: x\nengine: {task_siz: 3}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nonsense", "--json"], "No such command"),
        (["--json", "run", "--onyl", "x"], "No such option"),
        (["query", "--json"], "Missing argument"),
        (["run", "--json", "--project"], "requires an argument"),
        (["run", "--json", "--wait=soon"], "valid number"),
    ],
)
def test_a_wrong_command_line_is_one_document_and_exit_2(
    lakemart: Lakemart, tmp_path: Path, words: list[str], message: str
) -> None:
    end = lakemart(*words)

    [error] = json.loads(end.stdout)["errors"]
    assert (end.code, error["kind"]) == (2, "usage")
    assert message in error["message"]


def test_all_problems_of_a_project_are_shown_with_their_places_and_no_trace(lakemart: Lakemart, faulty: Path) -> None:
    end = lakemart("status")

    assert end.code == 2
    assert end.stdout == ""
    assert "unknown key 'lak'" in end.stderr
    assert "did you mean 'task_size'" in end.stderr
    assert "3:1" in end.stderr
    assert "Traceback" not in end.stderr


@pytest.mark.usefixtures("faulty")
def test_each_problem_of_a_project_is_an_error_of_the_document(lakemart: Lakemart) -> None:
    end = lakemart("status", "--json")

    errors = json.loads(end.stdout)["errors"]
    assert end.code == 2
    assert {
        "kind": "config",
        "message": "unknown key 'lak'",
        "where": "project.yaml:3:1",
        "next": "did you mean 'lake'?",
    } in errors
    assert len(errors) == 2


def test_a_trace_is_shown_with_debug_only(lakemart: Lakemart, faulty: Path) -> None:
    assert "Traceback" in lakemart("status", "--debug").stderr


def test_an_unknown_name_is_an_error_with_the_nearest_one(lakemart: Lakemart, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]

    end = lakemart("build", "hourly_activty", "--project", str(root / "conf/gharchive"), "--state", str(tmp_path))

    assert end.code == 2
    assert "Did you mean 'hourly_activity'?" in end.stderr


def test_a_reader_that_goes_away_is_no_failure() -> None:
    command = f"{shlex.quote(sys.executable)} -m lakemart.cli.main schema | head -1; echo ${{PIPESTATUS[0]}}"

    end = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True, timeout=60)

    assert end.stdout.splitlines()[-1] == "0"
    assert end.stderr == ""


def test_what_others_print_while_a_command_works_goes_to_stderr(
    lakemart: Lakemart, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisy(_folder: object) -> Answer:
        print("chatter")  # noqa: T201 - what a library might do
        os.write(1, b"of a child process\n")
        return Answer(document={"done": 1.5})

    monkeypatch.setattr(places, "schema", noisy)

    end = lakemart("schema", "--json")

    assert json.loads(end.stdout) == {"done": 1.5}
    assert "chatter" in end.stderr
    assert "of a child process" in end.stderr


def test_a_bug_is_exit_1_and_one_document_without_a_trace(lakemart: Lakemart, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_folder: object) -> Answer:
        raise KeyError("x")

    monkeypatch.setattr(places, "schema", broken)

    end = lakemart("schema", "--json")

    [error] = json.loads(end.stdout)["errors"]
    assert (end.code, error["kind"]) == (1, "internal")
    assert "KeyError" in error["message"]
    assert "Traceback" not in end.stderr
    assert "KeyError" in lakemart("schema", "--debug").stderr


@pytest.mark.parametrize(("number", "name"), [(signal.SIGTERM, "SIGTERM"), (signal.SIGINT, "SIGINT")])
def test_a_signal_stops_the_command_with_exit_5(
    lakemart: Lakemart, monkeypatch: pytest.MonkeyPatch, number: int, name: str
) -> None:
    left: list[str] = []

    def endless(_folder: object) -> Answer:
        try:
            os.kill(os.getpid(), number)
            time.sleep(30)
        finally:
            left.append("released")
        raise AssertionError("nothing stopped it")

    monkeypatch.setattr(places, "schema", endless)
    before = signal.getsignal(number)

    end = lakemart("schema", "--json")

    [error] = json.loads(end.stdout)["errors"]
    assert (end.code, error["kind"], error["message"]) == (5, "transient", f"stopped by {name}")
    assert left == ["released"]
    assert signal.getsignal(number) is before


def test_what_is_no_terminal_gets_no_colour_and_no_bars(lakemart: Lakemart, tmp_path: Path) -> None:
    end = lakemart("nonsense")

    assert "\x1b" not in end.stdout + end.stderr


def test_the_schemas_are_one_document(lakemart: Lakemart, tmp_path: Path) -> None:
    end = lakemart("schema", "--json")

    assert end.code == 0
    assert set(json.loads(end.stdout)) == {"project", "source", "model"}


def test_every_command_teaches_by_example_and_says_where_global_options_may_stand() -> None:
    merged = [mending.app, upkeep.app]  # their commands stand at the top like the app's own
    commands = [command for one in (app, *merged) for command in one.registered_commands]
    registered = {command.callback.__name__: command for command in commands if command.callback}

    assert set(COMMANDS) <= set(registered)
    for command in registered.values():
        assert "lakemart" in (command.callback.__doc__ or "")
        assert command.epilog == GLOBAL_NOTE


def test_help_is_no_error(lakemart: Lakemart, tmp_path: Path) -> None:
    for words in ([], ["--help"], ["run", "--help"]):
        end = lakemart(*words)
        assert (end.code, "Usage: lakemart" in end.stdout) == (0, True), words
