"""The command within this process, for tests that need no data."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from lakemart.cli.main import command
from unit.cli.command import End, Lakemart


@pytest.fixture
def lakemart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Lakemart]:
    """Runs a command in the test's own folder; logging is as before when the test ends."""
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level

    def run(*words: str) -> End:
        code = command(words)
        captured = capfd.readouterr()
        return End(code, captured.out, captured.err)

    yield run
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
