"""The run document: what a run did and how its books stand, as the interface promises it. Values and their JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from lakemart.errors import DataError, LakemartError

Outcome = Literal["ok", "nothing_to_do", "partial", "stopped", "failed"]

_HARM = (1, 2, 3, 5, 4)
"""Exit codes from the greatest harm to the least: with several errors the first of these decides."""

SOURCE_COUNTS = ("batches", "objects", "damaged", "records", "good", "quarantined", "duplicate", "filtered")


@dataclass(slots=True, kw_only=True)
class ModelLine:
    """What was built of one model: its slices, and the rows in them."""

    slices: list[str | None] = field(default_factory=list)
    rows: int = 0
    numbers: int = 0
    """How many builds this line sums up; one of no slice is a build all the same."""


@dataclass(slots=True, kw_only=True)
class MartLine:
    """What was published of one mart: its slices, and their rows in the lake, staged, copied and in the warehouse."""

    slices: list[str | None] = field(default_factory=list)
    lake: int = 0
    staged: int = 0
    copied: int = 0
    warehouse: int = 0
    numbers: int = 0
    """How many publishes this line sums up."""

    @property
    def balanced(self) -> bool:
        """Whether every row staged was copied, and as many stand in the warehouse as in the lake."""
        return self.lake == self.staged == self.copied == self.warehouse


@dataclass(slots=True, kw_only=True)
class RunDocument:
    """One run, or the totals of many, as people and programs read it. Filled while the run goes on.

    A source's line holds its counts and, of a run that looked for objects, how many its bounds left for the next one.
    """

    run: str
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    models: dict[str, ModelLine] = field(default_factory=dict)
    marts: dict[str, MartLine] = field(default_factory=dict)
    errors: list[LakemartError] = field(default_factory=list)
    seconds: float = 0.0
    _told: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    @property
    def balanced(self) -> bool:
        """Whether every equation of the books holds."""
        sources = all(
            line["records"] == line["good"] + line["quarantined"] + line["duplicate"] + line["filtered"]
            for line in self.sources.values()
        )
        return sources and all(line.balanced for line in self.marts.values())

    @property
    def did_something(self) -> bool:
        """Whether anything was ingested, built or published."""
        return (
            any(line["batches"] for line in self.sources.values())
            or any(line.numbers for line in self.models.values())
            or any(line.numbers for line in self.marts.values())
        )

    @property
    def outcome(self) -> Outcome:
        """The run in one word: `stopped` when nothing but data gates stopped it, `partial` when some of it went through."""
        if not self.errors:
            return "ok" if self.did_something else "nothing_to_do"
        if self.did_something:
            return "partial"
        return "stopped" if all(isinstance(error, DataError) for error in self.errors) else "failed"

    @property
    def exit_code(self) -> int:
        """The exit code of the greatest harm among the errors; 0 without."""
        return worst(self.errors)

    def tell(self, error: LakemartError) -> None:
        """Enters an error once, however often it is met."""
        if str(error) not in self._told:
            self._told.add(str(error))
            self.errors.append(error)

    def as_json(self) -> dict[str, Any]:
        """The document as INTERFACE promises it."""
        return {
            "run": self.run,
            "outcome": self.outcome,
            "errors": [
                {"kind": error.kind, "message": error.what, "where": error.where, "next": error.next_step} for error in self.errors
            ],
            "sources": self.sources,
            "models": {name: {"slices": line.slices, "rows": line.rows} for name, line in self.models.items()},
            "marts": {
                name: {
                    "slices": line.slices, "lake": line.lake, "staged": line.staged, "copied": line.copied,
                    "warehouse": line.warehouse,
                }
                for name, line in self.marts.items()
            },
            "balanced": self.balanced,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip


def worst(errors: Iterable[LakemartError]) -> int:
    """The exit code of the greatest harm among errors; 0 without."""
    codes = {error.exit_code for error in errors}
    return next((code for code in _HARM if code in codes), 0)
