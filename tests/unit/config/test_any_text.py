"""Whatever stands in the files, the answer is a project or a list of problems: never another exception."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from lakemart.config.load import load_project
from lakemart.errors import ConfigError, Problem

REFERENCE = Path(__file__).parents[2] / "golden" / "config" / "reference"
FILES = {
    path.relative_to(REFERENCE).as_posix(): path.read_text()
    for path in sorted(REFERENCE.rglob("*"))
    if path.suffix in {".yaml", ".sql"}
}
PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ": ",
        "\n",
        "- ",
        "&a ",
        "*a",
        "!!",
        "'",
        '"',
        "${",
        "~",
        "null",
        "|",
        "#",
        "\t",
        "0",
        "é",
        "--- ",
        "$.",
    ]
)


def load(files: dict[str, str]) -> tuple[Problem, ...]:
    """The problems that loading these files reports; any other exception is the failure of the test."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_text(text, encoding="utf-8")
        try:
            load_project(Path(folder), environ={"STAGE": "x", "REDSHIFT_HOST": "y"})
        except ConfigError as error:
            return error.problems
    return ()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(FILES)),
    st.lists(st.tuples(st.integers(0, 4000), PIECES, st.integers(0, 12)), min_size=1, max_size=4),
)
def test_a_damaged_reference_project_gives_problems_or_a_project(
    name: str, damages: list[tuple[int, str, int]]
) -> None:
    text = FILES[name]
    for place, piece, cut in damages:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + cut :]

    load({**FILES, name: text})


VALUES = st.recursive(
    st.sampled_from(
        [
            "",
            "a",
            "1",
            "true",
            "none",
            "~",
            "x.y",
            "[]",
            "1%",
            "7 days",
            "$",
            ".",
            "string",
            "decimal(",
            '"q"',
            "embedded",
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["type", "path", "a", "records", "after", "key", "columns"]), inner, max_size=3
        ).map(lambda items: "{" + ", ".join(f"{key}: {value}" for key, value in items.items()) + "}"),
    ),
    max_leaves=6,
)
LINES = {
    name: [n for n, line in enumerate(text.splitlines()) if ": " in line]
    for name, text in FILES.items()
    if name.endswith("yaml")
}


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(sorted(LINES)), st.integers(0, 100), VALUES)
@example("sources/orders.yaml", 1, "{a: 1}")
def test_any_value_under_any_key_gives_problems_or_a_project(name: str, line: int, value: str) -> None:
    lines = FILES[name].splitlines()
    at = LINES[name][line % len(LINES[name])]
    lines[at] = f"{lines[at].partition(': ')[0]}: {value}"

    load({**FILES, name: "\n".join(lines) + "\n"})
