"""The crash matrix: every step × killed before, killed after, raised, answer lost × the stories that pass it.

A plain call runs every story of ingest and the first publish, the steps around all of them (leases, the ledger's
tables) in one story of each kind, half of the later publishes and a part of the builds, which need Spark, by the day.
`--deep` runs everything, at every pass.
"""

from __future__ import annotations

import itertools
import random
from datetime import date

import pytest

from crash.tales import AROUND, TALES, Tale
from crash.workshop import ACTS, Workshop
from lakemart.steps import STEPS
from promises import NOTE

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

SPARK = [name for name, tale in TALES.items() if tale.needs_spark]
INLINE = [name for name, tale in TALES.items() if not tale.needs_spark]
FULL = ("new", "publish")
"""The stories in which a plain call disturbs the steps around every story, too."""

BY_THE_DAY = ("republish", "retain")
PAIRS = (("before:kill", "after:lose"), ("after:kill", "before:raise"))
"""Each of these stories publishes before it begins, which takes long: a plain call does one pair of acts, by the day."""

BUILDS = 2
"""How many states of builds a plain call runs."""

DAY = date.today().toordinal()  # noqa: DTZ011 - any number that changes from day to day


def cases() -> list[object]:
    """Every story and step of it; the deep ones are marked."""
    return [
        pytest.param(name, step, id=f"{name}-{step}", marks=[pytest.mark.deep] if is_deep(name, step) else [])
        for name, tale in TALES.items()
        for step in tale.steps
    ]


def is_deep(name: str, step: str) -> bool:
    return name in SPARK or (step in AROUND and name not in FULL)


@pytest.mark.parametrize(("name", "step"), cases())
def test_whatever_happens_at_a_step_the_next_run_leaves_what_an_undisturbed_one_does(
    request: pytest.FixtureRequest, workshop: Workshop, name: str, step: str
) -> None:
    acts = ACTS if name not in BY_THE_DAY or request.config.getoption("--deep") else PAIRS[DAY % 2]
    workshop.judge_all(name, [(f"{step}:{act}",) for act in acts])


@pytest.mark.deep
@pytest.mark.parametrize("name", INLINE)
def test_a_kill_at_any_pass_of_any_step_is_healed(workshop: Workshop, name: str) -> None:
    passes = workshop.beginning(name).passes
    split = [one.rsplit(":", 1) for one in passes]
    workshop.judge_all(name, [(f"{step}:{when}:kill:{nth}",) for step, nth in split for when in ("before", "after")])


@pytest.mark.parametrize("name", INLINE)
def test_killed_twice_at_one_step_and_once_elsewhere(workshop: Workshop, name: str) -> None:
    """One step of each story, by the day."""
    steps = own_steps(TALES[name])
    workshop.judge_all(name, [twice(steps[DAY % len(steps)], steps[(DAY + 1) % len(steps)])])


@pytest.mark.deep
@pytest.mark.parametrize("name", INLINE)
def test_killed_twice_at_any_step_and_once_elsewhere(workshop: Workshop, name: str) -> None:
    steps = own_steps(TALES[name])
    workshop.judge_all(name, [twice(one, other) for one, other in itertools.permutations(steps, 2)])


def own_steps(tale: Tale) -> list[str]:
    return [step for step in tale.steps if step not in AROUND] or list(tale.steps[-2:])


def twice(step: str, other: str) -> tuple[str, ...]:
    return (f"{step}:after:kill", f"{step}:after:kill", f"{other}:before:kill")


@pytest.mark.spark
def test_a_part_of_the_builds_by_the_day(workshop: Workshop) -> None:
    states = [(name, f"{step}:{act}") for name in SPARK for step in own_steps(TALES[name]) for act in ACTS]
    for name, fault in random.Random(DAY).sample(states, BUILDS):  # noqa: S311 - a sample, no secret
        workshop.tell(NOTE, f"build state of the day: {name}, {fault}")
        workshop.judge_all(name, [(fault,)])


def test_no_step_of_the_registry_is_without_a_story_that_passes_it_and_is_disturbed_at_it() -> None:
    assert {step for tale in TALES.values() for step in tale.steps} == set(STEPS)
    shallow = {step for name, tale in TALES.items() for step in tale.steps if not is_deep(name, step)}
    assert set(STEPS) - shallow == {"build.files"}


@pytest.mark.parametrize("name", INLINE)
def test_a_story_passes_the_steps_it_says(workshop: Workshop, name: str) -> None:
    passed = {one.rpartition(":")[0] for one in workshop.beginning(name).passes}
    assert passed == set(TALES[name].steps) - {"lease.renew"}
