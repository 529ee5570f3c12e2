"""What is in quarantine: reasons with counts, and the first records of each."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from lakemart.pipeline.quarantine import QuarantineReport
from lakemart.report.layout import counted


def quarantine_groups(report: QuarantineReport) -> RenderableType:
    """One block per source, reason and column, the most frequent first, with samples and where they stand."""
    if not report.groups:
        return Text("The quarantine is empty.", style="green")
    parts: list[RenderableType] = []
    source = None
    for group in report.groups:
        if group.source != source:
            source = group.source
            total = sum(other.count for other in report.groups if other.source == source)
            if parts:
                parts.append(Text(""))
            parts.append(Text.assemble((source, "bold"), (f"  {counted(total, 'record')} in quarantine", "dim")))
        column = Text.assemble((" in ", "dim"), group.column) if group.column else Text("")
        parts.append(Text.assemble((f"{group.count:>7,}  ", "bold yellow"), group.reason, column))
        for one in group.samples:
            place = f"{one.object} @ {one.offset:,} + {one.length:,} bytes"
            parts.append(Padding(Text.assemble(one.message, (f"  {place}", "dim")), (0, 0, 0, 9), expand=False))
            parts.append(
                Padding(Text(one.text, style="cyan", no_wrap=True, overflow="ellipsis"), (0, 0, 0, 11), expand=False)
            )
    parts += [Text(""), Text("Write the exact bytes to a file: lakemart quarantine --export FILE", style="dim")]
    return Group(*parts)
