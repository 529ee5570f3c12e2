"""What others did to a model's table is built again from its inputs by a person's word, through to the mart."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable

from e2e.driving import Project
from e2e.shop import MART, MART_SQL

pytestmark = [pytest.mark.e2e, pytest.mark.spark, pytest.mark.timeout(600)]


def test_a_models_table_that_somebody_changed_is_built_again_when_it_is_accepted(built: Project) -> None:
    """Rows deleted by hand from one slice and from nowhere else; `verify` names it, `accept` mends lake and mart."""
    built.ok("up")
    DeltaTable(str(built.lake / "daily")).delete("day = '2024-05-02' AND shop = 'north'")
    drift = built.stops(3, "verify")
    (daily,) = [one for one in drift["checked"] if one["kind"] == "table" and one["name"] == "daily"]
    assert "somebody else changed it" in daily["findings"][0]

    document = built.ok("accept", "daily", "--reason", "deleted by mistake")

    assert document["models"]["daily"]["slices"] == ["2024-05-02"]
    assert document["marts"]["daily"]["slices"] == ["2024-05-01", "2024-05-02"]
    assert built.query(MART_SQL) == MART
    assert built.ok("verify")["good"] is True
