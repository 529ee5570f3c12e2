"""The same where an overwritten object is taken only by a person's word, or left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from unit.pipeline.machine import Shop
from unit.pipeline.playing import SECONDS, play
from unit.pipeline.running import Rules

pytestmark = pytest.mark.timeout(SECONDS)


class ByWord(Shop):
    """What is overwritten is held back."""

    rules_of = st.builds(Rules, overwritten=st.sampled_from(["error", "error", "ignore"]), dated=st.booleans())


def test_whatever_is_held_back_and_taken_by_word_the_tables_are_the_dictionarys(
    record_property: Callable[[str, object], None],
) -> None:
    play(ByWord, record_property)
