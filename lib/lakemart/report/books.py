"""The books as a balance sheet: what came in equals what it became, and a mart's rows are the same four times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from lakemart.pipeline.document import MartLine, RunDocument
from lakemart.report.layout import add_equation, counted, equation, mark

SOURCE_TERMS = ("records", "good", "quarantined", "duplicate", "filtered")
SOURCE_SIGNS = ("=", "+", "+", "+")
MART_TERMS = ("lake", "staged", "copied", "warehouse")
MART_SIGNS = ("=", "=", "=")


def balance_sheet(document: RunDocument, scope: str) -> RenderableType:
    """The books of one run, or of all (`scope` says which), with a verdict that names each row that does not add up."""
    head = Text.assemble(("balance sheet", "bold"), (f"  {scope}", "dim"))
    parts: list[RenderableType] = [head, Text("")]
    if not document.sources and not document.marts:
        return Group(head, Text(""), Text("Nothing is in the books yet. `lakemart run` begins them."))
    if document.sources:
        parts += [source_equations(document.sources, totals=len(document.sources) > 1), Text("")]
    if document.marts:
        parts += [mart_equations(document.marts), Text("")]
    return Group(*parts, verdict(document))


def source_equations(sources: Mapping[str, Mapping[str, int]], *, totals: bool = False) -> RenderableType:
    """One row per source: records = good + quarantined + duplicate + filtered."""
    made = equation("source", SOURCE_TERMS, SOURCE_SIGNS)
    for name, line in sources.items():
        label = f"{name}  {counted(line['objects'], 'object')}"
        add_equation(made, label, [line[term] for term in SOURCE_TERMS], SOURCE_SIGNS, _source_mark(line))
    if totals:
        sums = {term: sum(line[term] for line in sources.values()) for term in SOURCE_TERMS}
        made.add_section()
        add_equation(made, "all", list(sums.values()), SOURCE_SIGNS, mark(good=not _missing(sums)))
    return made


def mart_equations(marts: Mapping[str, MartLine]) -> RenderableType:
    """One row per mart: rows in the lake = staged = copied = in the warehouse."""
    made = equation("mart", MART_TERMS, MART_SIGNS)
    for name, line in marts.items():
        values = [line.lake, line.staged, line.copied, line.warehouse]
        add_equation(made, name, values, MART_SIGNS, mark(good=line.balanced))
    return made


def verdict(document: RunDocument) -> Text:
    """One line when everything adds up; otherwise each row that does not, and by how much."""
    faults = list(_faults(document))
    if not faults:
        claims = ["every record is accounted for"] if document.sources else []
        claims += ["mart == lake"] if document.marts else []
        return Text(
            f"✓ The books balance: {', and '.join(claims)}." if claims else "✓ The books balance.", style="green"
        )
    text = Text("✗ The books do not balance.", style="bold red")
    for fault in faults:
        text.append(f"\n  {fault}", style="not bold red")
    text.append(
        "\nRun `lakemart verify`: it recomputes both sides and says which one is wrong.", style="not bold default"
    )
    return text


def _faults(document: RunDocument) -> Iterator[str]:
    for name, line in document.sources.items():
        missing = _missing(line)
        if missing:
            what = "unaccounted for" if missing > 0 else "too many"
            yield f"source {name}: {counted(abs(missing), 'record')} {what} ({_written(line)})"
    for name, mart in document.marts.items():
        if not mart.balanced:
            yield (
                f"mart {name}: lake {mart.lake:,}, staged {mart.staged:,}, copied {mart.copied:,}, warehouse {mart.warehouse:,} "
                "are not the same"
            )


def _missing(line: Mapping[str, int]) -> int:
    return line["records"] - sum(line[term] for term in SOURCE_TERMS[1:])


def _source_mark(line: Mapping[str, int]) -> Text:
    made = mark(good=not _missing(line))
    if line.get("damaged"):
        made.append(f" {line['damaged']:,} damaged", style="red")
    return made


def _written(line: Mapping[str, int]) -> str:
    right = " + ".join(f"{line[term]:,}" for term in SOURCE_TERMS[1:])
    return f"{line['records']:,} ≠ {right}"
