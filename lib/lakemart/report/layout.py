"""The look that all reports share: tables, marks, numbers, lists of slices, and the equations of the books."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from rich import box
from rich.table import Table
from rich.text import Text

_SHOWN_SLICES = 3


def table(*headers: str, right: Sequence[str] = ()) -> Table:
    """An empty table; the columns named in `right` hold numbers."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for header in headers:
        made.add_column(header, justify="right" if header in right else "left", no_wrap=header in right)
    return made


def number(value: int) -> Text:
    """A count with thousands separated; zero recedes."""
    return Text(f"{value:,}", style="dim" if value == 0 else "")


def mark(*, good: bool) -> Text:
    """✓ or ✗."""
    return Text("✓", style="green") if good else Text("✗", style="bold red")


def counted(count: int, noun: str) -> str:
    """A count with its noun.

    >>> counted(1, "slice"), counted(1200, "batch")
    ('1 slice', '1,200 batches')
    """
    plural = f"{noun}es" if noun.endswith(("ch", "s")) else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def slice_list(slices: Sequence[str | None]) -> str:
    """Slices as a reader would write them: runs of days as ranges, few in full, the rest counted.

    >>> slice_list(["2015-01-01", "2015-01-02", "2015-01-03", "2015-02-01"])
    '2015-01-01 … 2015-01-03, 2015-02-01'
    >>> slice_list([None, "a", "b", "c", "d"])
    'a, b, c and 2 more'
    >>> slice_list([None])
    'all of it'
    """
    if list(slices) == [None]:
        return "all of it"
    ranges = _ranges(sorted(value for value in slices if value is not None))
    if None in slices:
        ranges.append(("without a value", "without a value"))
    words = [first if first == last else f"{first} … {last}" for first, last in ranges]
    if len(words) > _SHOWN_SLICES + 1:
        return f"{', '.join(words[:_SHOWN_SLICES])} and {len(words) - _SHOWN_SLICES} more"
    return ", ".join(words)


def _ranges(values: Sequence[str]) -> list[tuple[str, str]]:
    ranges: list[tuple[str, str]] = []
    for value in values:
        if ranges and _is_next_day(ranges[-1][1], value):
            ranges[-1] = (ranges[-1][0], value)
        else:
            ranges.append((value, value))
    return ranges


def _is_next_day(one: str, other: str) -> bool:
    try:
        return date.fromisoformat(one) + timedelta(days=1) == date.fromisoformat(other)
    except ValueError:
        return False


def duration(seconds: float) -> str:
    """Seconds for people.

    >>> duration(0.21), duration(12.3), duration(187)
    ('0.2 s', '12.3 s', '3 min 7 s')
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def equation(title: str, terms: Sequence[str], signs: Sequence[str]) -> Table:
    """An empty table whose header is an equation; rows come from `add_equation`."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    made.add_column(title)
    for index, term in enumerate(terms):
        if index:
            made.add_column(signs[index - 1], style="dim")
        made.add_column(term, justify="right", no_wrap=True)
    made.add_column("")
    return made


def add_equation(made: Table, name: str, values: Sequence[int], signs: Sequence[str], verdict: Text) -> None:
    """One row of an equation table: name, values with the signs between them, and whether it adds up."""
    cells: list[Text] = [Text(name)]
    for index, value in enumerate(values):
        if index:
            cells.append(Text(signs[index - 1]))
        cells.append(number(value))
    made.add_row(*cells, verdict)
