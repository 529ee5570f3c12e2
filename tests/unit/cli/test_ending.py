"""The end of the process: the exit code of a command is what it answered, whatever a library does afterwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """\
import atexit, os, sys
from pathlib import Path
from lakemart.cli import main

class Library:
    def __del__(self):
        os.abort()  # as a thread of C++ does that outlives the interpreter

main.library = Library()
atexit.register(lambda: Path("called").touch())
sys.argv = ["lakemart", *{words}]
main.{call}
"""


@pytest.mark.parametrize(
    ("call", "words", "code"),
    [("main()", ["schema", "--json"], 0), ("main()", ["nonsense"], 2), ("job('schema')", ["--json"], 0)],
)
def test_a_finished_command_is_not_spoilt_by_the_tear_down_of_a_library(
    tmp_path: Path, call: str, words: list[str], code: int
) -> None:
    program = PROGRAM.format(call=call, words=words)

    end = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False, capture_output=True, timeout=60)

    assert end.returncode == code, end.stderr
    assert (tmp_path / "called").exists()
    assert (b'"project"' in end.stdout) == (code == 0)
    assert (b"nonsense" in end.stderr) == (code == 2)
