"""Verify: everything the ledger claims, computed again from the tables and the warehouse. Finds drift, mends nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lakemart.errors import LakemartError
from lakemart.pipeline.audit import late, tables
from lakemart.pipeline.checked import Checked
from lakemart.pipeline.context import Context
from lakemart.publish.verify import verify_mart


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
    """Compares each lake table with the ledger and its books, and each mart in the warehouse with its lake table."""
    checked: list[Checked] = []
    errors: list[LakemartError] = []
    for writer in context.writers:
        kind, _, name = writer.partition("/")
        try:
            checked += [_mart(context, name)] if kind == "mart" else tables(context, writer)
            checked += late(context, name) if kind == "source" else []
        except LakemartError as error:
            errors.append(error)
    return VerifyReport(checked=tuple(checked), errors=tuple(errors))


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
