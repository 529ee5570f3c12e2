"""The summary of a run: one line per source, model and mart that had something to do, the balance, and what next."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.pipeline.document import RunDocument
from lakemart.report.books import mart_equations, source_equations, verdict
from lakemart.report.failures import failures
from lakemart.report.layout import counted, duration, number, slice_list, table

_OUTCOMES = {
    "ok": ("done", "bold green"),
    "nothing_to_do": ("nothing to do", "bold green"),
    "partial": ("done in part", "bold yellow"),
    "stopped": ("stopped by a gate", "bold yellow"),
    "failed": ("failed", "bold red"),
}


def run_summary(document: RunDocument) -> RenderableType:
    """What one run did. Sources, models and marts without work are left out; errors come last, where eyes are."""
    words, style = _OUTCOMES[document.outcome]
    head = Text.assemble(
        (f"run {document.run}", "bold"), "  ", (words, style), (f"  {duration(document.seconds)}", "dim")
    )
    parts: list[RenderableType] = [head, Text("")]
    sources = {name: line for name, line in document.sources.items() if line["batches"] or line["damaged"]}
    models = {name: line for name, line in document.models.items() if line.slices}
    marts = {name: line for name, line in document.marts.items() if line.slices}
    if sources:
        parts += [source_equations(sources), Text("")]
    if models:
        made = table("model", "rows", "slices", right=("rows",))
        for name, model in models.items():
            made.add_row(name, number(model.rows), slice_list(model.slices))
        parts += [made, Text("")]
    if marts:
        parts += [mart_equations(marts), Text("")]
    if sources or marts or not document.balanced:
        parts.append(verdict(document))
    if document.errors:
        parts += [*([Text("")] if sources or marts else []), failures(document.errors)]
    parts += [Text(line, style="dim") for line in _next(document)]
    return Group(*parts)


def _next(document: RunDocument) -> list[str]:
    """What a reader may want to do after this run."""
    lines = []
    if any(line["quarantined"] for line in document.sources.values()):
        lines.append("See what was quarantined and why: lakemart quarantine")
    for name, line in document.sources.items():
        if line.get("left"):
            lines.append(
                f"{counted(line['left'], 'object')} of {name} left for the next run by max_objects or max_bytes."
            )
    if document.outcome == "nothing_to_do":
        lines.append("Everything is ingested, built and published.")
    return lines
