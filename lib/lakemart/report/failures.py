"""Errors as people read them: what, where, what next; every problem of a project; sample rows of bad data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from lakemart.errors import ConfigError, DataError, LakemartError, Problem
from lakemart.report.layout import table

_TITLES = {
    "config": "not possible as it is written",
    "usage": "the command line is wrong",
    "data": "stopped by a gate",
    "locked": "another run is at work",
    "transient": "try again",
    "internal": "failed",
}
_SHOWN_ROWS = 10
_SHOWN_COLUMNS = 8


def failure(error: LakemartError) -> RenderableType:
    """One error: a title by kind, then what, where, what next, and whatever it carries as evidence."""
    parts: list[RenderableType] = [
        Text.assemble(("✗ ", "bold red"), (_TITLES.get(error.kind, error.kind), "bold red"), ": ", error.what)
    ]
    if error.where:
        parts.append(_indented("where", error.where))
    if isinstance(error, ConfigError) and error.problems:
        parts.append(Padding(problem_list(error.problems), (0, 0, 0, 2), expand=False))
    if isinstance(error, DataError) and error.rows:
        parts.append(Padding(sample(error.rows), (1, 0, 1, 2), expand=False))
    if error.next_step:
        parts.append(_indented("next", error.next_step))
    return Group(*parts)


def failures(errors: Sequence[LakemartError]) -> RenderableType:
    """All errors of a run, one after another with a blank line between them."""
    parts: list[RenderableType] = []
    for error in errors:
        parts += [Text(""), failure(error)] if parts else [failure(error)]
    return Group(*parts)


def problem_list(problems: Sequence[Problem]) -> RenderableType:
    """Each problem under its file as `line:column  message`, the suggestion beneath."""
    parts: list[RenderableType] = []
    file = None
    for problem in problems:
        if problem.file != file:
            file = problem.file
            parts.append(Text(file, style="bold"))
        place = f"{problem.line}:{problem.column}" if problem.line else ""
        line = Text.assemble((f"  {place:>7}  ", "cyan"), problem.message)
        if problem.suggestion:
            line.append(f"\n{'':11}{problem.suggestion}", style="dim")
        parts.append(line)
    return Group(*parts)


def sample(rows: Sequence[Mapping[str, object]]) -> RenderableType:
    """The first rows as a table; what is left out is said."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    shown = names[:_SHOWN_COLUMNS]
    made = table(*shown)
    for row in rows[:_SHOWN_ROWS]:
        made.add_row(*(value(row.get(name)) for name in shown))
    notes = []
    if len(rows) > _SHOWN_ROWS:
        notes.append(f"{len(rows) - _SHOWN_ROWS:,} more rows")
    if len(names) > len(shown):
        notes.append(f"{len(names) - len(shown)} more columns: {', '.join(names[_SHOWN_COLUMNS:])}")
    return Group(made, Text(f"… {'; '.join(notes)}", style="dim")) if notes else made


def value(content: object) -> Text:
    """One cell: null is told from empty text, control characters are made visible."""
    if content is None:
        return Text("null", style="dim italic")
    text = str(content)
    if text == "":
        return Text("''", style="dim")
    return Text("".join(char if char.isprintable() else repr(char)[1:-1] for char in text))


def _indented(label: str, content: str) -> RenderableType:
    return Padding(Text.assemble((f"{label}: ", "dim"), content), (0, 0, 0, 2), expand=False)
