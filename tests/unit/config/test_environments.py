"""Environment sections, LAKEMART__ variables and --set: what is laid over what, and what is embedded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from lakemart.config.load import load_project
from lakemart.config.project import Project
from lakemart.errors import ConfigError

Write = Callable[..., Path]

WITH_WAREHOUSE = """
project: shop
raw: s3://shop-raw/a/
lake: s3://shop-lake/b
staging: s3://shop-staging/c
warehouse:
  host: ${HOST}
  database: analytics
  user: loader
  password: secret://env/PASSWORD
  iam_role: arn:aws:iam::123456789012:role/copy
engine: {task_size: 1 MB, inline_below: 2 MB}
environments:
  prod:
    warehouse: {host: prod.example.com}
    lease: {ttl: 2m}
  mixed: {warehouse: embedded, staging: embedded}
  unlike: {raw: "${UNSET}"}
"""


def problems(folder: Path, **given: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_project(folder, environ=given.pop("environ", {}), **given)  # type: ignore[arg-type]
    return [str(problem) for problem in caught.value.problems]


def test_local_embeds_lake_staging_and_warehouse_and_never_asks_for_their_variables(project: Write) -> None:
    folder = project({"project.yaml": WITH_WAREHOUSE})

    loaded = load_project(folder, environ={})

    assert loaded.env == "local"
    assert loaded.state == folder / ".lakemart"
    assert loaded.lake == str(folder / ".lakemart" / "lake")
    assert loaded.staging == "s3://lakemart-staging/shop"
    assert loaded.warehouse is None
    assert loaded.raw == "s3://shop-raw/a"
    assert loaded.embedded == {"raw", "staging", "warehouse"}
    assert loaded.embedded_buckets == {"shop-raw", "lakemart-staging"}


def test_a_variable_that_the_chosen_environment_replaces_need_not_be_set(project: Write) -> None:
    loaded = load_project(project({"project.yaml": WITH_WAREHOUSE}), env="prod", environ={})

    assert loaded.warehouse is not None
    assert (loaded.warehouse.host, loaded.warehouse.port) == ("prod.example.com", 5439)
    assert loaded.lease.ttl == timedelta(minutes=2)
    assert loaded.embedded == frozenset()


def test_a_variable_that_is_needed_and_not_set_is_named_at_its_place(project: Write) -> None:
    found = problems(project({"project.yaml": WITH_WAREHOUSE}), env="unlike")

    assert found == [
        "project.yaml:7:9: the environment variable HOST is not set (export HOST, or give the key by --set)",
        "project.yaml:18:17: the environment variable UNSET is not set (export UNSET, or give the key by --set)",
    ]


def test_another_environment_may_embed_the_warehouse_and_staging_by_word(project: Write) -> None:
    loaded = load_project(project({"project.yaml": WITH_WAREHOUSE}), env="mixed", environ={})

    assert loaded.embedded == {"staging", "warehouse"}
    assert (loaded.raw, loaded.lake) == ("s3://shop-raw/a", "s3://shop-lake/b")


def test_the_local_section_may_give_everything_a_real_place(project: Write) -> None:
    text = "project: shop\nraw: r\nlake: s3://base/l\ns3: {region: eu-central-1}\nenvironments:\n  local: {lake: s3://mine/l, s3: {endpoint_url: http://x}}\n"

    loaded = load_project(project({"project.yaml": text}), environ={})

    assert loaded.lake == "s3://mine/l"
    assert loaded.s3 is not None
    assert loaded.s3.endpoint_url == "http://x"
    assert loaded.s3.region is None, "the base's endpoint does not count in local"
    assert loaded.embedded == {"staging", "warehouse"}


def test_a_lake_on_s3_in_local_without_an_endpoint_is_on_the_embedded_server(project: Write) -> None:
    loaded = load_project(project(), settings=["lake=s3://lake/x", "raw=s3://raw/y"], environ={})

    assert loaded.embedded == {"raw", "lake", "staging", "warehouse"}


def test_the_later_layer_wins_file_then_section_then_variable_then_set(project: Write) -> None:
    folder = project({"project.yaml": WITH_WAREHOUSE})
    variables = {"LAKEMART__engine__task_size": "3 MB", "LAKEMART__ENGINE__INLINE_BELOW": "4 MB", "HOST": "h"}

    by_variable = load_project(folder, environ=variables)
    by_set = load_project(folder, settings=["engine.task_size=5 MB", "engine.task_size=6 MB"], environ=variables)

    assert (by_variable.engine.task_size, by_variable.engine.inline_below) == (3_000_000, 4_000_000)
    assert (by_set.engine.task_size, by_set.engine.inline_below) == (6_000_000, 4_000_000)


def test_a_setting_reaches_into_sources_and_models(project: Write) -> None:
    folder = project(
        {
            "models/daily.yaml": "model: daily\ninputs: [events]\ncolumns: {id: {type: varchar(9)}}\npublish: {table: marts.daily}\n",
            "models/daily.sql": "SELECT id FROM events",
        }
    )
    settings = ["sources.events.reject_limit=2%", "models.daily.publish.table=other.daily"]

    loaded = load_project(folder, settings=settings, environ={})

    assert loaded.sources["events"].reject_limit.fraction == Decimal("0.02")
    assert str(loaded.marts["daily"].publish.table) == "other.daily"  # type: ignore[union-attr]


def test_an_override_of_zero_or_false_counts(project: Write) -> None:
    loaded = load_project(project(), settings=["sources.events.reject_limit=0"], environ={})

    assert loaded.sources["events"].reject_limit.allowed(1_000_000) == 0


def test_null_in_an_overlay_takes_a_key_away(project: Write) -> None:
    loaded = load_project(project(), settings=["sources.events.partition_by=null"], environ={})

    assert loaded.sources["events"].feed.tables[0].partition_by is None


def test_a_spark_setting_keeps_its_dots_and_a_quoted_key_may_hold_some(project: Write) -> None:
    settings = ["engine.spark.spark.sql.shuffle.partitions=3", 'sources.events.skip."a.b"=[x]']

    loaded = load_project(project(), settings=settings, environ={})

    assert loaded.engine.spark == {"spark.sql.shuffle.partitions": "3"}
    assert loaded.sources["events"].feed.skip == ((("a", "b"), ("x",)),)


def test_relative_paths_are_the_projects_in_files_and_the_callers_on_the_command_line(
    project: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = project()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    in_file = load_project(folder, environ={})
    by_set = load_project(folder, settings=["raw=data"], state=Path("s"), environ={})
    by_variable = load_project(folder, environ={"LAKEMART__raw": "vars", "LAKEMART__state": "t"})

    assert in_file.raw == str(folder / "raw")
    assert by_set.raw == str(tmp_path / "elsewhere" / "data")
    assert by_set.state == tmp_path / "elsewhere" / "s"
    assert by_set.lake == str(tmp_path / "elsewhere" / "s" / "lake")
    assert by_variable.raw == str(tmp_path / "elsewhere" / "vars")
    assert by_variable.state == tmp_path / "elsewhere" / "t"


def test_a_doubled_dollar_stands_for_itself(project: Write) -> None:
    text = "source: events\ndescription: costs $${x} and $5\ncolumns: {id: {type: string}}\n"

    loaded = load_project(project({"sources/events.yaml": text}), environ={})

    assert loaded.sources["events"].description == "costs ${x} and $5"


def test_a_variable_may_hold_a_number_and_is_never_read_as_yaml(project: Write) -> None:
    text = "project: shop\nraw: ${RAW}\nlake: lake\nlease: {ttl: '${TTL}'}\n"

    loaded = load_project(project({"project.yaml": text}), environ={"RAW": "/a: [b", "TTL": "5m"})

    assert loaded.raw == "/a: [b"
    assert loaded.lease.ttl == timedelta(minutes=5)


def test_an_environment_that_was_not_chosen_is_checked_too_but_its_variables_are_not_asked_for(project: Write) -> None:
    text = "project: shop\nraw: raw\nlake: lake\nenvironments:\n  prod: {lease: {ttl: '${UNSET}'}, lke: x}\n"

    found = problems(project({"project.yaml": text}))

    assert found == ["project.yaml:5:36: unknown key 'lke' (did you mean 'lake'?)"]


def test_origins_say_where_each_value_came_from(project: Write) -> None:
    loaded = load_project(project(), settings=["raw=x"], environ={"LAKEMART__lease__ttl": "9s"})

    assert loaded.origins["project"] == "project.yaml:1:10"
    assert loaded.origins["raw"] == "--set raw"
    assert loaded.origins["lease.ttl"] == "LAKEMART__lease__ttl"
    assert loaded.origins["lake"] == "the environment local"
    assert loaded.origins["sources.events.columns.id.type"] == "sources/events.yaml:3:22"


def test_a_folder_without_a_project_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no folder at .*absent.*lakemart new project"):
        load_project(tmp_path / "absent", environ={})
    with pytest.raises(ConfigError, match=r"there is no project\.yaml at"):
        load_project(tmp_path, environ={})


def test_the_same_files_give_an_equal_project(project: Write) -> None:
    folder = project()

    first: Project = load_project(folder, environ={})

    assert first == load_project(folder, environ={})
