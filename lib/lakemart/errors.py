"""The exception tree: the class says who can mend it, the message says what, with which value, where, and what next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class LakemartError(Exception):
    """The root of every error lakemart raises on purpose.

    `what` says what could not be done and with which value, `where` names the place (source, object, offset; model,
    slice; file and line; run), `next_step` what to do about it. `kind` and `exit_code` are promised by the interface.
    """

    kind: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        next_step = f" {self.next_step}" if self.next_step else ""
        return f"{self.what}{where}.{next_step}" if self.next_step else f"{self.what}{where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault in a project's files; `line` and `column` count from 1, 0 where there is no position."""

    file: str
    line: int
    column: int
    message: str
    suggestion: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{place}: {self.message}{hint}"


class ConfigError(LakemartError):
    """The project's files or the command line are wrong; whoever wrote the project mends it. `problems` lists them all."""

    kind = "config"
    exit_code = 2

    def __init__(self, what: str, *, where: str = "", next_step: str = "", problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class DataError(LakemartError):
    """A gate stopped bad data; nothing of it is visible to readers. `rows` holds a sample of what failed, if any."""

    kind = "data"
    exit_code = 3

    def __init__(
        self, what: str, *, where: str = "", next_step: str = "", rows: tuple[dict[str, object], ...] = ()
    ) -> None:
        super().__init__(what, where=where, next_step=next_step)
        self.rows = rows


class LockedError(LakemartError):
    """Another run is at work for the same writer."""

    kind = "locked"
    exit_code = 4


class TransientError(LakemartError):
    """A store, a warehouse or the network failed; the same command may go through later."""

    kind = "transient"
    exit_code = 5


class InternalError(LakemartError):
    """A bug of lakemart, or a state that should be impossible."""

    kind = "internal"
    exit_code = 1
