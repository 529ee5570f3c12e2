"""The JSON Schemas are those of the shapes, and say about every key what it means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakemart.config.schema import schema_texts, schemas

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "config"


@pytest.mark.parametrize("name", sorted(schema_texts()))
def test_the_schemas_in_conf_are_fresh(name: str) -> None:
    assert (ROOT / "conf" / "schema" / name).read_text() == schema_texts()[name], "write them again by lakemart schema"


def keys(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, value in schema.get("properties", {}).items():
        yield f"{path}.{name}", value
    for name, value in schema.get("$defs", {}).items():
        yield from keys(value, name)


@pytest.mark.parametrize("kind", ["project", "source", "model"])
def test_every_key_has_a_description(kind: str) -> None:
    assert [path for path, value in keys(schemas()[kind]) if not value.get("description")] == []


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("project", ["project.yaml"]),
        ("source", ["sources/orders.yaml", "sources/clicks.yaml"]),
        ("model", ["models/revenue.yaml"]),
    ],
)
def test_the_reference_project_uses_every_key(kind: str, files: list[str]) -> None:
    def used(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            yield from (str(key) for key in value)
            for item in value.values():
                yield from used(item)
        elif isinstance(value, list):
            for item in value:
                yield from used(item)

    written = {key for file in files for key in used(yaml.safe_load((GOLDEN / "reference" / file).read_text()))}
    known = {path.rpartition(".")[2] for path, _ in keys(schemas()[kind])}

    # A cluster and a workgroup exclude each other; the reference names the other one in a comment.
    assert known - written - {"cluster"} == set()


@pytest.mark.parametrize("kind", ["project", "source", "model"])
def test_no_key_may_be_null_and_none_is_unknown(kind: str) -> None:
    schema = schemas()[kind]

    assert schema["additionalProperties"] is False
    nulls = [path for path, value in keys(schema) if {"type": "null"} in value.get("anyOf", [])]
    assert nulls == []
