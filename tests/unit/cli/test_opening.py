from __future__ import annotations

import re
from pathlib import Path

import pytest

from lakemart.cli.opening import new_run, project_folder
from lakemart.errors import ConfigError


def project(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text("project: x\n")
    return folder


def test_the_folder_given_is_taken(tmp_path: Path) -> None:
    given = project(tmp_path / "elsewhere")

    assert project_folder(given, tmp_path) == given


def test_a_folder_given_without_a_project_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no project\.yaml in '/nowhere'"):
        project_folder(Path("/nowhere"), project(tmp_path))


def test_the_current_folder_wins_over_conf(tmp_path: Path) -> None:
    project(tmp_path / "conf" / "one")

    assert project_folder(None, project(tmp_path)) == tmp_path


def test_the_only_project_under_conf_is_taken(tmp_path: Path) -> None:
    (tmp_path / "conf" / "schema").mkdir(parents=True)

    assert project_folder(None, project(tmp_path / "conf" / "one").parents[1]) == tmp_path / "conf" / "one"


def test_several_projects_under_conf_are_named(tmp_path: Path) -> None:
    project(tmp_path / "conf" / "one")
    project(tmp_path / "conf" / "two")

    with pytest.raises(ConfigError, match="2 projects here: conf/one, conf/two"):
        project_folder(None, tmp_path)


def test_no_project_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no project here") as caught:
        project_folder(None, tmp_path)
    assert "--project DIR" in caught.value.next_step


def test_a_run_id_tells_the_time_and_is_short_and_unique() -> None:
    one, other = new_run(), new_run()

    assert re.fullmatch(r"\d{8}t\d{6}-[0-9a-f]{6}", one.id)
    assert len(one.id) <= 22
    assert one.id != other.id
