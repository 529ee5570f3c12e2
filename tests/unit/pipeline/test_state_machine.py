"""Whatever lands, is overwritten, crashes, is replayed or read again, in whatever order: the tables are the dictionary's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from unit.pipeline.machine import Shop
from unit.pipeline.playing import SECONDS, play
from unit.pipeline.running import Rules

pytestmark = pytest.mark.timeout(SECONDS)


class Replacing(Shop):
    """What is overwritten is taken anew by every run."""

    rules_of = st.builds(Rules, dated=st.booleans())


def test_whatever_happens_to_a_source_its_tables_are_the_dictionarys(
    record_property: Callable[[str, object], None],
) -> None:
    play(Replacing, record_property)
