"""localshift's folders: imports point down only, and nothing of lakemart is known here."""

from __future__ import annotations

import ast
from pathlib import Path

import localshift

ORDER = ("sql", "backend", "queries", "s3", "loading", "unloading", "statements", "catalog", "front")
"""From the bottom up. Modules beside the folders may be imported by all."""

ROOT = Path(localshift.__file__).parent


def imported(module: Path) -> set[str]:
    """What the module imports, as dotted names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
    return found


def test_imports_point_down_only() -> None:
    upward = [
        f"{folder}/{module.name} imports {name}"
        for place, folder in enumerate(ORDER)
        for module in (ROOT / folder).glob("*.py")
        for name in imported(module)
        if name.startswith("localshift.") and name.split(".")[1] in ORDER[place + 1 :]
    ]
    assert upward == []


def test_every_folder_has_its_place_in_the_order() -> None:
    assert {module.parent.name for module in ROOT.glob("*/*.py")} == set(ORDER)


def test_nothing_of_lakemart_is_imported() -> None:
    assert [
        str(module) for module in ROOT.rglob("*.py") if any(n.startswith("lakemart") for n in imported(module))
    ] == []
