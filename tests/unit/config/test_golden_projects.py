"""The example projects and the faulty ones under tests/golden/config: what is read, and every problem at its place.

`LAKEMART_GOLDEN=rewrite` writes what comes out as the expectation; the diff is then the review.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lakemart.config.load import load_project
from lakemart.config.project import Project
from lakemart.config.resolved import resolved
from lakemart.errors import ConfigError

GOLDEN = Path(__file__).parents[2] / "golden" / "config"
ERRORS = GOLDEN / "errors"
VARIABLES = {"STAGE": "one", "REDSHIFT_HOST": "redshift.example.com"}
pytestmark = pytest.mark.golden


def loaded(case: Path) -> Project:
    """The project of a case under the environment, variables and settings of its `arguments.txt`."""
    arguments = case / "arguments.txt"
    lines = [line.split(" ", 1) for line in arguments.read_text().splitlines()] if arguments.exists() else []
    env = next((value for word, value in lines if word == "env"), "local")
    variables = dict(value.split("=", 1) for word, value in lines if word == "variable")
    return load_project(case, env=env, settings=[value for word, value in lines if word == "set"], environ=variables)


def agrees(found: str, file: Path) -> bool:
    if os.environ.get("LAKEMART_GOLDEN") == "rewrite":
        file.write_text(found)
    return found == file.read_text()


def portable(value: Any, folder: Path) -> Any:
    """The value with the project's folder written as `PROJECT`."""
    return json.loads(json.dumps(value).replace(str(folder), "PROJECT"))


@pytest.mark.parametrize("case", sorted(path.name for path in ERRORS.iterdir()))
def test_every_problem_of_a_faulty_project_is_reported_at_its_place_with_what_to_write_instead(case: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(ERRORS / case)

    found = "".join(f"{problem}\n" for problem in caught.value.problems)
    assert agrees(found, ERRORS / case / "expected.txt"), found


@pytest.mark.parametrize(("name", "env"), [("minimal", "local"), ("reference", "local"), ("reference", "prod")])
def test_the_example_projects_resolve_to_the_expected_values(name: str, env: str) -> None:
    folder = GOLDEN / name

    shown = portable(resolved(load_project(folder, env=env, environ=VARIABLES)), folder)

    assert agrees(json.dumps(shown, indent=2, ensure_ascii=False) + "\n", folder / f"expected.{env}.json")


@pytest.mark.parametrize("case", sorted(path.name for path in ERRORS.iterdir()))
def test_no_problem_repeats_a_secret(case: str) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(ERRORS / case)

    assert "hunter2" not in str(caught.value)
