"""What a model's files mean, and the Python files that cannot be one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from lakemart.config.load import load_project
from lakemart.config.model import Input, ModelColumn, NotNullCheck, Publish, SqlCheck, UniqueCheck
from lakemart.contract.types import ColumnType
from lakemart.errors import ConfigError
from lakemart.names import TableName

Write = Callable[..., Path]

GOLDEN = Path(__file__).parents[2] / "golden" / "config"
VARIABLES = {"STAGE": "one", "REDSHIFT_HOST": "redshift.example.com"}
DAILY = "model: daily\ninputs: [events]\nslice: day\ncolumns: {day: {type: date}, n: {type: bigint}}\n"
QUERY = "SELECT day, count(*) AS n FROM events GROUP BY day\n"


def test_every_key_of_a_model_arrives_as_a_value() -> None:
    model = load_project(GOLDEN / "reference", environ=VARIABLES).models["revenue"]

    assert model.inputs == {
        "orders": Input(name="orders", slice="order_date", lookback=1),
        "other_clicks": Input(name="other_clicks", slice="day"),
        "page_view": Input(name="page_view", slice=None),
    }
    assert model.columns[0] == ModelColumn(name="order_date", type=ColumnType("date"), description="UTC date")
    assert model.checks == (
        UniqueCheck(("order_date", "state")),
        NotNullCheck(("orders",)),
        SqlCheck("SELECT * FROM revenue WHERE total < 0"),
    )
    assert model.publish == Publish(
        table=TableName("marts", "revenue"),
        mode="merge",
        retain=timedelta(days=90),
        distkey="state",
        sortkey=("order_date", "state"),
        grant_select_to=("analyst", "bi"),
    )


def test_a_model_without_a_slice_reads_its_inputs_whole() -> None:
    model = load_project(GOLDEN / "reference", environ=VARIABLES).models["sessions"]

    assert model.kind == "python"
    assert model.python == GOLDEN / "reference" / "models" / "sessions.py"
    assert {name: read.slice for name, read in model.inputs.items()} == {"page_view": None, "revenue": None}


def test_the_version_follows_the_query_and_columns_and_not_the_words_about_them(project: Write) -> None:
    def version(yaml: str, sql: str) -> str:
        return (
            load_project(project({"models/daily.yaml": yaml, "models/daily.sql": sql}), environ={})
            .models["daily"]
            .version
        )

    first = version(DAILY, QUERY)

    assert version(DAILY + "description: other words\nowner: me\n", QUERY) == first
    assert version(DAILY, QUERY.replace("count(*)", "count(id)")) != first
    assert version(DAILY.replace("bigint", "int"), QUERY) != first


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"daily.py": "def build(inputs):\nreturn 1\n"}, "models/daily.py:2:1: this is not Python"),
        ({"daily.py": "def bild(inputs):\n    return 1\n"}, "models/daily.py:1:1: the function 'build' is missing"),
        (
            {"daily.py": "def build(inputs): ...\n", "daily.sql": QUERY},
            "models/daily.yaml:1:8: both daily.sql and daily.py",
        ),
        ({}, "models/daily.yaml:1:8: neither daily.sql nor daily.py"),
    ],
)
def test_exactly_one_query_or_function_stands_beside_a_model(
    project: Write, files: dict[str, str], problem: str
) -> None:
    folder = project({"models/daily.yaml": DAILY, **{f"models/{name}": text for name, text in files.items()}})

    with pytest.raises(ConfigError) as caught:
        load_project(folder, environ={})

    assert [str(found).startswith(problem) for found in caught.value.problems] == [True]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM events",
        "WITH events AS (SELECT * FROM events) SELECT day, 1 AS n FROM events;\n-- the end",
        "SELECT e.day, n FROM events e LATERAL VIEW explode(array(1)) x AS n",
        "SELECT day, n FROM events, range(3) AS t(n)",
        "(SELECT day, 1 AS n FROM events) UNION ALL SELECT day, 2 FROM EVENTS",
        "SELECT DAY, count(*) FILTER (WHERE id IS NOT NULL) AS N FROM `events` GROUP BY ALL",
        "SELECT n, day FROM (SELECT day, row_number() OVER (PARTITION BY day ORDER BY id) AS n FROM events)",
        "SELECT day, transform(array(1), x -> x + 1)[0] AS n FROM events TABLESAMPLE (10 PERCENT)",
    ],
)
def test_spark_sql_of_every_day_is_accepted(project: Write, query: str) -> None:
    loaded = load_project(project({"models/daily.yaml": DAILY, "models/daily.sql": query}), environ={})

    assert loaded.models["daily"].sql == query
