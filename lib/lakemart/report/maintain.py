"""What an upkeep did, or would do, by table and mart."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.pipeline.maintained import MaintainReport
from lakemart.report.failures import failures
from lakemart.report.layout import counted, number, slice_list, table

_KB = 1000


def upkeep_summary(report: MaintainReport) -> RenderableType:
    """One row a table that something was found for, then the marts, the ledger, what has to wait, and a verdict."""
    parts: list[RenderableType] = []
    if report.tables:
        counts = ("files", "into", "orphans", "old files", "log", "freed")
        made = table("", *counts, right=counts)
        for one in report.tables:
            cells = [number(count) for count in (one.merged, one.into, one.orphans, one.expired, one.log)]
            made.add_row(Text.assemble(("table ", "dim"), one.table), *cells, Text(size(one.freed)))
        parts += [made, Text("")]
    words = "would be" if report.dry else "were"
    for mart in report.marts:
        if mart.retained:
            parts.append(Text(f"mart {mart.mart}: {slice_list(mart.retained)} {words} taken out of the warehouse"))
        if mart.staged:
            left = f"{counted(mart.staged, 'staged file')} of {size(mart.freed)}"
            parts.append(Text(f"mart {mart.mart}: {left} {words} deleted"))
    if report.rebuilt is not None:
        parts.append(Text(f"the ledger's tables {words} made anew: {', '.join(report.rebuilt)}"))
    if report.ledger_merged:
        parts.append(Text(f"the ledger's tables: {counted(report.ledger_merged, 'file')} merged"))
    if report.abandoned:
        parts.append(Text(f"{counted(report.abandoned, 'half-written file')} of killed runs {words} deleted"))
    parts += [Text.assemble(("● ", "yellow"), note) for note in report.waiting]
    if report.errors:
        parts += [failures(report.errors)]
    return Group(*parts, _verdict(report))


def _verdict(report: MaintainReport) -> Text:
    if report.errors:
        return Text("✗ Not everything could be done.", style="bold red")
    if not report.did_something:
        return Text("✓ Nothing to do.", style="green")
    return Text("Nothing was done: this was a dry run." if report.dry else "✓ Done.", style="green")


def size(count: int) -> str:
    """Bytes as people say them.

    >>> size(0), size(999), size(1500), size(2_400_000)
    ('0 B', '999 B', '1.5 kB', '2.4 MB')
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < _KB:
            return f"{count} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _KB
    return f"{amount:.1f} TB"
