"""The table of statements with their state, made from the conformance cases; `make golden`'s sibling for the README.

`python -m e2e.localshift.conformance` (with tests/ on the path) writes it into lib/localshift/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from e2e.localshift.casefile import FOLDER as TRANSFERS
from e2e.localshift.casefile import Case, read_cases

FOLDER = TRANSFERS.parent
README = Path(__file__).resolve().parents[3] / "lib" / "localshift" / "README.md"
OURS = "not supported by localshift"
BEGIN, END = "<!-- conformance: begin -->\n", "<!-- conformance: end -->"


def table() -> str:
    """Return the table as Markdown: one row a case, in the order of the files."""
    lines = ["| statement | case | state |", "|---|---|---|"]
    count = 0
    for folder in (FOLDER, TRANSFERS):
        for name, case in read_cases(folder):
            stem, _, title = name.partition(": ")
            title = title.replace("|", "\\|")
            lines.append(f"| {stem.replace('_', ' ')} | [{title}]({case.page}) | {state(case)} |")
            count += 1
    head = f"{count} cases. *as Redshift*: answers as documented; *refused*: as Redshift refuses it; *not here*: Redshift has it.\n\n"
    return head + "\n".join(lines) + "\n"


def state(case: Case) -> str:
    """Return the state of a case by what it expects last."""
    expected = [block for block in case.blocks if block.word == "error"]
    if any(OURS in block.text for block in expected):
        return "not here"
    answers = [block.word for block in case.blocks if block.word in ("rows", "notice", "keys", "object")]
    return "refused" if expected and not answers else "as Redshift"


def readme() -> Iterator[str]:
    """Yield the README as it stands, and as it should stand."""
    text = README.read_text(encoding="utf-8")
    yield text
    head, _, rest = text.partition(BEGIN)
    yield head + BEGIN + table() + END + rest.partition(END)[2]


if __name__ == "__main__":
    README.write_text(list(readme())[1], encoding="utf-8")
