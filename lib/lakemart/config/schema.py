"""The JSON Schemas of the three kinds of file, for editors; `conf/schema/` holds them, and a test proves them fresh."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from lakemart.config.model_file import ModelFile
from lakemart.config.project_file import ProjectFile
from lakemart.config.source_file import SourceFile

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ENVIRONMENTS = (
    "Sections laid over the rest, chosen by --env; null takes a key away. In `local` the lake, the staging area and the "
    "warehouse are embedded unless its section says otherwise. `sources` and `models` reach into those files by name."
)


def schemas() -> dict[str, dict[str, Any]]:
    """The schemas by kind: `project`, `source`, `model`."""
    shapes: dict[str, type[BaseModel]] = {"project": ProjectFile, "source": SourceFile, "model": ModelFile}
    made = {kind: _schema(kind, shape) for kind, shape in shapes.items()}
    project = made["project"]
    overlay = {key: _loose(value, project["$defs"]) for key, value in project["properties"].items() if key != "project"}
    overlay |= {kind: {"type": "object", "additionalProperties": {"type": "object"}} for kind in ("sources", "models")}
    project["properties"]["environments"] = {
        "type": "object",
        "description": ENVIRONMENTS,
        "additionalProperties": {"type": ["object", "null"], "properties": overlay, "additionalProperties": False},
        "examples": [{"local": {}, "prod": {"raw": "s3://prod-raw/gharchive"}}],
    }
    # What `local` embeds need not stand at the top, and an environment may name what the top leaves out.
    project["required"] = ["project"]
    return made


def _loose(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema as an overlay has it: nothing is required, because the rest may stand in what it is laid over."""
    if isinstance(schema, list):
        return [_loose(item, definitions) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in schema.items() if k != "$ref"}
    return {key: _loose(value, definitions) for key, value in schema.items() if key != "required"}


def schema_texts() -> dict[str, str]:
    """The files of `conf/schema/` by name, as they must stand there."""
    return {
        f"{kind}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for kind, schema in schemas().items()
    }


def _schema(kind: str, shape: type[BaseModel]) -> dict[str, Any]:
    made = _without_null(shape.model_json_schema(mode="validation"))
    return {
        "$schema": DIALECT,
        "title": f"lakemart {kind}",
        **{key: value for key, value in made.items() if key != "title"},
    }


def _without_null(schema: Any) -> Any:
    """The schema without pydantic's titles and without null, which in our files is never a value."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _without_null(value) for key, value in schema.items() if not (key == "title" and isinstance(value, str))
    }
    if kept.get("default", "") is None:
        del kept["default"]
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        kept.pop("anyOf")
        kept = {**rest[0], **kept} if len(rest) == 1 else {"anyOf": rest, **kept}
    return kept
