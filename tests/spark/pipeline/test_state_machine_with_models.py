"""The state machine of ingest with a model over its table, built now and then: the model is the dictionary's, summed by day."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from lakemart.engine.runner import Engine
from lakemart.lake.read import read_table, snapshot
from lakemart.pipeline.stories import Scope, run
from lakemart.steps import arm, disarm
from unit.pipeline.machine import READ, Shop
from unit.pipeline.playing import SECONDS, play
from unit.pipeline.running import Rules, opened

pytestmark = pytest.mark.timeout(SECONDS)

MODEL = """\
model: daily
inputs: [orders]
slice: day
columns:
  day:    {type: date}
  orders: {type: bigint}
  total:  {type: bigint}
"""

SQL = "SELECT day, count(*) AS orders, sum(value) AS total FROM orders GROUP BY day"

FAULTS = st.sampled_from(
    [
        None,
        *(
            "build.files:after:raise",
            "decision.write:before:raise",
            "lake.commit:after:lose",
            "done.write:before:raise",
        ),
    ]
)


class Building(Shop):
    """A model is built over what a story came to, and sometimes in the midst of it."""

    rules_of = st.builds(Rules, dated=st.booleans())
    engine: ClassVar[Engine]

    def settle(self) -> None:
        super().settle()
        self._build()

    @READ
    @rule(fault=FAULTS)
    def build(self, fault: str | None) -> None:
        """One that fails is finished by the next."""
        if fault is not None:
            arm(fault)
            try:
                with suppress(RuntimeError):
                    self._run()
            finally:
                disarm()
        self.run()
        self._build()

    def _build(self) -> None:
        self._run()
        self.following.note()
        self.following.follow()
        assert self._built() == self.following.tables.by_day()

    def _run(self) -> None:
        """Ingest and build. The model is the project's for so long, or every word would build it."""
        folder = Path(self.folder, "models")
        folder.mkdir(exist_ok=True)
        files = {folder / "daily.yaml": MODEL, folder / "daily.sql": SQL}
        for file, text in files.items():
            file.write_text(text, encoding="utf-8")
        try:
            run(opened(self.folder, self.engine), Scope(stages=("ingest", "build")))
        finally:
            for file in files:
                file.unlink()

    def _built(self) -> dict[str, tuple[int, int]]:
        if snapshot(self.lake, "daily") is None:
            return {}
        rows = read_table(self.lake, "daily").to_pylist()
        return {str(row["day"]): (row["orders"], row["total"]) for row in rows}


def test_whatever_happens_to_a_source_its_model_is_the_dictionary_by_day(
    engine: Engine, record_property: Callable[[str, object], None]
) -> None:
    Building.engine = engine
    play(Building, record_property, examples=3)
