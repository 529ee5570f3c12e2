"""One Spark session for all tests of this folder, built by the engine itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakemart.engine.runner import Engine
from lakemart.engine.session import EngineSettings


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "spark" in item.path.parts:
            item.add_marker(pytest.mark.spark)
            # pyspark leaves the socket of each collect() to the garbage collector.
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    with Engine(EngineSettings(spark={"spark.master": "local[2]"})) as engine:
        yield engine
