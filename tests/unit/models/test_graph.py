from __future__ import annotations

import pytest

from lakemart.config.model import Input, Model
from lakemart.errors import ConfigError
from lakemart.models.graph import ordered, readers, selected


def models(**inputs: tuple[str, ...]) -> dict[str, Model]:
    return {
        name: Model(
            name=name, kind="sql", sql="SELECT 1", inputs={one: Input(name=one, slice=None) for one in read}, columns=()
        )
        for name, read in inputs.items()
    }


def test_each_model_comes_after_what_it_reads() -> None:
    found = ordered(
        models(top=("left", "right"), left=("events",), right=("left", "events"), alone=("events",)), tables=["events"]
    )

    assert found == ("alone", "left", "right", "top")


def test_a_circle_is_spelled_out() -> None:
    with pytest.raises(ConfigError, match=r"in a circle: (a → b → a|b → a → b)"):
        ordered(models(a=("b",), b=("a",)))


def test_an_unknown_input_is_refused_with_the_known_tables() -> None:
    with pytest.raises(
        ConfigError, match=r"model 'a' reads 'evnts', which no source and no model makes .*Known tables: a, events"
    ):
        ordered(models(a=("evnts",)), tables=["events"])


@pytest.mark.parametrize(
    ("only", "names"),
    [("mid", {"mid"}), ("+mid", {"low", "mid"}), ("mid+", {"mid", "top"}), ("+mid+", {"low", "mid", "top"})],
)
def test_only_names_a_model_and_its_surroundings(only: str, names: set[str]) -> None:
    chain = models(low=("events",), mid=("low",), top=("mid",), other=("low",))

    assert selected(chain, only) == names


def test_only_of_an_unknown_model_names_the_models() -> None:
    with pytest.raises(ConfigError, match=r"no model 'x'.*Models are low"):
        selected(models(low=("events",)), "x")


def test_readers_are_found_through_other_models() -> None:
    assert readers(models(low=("events",), mid=("low",), other=()), "events") == {"low", "mid"}
