from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PROJECT = "project: shop\nraw: raw\nlake: lake\n"
EVENTS = "source: events\npartition_by: day\ncolumns: {id: {type: string}, day: {type: date}}\n"


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Writes files into a project folder; `project.yaml` and one source are there unless the test writes its own."""

    def write(files: dict[str, str] | None = None) -> Path:
        folder = tmp_path / "conf"
        for name, text in {"project.yaml": PROJECT, "sources/events.yaml": EVENTS, **(files or {})}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return folder

    return write
