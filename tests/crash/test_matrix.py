"""The crash matrix: every step × killed before, killed after, raised, answer lost × the stories that pass it.

A plain call runs every story of ingest and of publish, the steps around all of them (leases, the ledger's tables) in
one story of each kind, and a part of the builds, which need Spark, by the day. `--deep` runs everything, at every pass.
"""

from __future__ import annotations

import random
from collections.abc import Callable
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

BUILDS = 8
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


def own_steps(tale: Tale) -> list[str]:
    return [step for step in tale.steps if step not in AROUND] or list(tale.steps[-2:])


def twice(step: str, other: str) -> tuple[str, ...]:
    return (f"{step}:after:kill", f"{step}:after:kill", f"{other}:before:kill")


def inline_steps(of: Callable[[Tale], list[str]]) -> list[object]:
    """Some steps of every story that needs no Spark."""
    return [pytest.param(name, step, id=f"{name}-{step}") for name in INLINE for step in of(TALES[name])]


@pytest.mark.parametrize(("name", "step"), cases())
def test_whatever_happens_at_a_step_the_next_run_leaves_what_an_undisturbed_one_does(
    workshop: Workshop, name: str, step: str
) -> None:
    workshop.judge_all(name, [(f"{step}:{act}",) for act in ACTS])


@pytest.mark.deep
@pytest.mark.parametrize(
    ("name", "step"), inline_steps(lambda tale: [one for one in tale.steps if one != "lease.renew"])
)
def test_a_kill_at_any_later_pass_of_any_step_is_healed(workshop: Workshop, name: str, step: str) -> None:
    """The first passes are disturbed by the test of steps."""
    passes = sum(one.rpartition(":")[0] == step for one in workshop.beginning(name).passes)
    later = range(2, passes + 1)
    workshop.judge_all(name, [(f"{step}:{when}:kill:{nth}",) for nth in later for when in ("before", "after")])


@pytest.mark.parametrize("name", INLINE)
def test_killed_twice_at_one_step_and_once_elsewhere(workshop: Workshop, name: str) -> None:
    """One step of each story, by the day."""
    steps = own_steps(TALES[name])
    workshop.judge_all(name, [twice(steps[DAY % len(steps)], steps[(DAY + 1) % len(steps)])])


@pytest.mark.deep
@pytest.mark.parametrize(("name", "step"), inline_steps(own_steps))
def test_killed_twice_at_any_step_and_once_elsewhere(workshop: Workshop, name: str, step: str) -> None:
    workshop.judge_all(name, [twice(step, other) for other in own_steps(TALES[name]) if other != step])


@pytest.mark.spark
def test_a_part_of_the_builds_by_the_day(workshop: Workshop) -> None:
    states = [(name, f"{step}:{act}") for name in SPARK for step in own_steps(TALES[name]) for act in ACTS]
    chosen = random.Random(DAY).sample(states, BUILDS)  # noqa: S311 - a sample, no secret
    for name in sorted({name for name, _ in chosen}):
        faults = [fault for story, fault in chosen if story == name]
        workshop.tell(NOTE, f"build states of the day: {name}: {', '.join(faults)}")
        workshop.judge_all(name, [(fault,) for fault in faults])


def test_no_step_of_the_registry_is_without_a_story_that_passes_it_and_is_disturbed_at_it() -> None:
    assert {step for tale in TALES.values() for step in tale.steps} == set(STEPS)
    shallow = {step for name, tale in TALES.items() for step in tale.steps if not is_deep(name, step)}
    assert set(STEPS) - shallow == {"build.files"}


@pytest.mark.parametrize("name", INLINE)
def test_a_story_passes_the_steps_it_says(workshop: Workshop, name: str) -> None:
    passed = {one.rpartition(":")[0] for one in workshop.beginning(name).passes}
    assert passed == set(TALES[name].steps) - {"lease.renew"}
