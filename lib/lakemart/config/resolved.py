"""The configuration as it is after all overlays, for `lakemart config`: plain values, secrets as references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from lakemart.config.project import Project
from lakemart.config.source import RejectLimit
from lakemart.contract.types import ColumnType
from lakemart.names import TableName

AS_TEXT = (ColumnType, TableName, Path, Decimal)
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


def resolved(project: Project) -> dict[str, Any]:
    """The whole project as JSON values, in the words of the files: durations as text, types as text.

    Texts of models are left out (they stand in their files); their versions are given instead. `origins` maps dotted
    paths to where each written value came from.
    """
    shown: dict[str, Any] = _plain(project)
    shown["embedded"] = sorted(project.embedded)
    if "warehouse" in project.embedded:
        shown["warehouse"] = "embedded"
    for name, model in project.models.items():
        for key in ("sql", "python_text"):
            shown["models"][name].pop(key, None)
        shown["models"][name]["version"] = model.version
        checks = [{type(check).__name__: _plain(check)} for check in model.checks]
        shown["models"][name]["checks"] = checks
    for name, source in project.sources.items():
        shown["sources"][name]["feed_version"] = source.feed.version
    return shown


def duration_text(value: timedelta) -> str:
    """A duration as the files spell it.

    >>> duration_text(timedelta(days=7)), duration_text(timedelta(seconds=90))
    ('7 days', '90 seconds')
    """
    seconds = int(value.total_seconds())
    size, unit = next(((size, unit) for size, unit in UNITS if seconds and not seconds % size), UNITS[-1])
    count = seconds // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _plain(value: Any) -> Any:
    """A value of ours as JSON values."""
    if isinstance(value, (*AS_TEXT, timedelta)):
        return duration_text(value) if isinstance(value, timedelta) else str(value)
    if isinstance(value, RejectLimit):
        return {"fraction": float(value.fraction), "at_least": value.at_least}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | frozenset | set):
        return [_plain(item) for item in value]
    return value
