"""The registry of steps, and the faults that tests arm at them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, get_args

import pytest

from lakemart import steps
from lakemart.errors import ConfigError, TransientError
from lakemart.steps import STEPS, LostAnswerError, arm, disarm, forget_stops, step, stop_at_next

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_fault_left() -> Iterator[None]:
    yield
    disarm()
    forget_stops()


def test_every_step_says_what_it_does() -> None:
    assert all(name.count(".") == 1 and text for name, text in STEPS.items())


def test_a_step_that_is_not_in_the_registry_is_a_bug() -> None:
    with pytest.raises(KeyError, match=r"lake\.comit"), step("lake.comit"):
        pass


def test_without_a_fault_a_step_costs_next_to_nothing() -> None:
    began = time.perf_counter()
    for _ in range(1000):
        with step("lake.commit"):
            pass

    assert time.perf_counter() - began < 0.5
    assert steps._armed == []


def passes(name: str, *, times: int = 1) -> list[str]:
    """What happened in `times` passes of a step: its body, and how it ended."""
    story = []
    for _ in range(times):
        try:
            with step(name):
                story.append("body")
        except LostAnswerError:
            story.append("lost")
        except RuntimeError:
            story.append("raised")
    return story


@pytest.mark.parametrize(
    ("fault", "story"),
    [
        ("lake.commit:before:raise", ["raised", "body", "body"]),
        ("lake.commit:after:raise", ["body", "raised", "body", "body"]),
        ("lake.commit:before:lose", ["lost", "body", "body"]),
        ("lake.commit:after:lose", ["body", "lost", "body", "body"]),
        ("lake.commit:before:raise:2", ["body", "raised", "body"]),
        ("lake.commit:after:lose:3", ["body", "body", "body", "lost"]),
        ("lake.commit:after:lose:4", ["body", "body", "body"]),
        ("done.write:before:raise", ["body", "body", "body"]),
    ],
)
def test_a_fault_fires_once_at_its_pass(fault: str, story: list[str]) -> None:
    arm(fault)

    assert passes("lake.commit", times=3) == story


def test_several_faults_are_armed_side_by_side_and_taken_back_together() -> None:
    arm("lake.commit:before:raise:1")
    arm("lake.commit:after:raise:1")

    assert passes("lake.commit", times=2) == ["raised", "body", "raised"]
    arm("lake.commit:before:raise")
    disarm()
    assert passes("lake.commit") == ["body"]


def test_a_body_that_fails_has_its_own_error() -> None:
    arm("lake.commit:after:lose")

    with pytest.raises(ValueError, match="its own"), step("lake.commit"):
        raise ValueError("its own")


def test_a_lost_answer_is_what_stores_raise_and_ends_a_run_as_transient() -> None:
    assert issubclass(LostAnswerError, OSError)
    assert issubclass(LostAnswerError, TransientError)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_is_a_kill_that_lets_nothing_run(when: str) -> None:
    code = (
        "from lakemart.steps import arm, step\n"
        f"arm('lake.commit:{when}:kill')\n"
        "try:\n  with step('lake.commit'):\n    print('body', flush=True)\nfinally:\n  print('finally', flush=True)"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)

    assert (ended.returncode, ended.stdout) == (-9, "body\n" if when == "after" else "")


def test_a_hang_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("lakemart.steps.time.sleep", slept.append)
    arm("lake.commit:before:hang")

    assert passes("lake.commit") == ["body"]
    assert slept[0] > 600


@pytest.mark.parametrize(
    "text",
    ["", "lake.commit", "lake.commit:before", "nothing.known:before:kill", "lake.commit:during:kill", "lake.commit:before:explode",
     "lake.commit:before:kill:x", "lake.commit:before:kill:0", "lake.commit:before:kill:-1", "lake.commit:before:kill:", "lake.commit:before:kill:1:2"],
)  # fmt: skip
def test_a_fault_that_is_none_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a fault") as caught:
        arm(text)

    assert "before|after" in caught.value.next_step
    assert all(name in caught.value.next_step for name in STEPS)
    assert steps._armed == []
    assert set(get_args(steps.Act)) == {"kill", "stop", "raise", "hang", "lose"}


def test_a_stop_that_was_swallowed_is_raised_by_the_next_step_once() -> None:
    stop = KeyboardInterrupt("stopped")
    stop_at_next(stop)
    body = []

    with pytest.raises(KeyboardInterrupt, match="stopped"), step("lake.commit"):
        body.append("first")
    with step("lake.commit"):
        body.append("second")

    assert body == ["second"]


def test_a_stop_on_its_way_out_lets_the_steps_of_cleaning_up_go_on() -> None:
    stop = KeyboardInterrupt("stopped")
    stop_at_next(stop)
    released = []

    def stopped() -> None:
        try:
            raise stop
        finally:
            with step("lease.release"):
                released.append("lease")

    with pytest.raises(KeyboardInterrupt):
        stopped()

    assert released == ["lease"]


def test_a_stop_is_the_main_threads_alone() -> None:
    stop_at_next(KeyboardInterrupt("stopped"))
    renewed = []

    def renew() -> None:
        with step("lease.renew"):
            renewed.append("lease")

    thread = threading.Thread(target=renew)
    thread.start()
    thread.join()

    assert renewed == ["lease"]
