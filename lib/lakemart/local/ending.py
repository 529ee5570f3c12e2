"""Ends the servers of a state that were kept up, without disturbing a command that uses them."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from contextlib import suppress

from lakemart.config.project import Project
from lakemart.errors import LockedError, TransientError
from lakemart.local.state import State, locked, pause

STOP_SECONDS = 60.0


def bring_down(project: Project, *, wait: float | None = 0.0) -> bool:
    """Ends the servers of the project's state and returns when they are gone; False when none were up.

    Raises LockedError when a command still uses them after `wait` seconds (None: waits without end).
    """
    state = State(project.state)
    if not state.run.is_dir():
        return False
    state.keep.unlink(missing_ok=True)
    with state.starting():
        if not state.server_lives():
            return False
    patience = None if wait is None else time.monotonic() + max(wait, 2.0)
    users = _only_user(state, patience)
    if users is None:
        raise LockedError(
            "a command still uses the servers; they end after it",
            where=str(state.folder),
            next_step="Wait for it, or give --wait.",
        )
    try:
        # Whoever comes now waits for the lock, and starts new servers when these are gone.
        return _end(state)
    finally:
        os.close(users)


def _end(state: State) -> bool:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        with state.starting():
            if not state.server_lives():
                return True
            endpoints = state.read_endpoints()
            if endpoints is not None:  # written by the supervisor that lives; without them it is just starting
                with suppress(ProcessLookupError):
                    os.kill(endpoints.supervisor, signal.SIGTERM)
        pause()
    raise TransientError(
        f"the servers did not end within {STOP_SECONDS:.0f} s",
        where=str(state.folder),
        next_step=f"Look into {state.log('supervisor')}.",
    )


def _only_user(state: State, deadline: float | None) -> int | None:
    """users.lock alone, or None after the deadline. A supervisor that looks or leaves holds it for moments too."""
    while True:
        users = locked(state.users_lock, fcntl.LOCK_EX)
        if users is not None or (deadline is not None and time.monotonic() > deadline):
            return users
        pause()
