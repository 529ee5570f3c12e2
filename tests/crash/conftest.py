"""What tests of killed runs stand on: the small project, and what it comes to when nothing disturbs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crash.evidence import Evidence, evidence
from e2e.driving import Project
from e2e.shop import built_shop, write_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    """The small project as it was written; nothing has run."""
    made = write_shop(tmp_path)
    yield made
    made.down()


@pytest.fixture
def built(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The small project, ingested and built; nothing is published."""
    made = built_shop(tmp_path_factory).copy_to(tmp_path / "a copy")
    yield made
    made.down()


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What a run that nothing disturbed leaves."""
    made = built_shop(tmp_path_factory).copy_to(tmp_path_factory.mktemp("undisturbed"))
    made.ok("publish")
    return evidence(made)
