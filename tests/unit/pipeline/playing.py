"""How a state machine is played: so many examples of so many steps, from a seed that is told at the end."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable

import hypothesis
from hypothesis.stateful import run_state_machine_as_test

from promises import NOTE
from unit.pipeline.machine import Shop

EXAMPLES, STEPS = 40, 30
"""Examples of a machine, and steps of an example at most."""

LONGER = int(os.environ.get("SOAK") or 1)
"""How many times as many examples."""

SECONDS = 0 if LONGER > 1 else 1800
"""What a test may take; 0 is without end."""


def play(machine: type[Shop], record_property: Callable[[str, object], None], examples: int = EXAMPLES) -> None:
    """Plays the machine from the seed SEED; SOAK makes it so many times as long. In CI the same stories come every time."""
    seed = int(os.environ.get("SEED") or (1 if "CI" in os.environ else random.SystemRandom().randrange(2**32)))
    machine.steps = 0
    began = time.monotonic()
    try:
        run_state_machine_as_test(
            hypothesis.seed(seed)(machine),
            settings=hypothesis.settings(
                max_examples=examples * LONGER, stateful_step_count=STEPS, database=None, deadline=None, print_blob=True
            ),
        )
    finally:
        seconds = time.monotonic() - began
        record_property(
            NOTE, f"state machine {machine.__name__}: {machine.steps} steps in {seconds:.0f} s, SEED={seed}"
        )
