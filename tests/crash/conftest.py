"""What tests of killed runs stand on: the small project, and what it comes to when nothing disturbs it."""

from __future__ import annotations

import pytest

from crash.evidence import Evidence, evidence
from e2e.conftest import built, shop  # noqa: F401 - the same projects, as fixtures of this folder too
from e2e.shop import built_shop


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    """What a run that nothing disturbed leaves."""
    made = built_shop(tmp_path_factory).copy_to(tmp_path_factory.mktemp("undisturbed"))
    made.ok("publish")
    return evidence(made)
