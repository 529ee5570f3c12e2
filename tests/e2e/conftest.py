"""The projects that tests of the whole way start from. Each test gets a copy of its own; servers end with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

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
