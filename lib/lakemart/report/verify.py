"""What a recomputation found: each table and mart with its rows, and the findings that are drift."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.pipeline.verify import VerifyReport
from lakemart.report.failures import failures
from lakemart.report.layout import counted, mark, number, table


def verify_results(report: VerifyReport) -> RenderableType:
    """One row per table and mart, its findings beneath, errors that kept a check from being made, and a verdict."""
    made = table("", "rows", "", right=("rows",))
    for one in report.checked:
        findings = Text("\n".join(one.findings), style="red")
        verdict = mark(good=True) if not one.findings else Text.assemble(mark(good=False), " ", findings)
        made.add_row(Text.assemble((f"{one.kind} ", "dim"), one.name), number(one.rows), verdict)
    parts: list[RenderableType] = [made, Text("")] if report.checked else []
    if report.errors:
        parts += [failures(report.errors), Text("")]
    drifted = [one for one in report.checked if one.findings]
    if report.good:
        marts = any(one.kind == "mart" for one in report.checked)
        words = "✓ Lake and warehouse hold what the ledger says." if marts else "✓ The lake holds what the ledger says."
        parts.append(Text(words if report.checked else "Nothing is there to be verified yet.", style="green"))
    elif drifted:
        text = f"✗ {counted(len(drifted), 'table')} drifted: someone else changed what lakemart wrote."
        parts.append(Text(text, style="bold red"))
        if any(one.kind == "mart" for one in drifted):
            parts.append(Text("next: `lakemart publish MODEL --again` loads all of a mart from the lake.", style="dim"))
    else:
        parts.append(Text("✗ Not everything could be checked.", style="bold red"))
    return Group(*parts)
