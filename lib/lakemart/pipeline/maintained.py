"""What an upkeep did, or would do: a line a table and a mart that something was found for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from lakemart.errors import LakemartError
from lakemart.pipeline.document import worst


@dataclass(slots=True, kw_only=True)
class TableTended:
    """A lake table: files `merged` `into` fewer; `orphans` of failed attempts, `expired` files, old entries of its `log`; bytes `freed`."""

    table: str
    merged: int = 0
    into: int = 0
    orphans: int = 0
    expired: int = 0
    log: int = 0
    freed: int = 0

    @property
    def did_something(self) -> bool:
        """Whether there was anything."""
        return bool(self.merged or self.orphans or self.expired or self.log)


@dataclass(slots=True, kw_only=True)
class MartTended:
    """A mart: `staged` files left behind, their bytes, and the slices that `retain` took out of the warehouse."""

    mart: str
    staged: int = 0
    freed: int = 0
    retained: list[str] = field(default_factory=list)

    @property
    def did_something(self) -> bool:
        """Whether there was anything."""
        return bool(self.staged or self.retained)


@dataclass(slots=True, kw_only=True)
class MaintainReport:
    """One upkeep. `dry`: nothing was done. `waiting` says what had to be left for a run to finish first.

    `rebuilt` has the rows of each of the ledger's tables that were made anew, None when that was not asked for;
    `ledger_merged` how many files of those tables became fewer. `abandoned`: temporary files of killed runs in a local lake.
    """

    run: str
    dry: bool
    tables: list[TableTended] = field(default_factory=list)
    marts: list[MartTended] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    rebuilt: dict[str, int] | None = None
    ledger_merged: int = 0
    abandoned: int = 0
    errors: list[LakemartError] = field(default_factory=list)

    def tell(self, error: LakemartError) -> None:
        """Enters an error once."""
        if str(error) not in {str(known) for known in self.errors}:
            self.errors.append(error)

    @property
    def did_something(self) -> bool:
        """Whether anything was found to do."""
        return bool(self.tables or self.marts or self.rebuilt is not None or self.ledger_merged or self.abandoned)

    @property
    def outcome(self) -> str:
        """In one word, as of a run."""
        if self.errors:
            return "partial" if self.did_something else "failed"
        return "ok" if self.did_something else "nothing_to_do"

    @property
    def exit_code(self) -> int:
        """That of the greatest harm; 0 without."""
        return worst(self.errors)

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "run": self.run,
            "dry_run": self.dry,
            "outcome": self.outcome,
            "errors": [
                {"kind": error.kind, "message": error.what, "where": error.where, "next": error.next_step}
                for error in self.errors
            ],
            "tables": [asdict(line) for line in self.tables],
            "marts": [asdict(line) for line in self.marts],
            "waiting": self.waiting,
            "rebuilt": self.rebuilt,
            "ledger_merged": self.ledger_merged,
            "abandoned": self.abandoned,
        }
