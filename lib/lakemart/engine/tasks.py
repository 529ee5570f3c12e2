"""What a task function's run comes back as, so that an error keeps its class and words on the way through the JVM."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lakemart.errors import LakemartError, TransientError

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Done(Generic[Result]):
    """The result of a task."""

    result: Result


@dataclass(frozen=True, slots=True)
class Failed:
    """The error a task ended with."""

    error: LakemartError


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded(Generic[Task, Result]):
    """A task function that returns its LakemartError instead of raising it; picklable when the function is.

    Failures of stores and networks may pass, so they are raised for Spark to try the task again, up to the last of its
    `attempts`. Anything else that is raised is a bug and stays one.
    """

    function: Callable[[Task], Result]
    attempts: int = 1

    def __call__(self, task: Task) -> Done[Result] | Failed:
        """Runs the function; see the class."""
        try:
            return Done(self.function(task))
        except LakemartError as error:
            if isinstance(error, TransientError) and not self._is_last_attempt():
                raise
            return Failed(error)
        except OSError as error:
            if not self._is_last_attempt():
                raise
            return Failed(TransientError(f"{type(error).__name__}: {error}"))

    def _is_last_attempt(self) -> bool:
        if self.attempts == 1:
            return True
        from pyspark import TaskContext  # noqa: PLC0415 - several attempts mean that this is a Spark task

        context = TaskContext.get()
        return context is None or context.attemptNumber() + 1 >= self.attempts


def result_of(outcome: Done[Result] | Failed) -> Result:
    """The result; raises the error the task ended with."""
    if isinstance(outcome, Failed):
        raise outcome.error
    return outcome.result
