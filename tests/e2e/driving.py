"""Lakemart as a user drives it: the command in a process of its own, over a project in a folder, with a state beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "conf" / "gharchive"
PROGRAMS = Path(sys.executable).parent
SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that `--json` promises; anything beside it fails here."""
        value = json.loads(self.stdout)
        assert isinstance(value, dict), self.stdout
        return value

    @property
    def errors(self) -> list[dict[str, str]]:
        return list(self.document["errors"])


@dataclass(slots=True, kw_only=True)
class Project:
    """A project folder and a state. `words` go before every command, `environ` into its environment."""

    folder: Path
    state: Path
    words: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def lake(self) -> Path:
        return self.state / "lake"

    @property
    def raw(self) -> Path:
        return self.folder / "raw"

    def command(self, *words: str) -> list[str]:
        places = ("--project", str(self.folder), "--state", str(self.state))
        return [str(PROGRAMS / "lakemart"), *places, *self.words, *words]

    def environment(self, fault: str | None = None) -> dict[str, str]:
        known = {key: value for key, value in os.environ.items() if not key.startswith("LAKEMART_")}
        return {**known, **self.environ} | ({"LAKEMART_FAULT": fault} if fault else {})

    def lakemart(self, *words: str, fault: str | None = None) -> Ended:
        """Runs a command to its end, whatever that is."""
        return ended(self.command(*words), self.environment(fault))

    def ok(self, *words: str) -> dict[str, Any]:
        """The document of a command that must end with 0."""
        end = self.lakemart("--json", *words)
        assert end.code == 0, (words, end.code, end.stdout, end.stderr)
        return end.document

    def stops(self, code: int, *words: str) -> dict[str, Any]:
        """The document of a command that must end with `code`."""
        end = self.lakemart("--json", *words)
        assert end.code == code, (words, end.code, end.stdout, end.stderr)
        return end.document

    def query(self, sql: str) -> list[list[Any]]:
        """The rows of a query on the warehouse."""
        return list(self.ok("query", sql)["rows"])

    def down(self) -> None:
        """Ends the servers that `up` left, if any."""
        if self.state.exists():
            self.ok("down", "--wait=60")

    def copy_to(self, folder: Path) -> Project:
        """The same project and state in another place; nothing of the first is touched afterwards."""
        made = Project(folder=folder / "project", state=folder / "state", words=self.words, environ=dict(self.environ))
        shutil.copytree(self.folder, made.folder)
        if self.state.exists():
            shutil.copytree(self.state, made.state, symlinks=True, ignore=shutil.ignore_patterns("*.socket", "run"))
        return made

    def rewrite(self, name: str, before: str, after: str) -> None:
        """Edits a file of the project as its author would."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert before in text, (name, before)
        path.write_text(text.replace(before, after), encoding="utf-8")

    def land(self, key: str, data: bytes) -> None:
        """Puts a raw object."""
        path = self.raw / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def ended(command: list[str], environment: Mapping[str, str]) -> Ended:
    done = subprocess.run(command, env=dict(environment), check=False, capture_output=True, text=True, timeout=SECONDS)
    return Ended(code=done.returncode, stdout=done.stdout, stderr=done.stderr)
