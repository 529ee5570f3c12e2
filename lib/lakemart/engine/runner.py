"""The engine: runs task functions inline or in Spark tasks, and holds the one Spark session, begun at first use."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from lakemart.engine import session
from lakemart.engine.failures import spoken
from lakemart.engine.session import EngineSettings, Session
from lakemart.engine.tasks import Guarded, result_of

if TYPE_CHECKING:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

Task = TypeVar("Task")
Result = TypeVar("Result")
Progress = Callable[[int, int], None]
"""Told (tasks done, tasks in all), from whatever thread; called at least at the end."""

_POLL_SECONDS = 0.5
_DEFAULT_ATTEMPTS = 4
"""Spark's own default of spark.task.maxFailures on a cluster."""


class Engine:
    """Owns the Spark session of a command. A command that needs no Spark never starts one."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._session: Session | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def started(self) -> bool:
        """Whether a Spark session was needed so far."""
        return self._session is not None

    def spark(self) -> SparkSession:
        """The session, begun at the first call. Raises ConfigError when Java or Spark lacks."""
        if self._session is None:
            self._session = session.start(self._settings)
        return self._session.spark

    def isolated(self) -> SparkSession:
        """A session of the same context with temporary views of its own: no name of one query reaches another."""
        fresh = self.spark().newSession()
        for key, value in session.MEANING.items():
            fresh.conf.set(key, value)
        return fresh

    @property
    def attempts(self) -> int:
        """How often Spark tries a task before the job fails: once on a local master unless it says otherwise."""
        conf = self.spark().sparkContext.getConf()
        master = conf.get("spark.master") or ""
        local = re.fullmatch(r"local(?:\[[^,\]]+(?:,\s*(\d+))?\])?", master)
        if local:
            return int(local.group(1) or 1)
        return int(conf.get("spark.task.maxFailures") or _DEFAULT_ATTEMPTS)

    def stop(self) -> None:
        """Ends the session and our JVM if they were begun; the engine can begin them again."""
        if self._session is not None:
            ending, self._session = self._session, None
            session.stop(ending)

    def run(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        *,
        inline: bool,
        description: str,
        progress: Progress | None = None,
    ) -> list[Result]:
        """The result of `function` for each task, in their order: here one after another, or as one Spark task each.

        Function and tasks must be picklable, the function importable where tasks run, and harmless when run twice:
        Spark repeats tasks. Raises the first task's error in task order: lakemart's own with class and words kept,
        failures of stores and networks as TransientError, bugs as they are (inline) or as InternalError (on Spark).
        """
        if inline:
            return list(_inline(Guarded(function=function), tasks, progress))
        return self._distributed(function, tasks, description, progress) if tasks else []

    def _distributed(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], description: str, progress: Progress | None
    ) -> list[Result]:
        context = self.spark().sparkContext
        guarded = Guarded(function=function, attempts=self.attempts)
        with spoken(f"cannot {description}", where="Spark"), self.described(description, len(tasks), progress):
            outcomes = context.parallelize(tasks, len(tasks)).map(guarded).collect()
        return [result_of(outcome) for outcome in outcomes]

    @contextmanager
    def described(self, description: str, total: int = 0, progress: Progress | None = None) -> Iterator[None]:
        """Spark jobs of the body carry `description`, are cancelled when it is left by an error, and report progress."""
        context = self.spark().sparkContext
        group = uuid.uuid4().hex
        context.setJobGroup(group, description, interruptOnCancel=False)
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(context, group, total, progress, ended), daemon=True)
        if progress is not None and total:
            watcher.start()
        try:
            yield
        except KeyboardInterrupt:
            context.cancelJobGroup(group)
            raise
        finally:
            ended.set()
            if watcher.ident is not None:
                watcher.join()
        if progress is not None and total:
            progress(total, total)


def _inline(function: Guarded[Task, Result], tasks: Sequence[Task], progress: Progress | None) -> Iterator[Result]:
    for done, task in enumerate(tasks, start=1):
        yield result_of(function(task))
        if progress is not None:
            progress(done, len(tasks))


def _watch(context: SparkContext, group: str, total: int, progress: Progress | None, ended: threading.Event) -> None:
    """Tells how many tasks of the group's jobs are done, whenever that changed, until the job has ended."""
    tracker = context.statusTracker()
    last = 0
    while not ended.wait(_POLL_SECONDS):
        infos = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
        stages = [tracker.getStageInfo(stage) for info in infos if info is not None for stage in info.stageIds]
        done = min(sum(stage.numCompletedTasks for stage in stages if stage is not None), total)
        if done != last and progress is not None:
            progress(done, total)
            last = done
    session.close_connection()
