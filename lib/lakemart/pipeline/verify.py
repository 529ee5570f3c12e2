"""Verify: everything the ledger claims, computed again from the tables and the warehouse. Finds drift, mends nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from lakemart.errors import LakemartError, TransientError
from lakemart.lake.actions import TableChange
from lakemart.lake.check import check_table
from lakemart.ledger import records
from lakemart.pipeline.context import Context
from lakemart.publish.verify import verify_mart


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One lake table or mart that was checked: how many rows it has, and what is wrong with it (nothing: it is good)."""

    kind: Literal["table", "mart"]
    name: str
    rows: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport:
    """All tables, then all marts. `errors` are what kept a check from being made."""

    checked: tuple[Checked, ...]
    errors: tuple[LakemartError, ...]

    @property
    def good(self) -> bool:
        """Whether everything was checked and nothing was found."""
        return not self.errors and all(not one.findings for one in self.checked)

    @property
    def exit_code(self) -> int:
        """0 when all is good, 3 on drift, else that of what kept a check from being made."""
        if any(one.findings for one in self.checked):
            return 3
        return max((error.exit_code for error in self.errors), default=0)

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "good": self.good,
            "checked": [asdict(one) for one in self.checked],
            "errors": [
                {"kind": error.kind, "message": error.what, "where": error.where, "next": error.next_step}
                for error in self.errors
            ],
        }


def verify(context: Context) -> VerifyReport:
    """Compares each lake table with the ledger, and each mart in the warehouse with its lake table."""
    checked: list[Checked] = []
    errors: list[LakemartError] = []
    for writer in context.writers:
        kind, _, name = writer.partition("/")
        try:
            checked += [_mart(context, name)] if kind == "mart" else _tables(context, writer)
        except LakemartError as error:
            errors.append(error)
    return VerifyReport(checked=tuple(checked), errors=tuple(errors))


def _tables(context: Context, writer: str) -> list[Checked]:
    """Each table of a writer against what its committed numbers say they added and removed."""
    rows: dict[str, int] = {}
    versions: dict[str, int] = {}
    for record in records.numbers(context.store, writer):
        if not record.closed:
            raise TransientError(
                f"number {record.number} of {writer} is open",
                where=writer,
                next_step="Run again; it is finished first.",
            )
        if record.done is None or record.decision is None:
            continue
        versions = record.done["versions"]
        for value in record.decision["tables"]:
            change = TableChange.from_json(value)
            came_and_went = sum(file.rows for file in change.adds) - sum(file.rows for file in change.removes)
            rows[change.table] = rows.get(change.table, 0) + came_and_went
    return [
        Checked(
            kind="table",
            name=table,
            rows=rows.get(table, 0),
            findings=tuple(check_table(context.lake, table, version=version, rows=rows.get(table, 0))),
        )
        for table, version in versions.items()
    ]


def _mart(context: Context, name: str) -> Checked:
    model = context.project.marts[name]
    result = verify_mart(
        model,
        project=context.project.name,
        lake=context.lake,
        warehouse=context.warehouse,
        run=context.run.id,
        user=context.run.user,
    )
    return Checked(
        kind="mart",
        name=str(model.publish.table) if model.publish else name,
        rows=result.rows,
        findings=tuple(result.findings),
    )
