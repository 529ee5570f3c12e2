"""The promises of the command line that need no project: documents, exit codes, streams. In processes of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lakemart.cli.app import GLOBAL_NOTE, app

COMMANDS = ["run", "ingest", "build", "publish", "status", "books", "verify", "quarantine", "query", "up", "down", "config", "schema"]


def lakemart(*words: str, cwd: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lakemart.cli.main", *words]
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=60, **more)


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
        (["run", "--json", "--wait=soon"], "not a valid float"),
    ],
)
def test_a_wrong_command_line_is_one_document_and_exit_2(tmp_path: Path, words: list[str], message: str) -> None:
    end = lakemart(*words, cwd=tmp_path)

    [error] = json.loads(end.stdout)["errors"]
    assert (end.returncode, error["kind"]) == (2, "usage")
    assert message in error["message"]


def test_all_problems_of_a_project_are_shown_with_their_places_and_no_trace(faulty: Path) -> None:
    end = lakemart("status", cwd=faulty)

    assert end.returncode == 2
    assert end.stdout == ""
    assert "unknown key 'lak'" in end.stderr
    assert "did you mean 'task_size'" in end.stderr
    assert "3:1" in end.stderr
    assert "Traceback" not in end.stderr


def test_problems_of_a_project_are_in_the_document_too(faulty: Path) -> None:
    end = lakemart("status", "--json", cwd=faulty)

    [error] = json.loads(end.stdout)["errors"]
    assert (end.returncode, error["kind"]) == (2, "config")
    assert "unknown key 'lak'" in json.dumps(error)


def test_a_trace_is_shown_with_debug_only(faulty: Path) -> None:
    assert "Traceback" in lakemart("status", "--debug", cwd=faulty).stderr


def test_an_unknown_name_is_an_error_with_the_nearest_one(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]

    end = lakemart("build", "hourly_activty", "--project", str(root / "conf/gharchive"), "--state", str(tmp_path), cwd=tmp_path)

    assert end.returncode == 2
    assert "Did you mean 'hourly_activity'?" in end.stderr


def test_a_reader_that_goes_away_is_no_failure(tmp_path: Path) -> None:
    command = f"{sys.executable} -m lakemart.cli.main schema | head -1; echo ${{PIPESTATUS[0]}}"

    end = subprocess.run(["bash", "-c", command], cwd=tmp_path, check=False, capture_output=True, text=True, timeout=60)

    assert end.stdout.splitlines()[-1] == "0"
    assert end.stderr == ""


def test_what_is_no_terminal_gets_no_colour_and_no_bars(tmp_path: Path) -> None:
    end = lakemart("nonsense", cwd=tmp_path)

    assert "\x1b" not in end.stdout + end.stderr


def test_the_schemas_are_one_document(tmp_path: Path) -> None:
    end = lakemart("schema", "--json", cwd=tmp_path)

    assert end.returncode == 0
    assert set(json.loads(end.stdout)) == {"project", "source", "model"}


def test_every_command_teaches_by_example_and_says_where_global_options_may_stand() -> None:
    registered = {command.callback.__name__: command for command in app.registered_commands if command.callback}

    assert set(COMMANDS) <= set(registered)
    for command in registered.values():
        assert "lakemart" in (command.callback.__doc__ or "")
        assert command.epilog == GLOBAL_NOTE


def test_help_is_no_error(tmp_path: Path) -> None:
    for words in ([], ["--help"], ["run", "--help"]):
        end = lakemart(*words, cwd=tmp_path)
        assert (end.returncode, "Usage: lakemart" in end.stdout) == (0, True), words
