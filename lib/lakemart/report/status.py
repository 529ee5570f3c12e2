"""How each source, model and mart stands, and what to do about what does not stand well."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from lakemart.pipeline.status import StatusReport, WriterStatus
from lakemart.report.layout import counted, number, table

_NAMED = 5
"""How many fields are named before the rest is counted."""

_STATES = {
    "empty": ("nothing yet", "dim"),
    "good": ("good", "green"),
    "open": ("open", "yellow"),
    "refused": ("refused", "bold red"),
}


def status_table(report: StatusReport) -> RenderableType:
    """One row per writer; beneath, the reasons of refusals, damaged objects and who is at work."""
    made = table("", "state", "number", "rows", "newest slice", "last run", right=("number", "rows"))
    kind = ""
    for writer in report.writers:
        own, _, name = writer.writer.partition("/")
        if kind and own != kind:
            made.add_section()
        kind = own
        words, style = _STATES[writer.state]
        made.add_row(
            Text.assemble((f"{own} ", "dim"), name),
            Text(words, style=style),
            number(writer.number),
            Text("") if writer.rows is None else number(writer.rows),
            Text(writer.fresh or ""),
            Text(_when(writer), style="dim"),
        )
    head = Text.assemble((report.project, "bold"), (f"  environment {report.environment}", "dim"))
    notes = [note for writer in report.writers for note in _notes(writer)] + _last_errors(report)
    return Group(head, Text(""), made, *([Text(""), *notes] if notes else []))


def _last_errors(report: StatusReport) -> list[RenderableType]:
    """What the last run told, unless a refused number has said it already."""
    told = {"; ".join(writer.reasons) for writer in report.writers if writer.state == "refused"}
    errors = [error for error in report.last_errors if error["message"] not in told]
    if not errors:
        return []
    at = (report.last_at or "").replace("T", " ").removesuffix("Z")
    notes: list[RenderableType] = [Text.assemble(("✗ ", "bold red"), f"the last run, {report.last_run} of {at}, told:")]
    for error in errors[:_NAMED]:
        words = Text(error["message"])
        words.append(f"\nwhere: {error['where']}" if error["where"] else "", style="dim")
        words.append(f"\nnext: {error['next']}" if error["next"] else "", style="dim")
        notes.append(Padding(words, (0, 0, 0, 2), expand=False))
    if len(errors) > _NAMED:
        notes.append(Padding(Text(f"and {len(errors) - _NAMED} more: `lakemart status --json`"), (0, 0, 0, 2)))
    return notes


def _when(writer: WriterStatus) -> str:
    """When the last number was written, to the second; its run stands in the JSON."""
    return (writer.last_at or "").replace("T", " ").removesuffix("Z")


def _notes(writer: WriterStatus) -> list[RenderableType]:
    notes: list[RenderableType] = []
    if writer.state == "refused":
        notes.append(
            Text.assemble(
                ("✗ ", "bold red"), f"{writer.writer}: number {writer.number} was refused in run {writer.last_run}"
            )
        )
        notes += [Padding(Text(reason), (0, 0, 0, 2), expand=False) for reason in writer.reasons]
    if writer.state == "open":
        open_number = f"{writer.writer}: number {writer.number} is open; the next run finishes it"
        notes.append(Text.assemble(("● ", "yellow"), open_number))
    for name in writer.foreign:
        words = f"{writer.writer}: table {name} was changed by others; `lakemart accept {name}` goes on with it"
        notes.append(Text.assemble(("✗ ", "bold red"), words))
    for name in writer.taken_back:
        words = (
            f"{writer.writer}: table {name} is gone or at an earlier version; `lakemart accept {name}` says what to do"
        )
        notes.append(Text.assemble(("✗ ", "bold red"), words))
    if writer.damaged:
        notes.append(
            Text.assemble(("✗ ", "red"), f"{writer.writer}: {counted(writer.damaged, 'damaged object')} to be replaced")
        )
    if writer.left:
        waiting = f"{writer.writer}: {counted(writer.left, 'object')} left for the next run by max_objects or max_bytes"
        notes.append(Text.assemble(("● ", "yellow"), waiting))
    if writer.new_fields:
        notes.append(Text.assemble(("● ", "yellow"), f"{writer.writer}: new unknown fields: {_few(writer.new_fields)}"))
    if writer.type_conflicts:
        notes.append(
            Text.assemble(("● ", "yellow"), f"{writer.writer}: of several types: {_few(writer.type_conflicts)}")
        )
    if writer.holder:
        notes.append(Text.assemble(("● ", "yellow"), f"{writer.writer}: at work: {writer.holder}"))
    return notes


def _few(names: tuple[str, ...]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
