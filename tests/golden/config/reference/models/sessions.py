"""Page views a visitor."""

from __future__ import annotations

from typing import Any


def build(inputs: dict[str, Any]) -> Any:
    """One row a visitor, with the number of page views."""
    return inputs["page_view"].groupBy("id").count().withColumnRenamed("count", "views")
