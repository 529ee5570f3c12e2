"""Feeds in the short form of the golden cases: `{columns: {a: bigint}}` and everything a source's YAML can say."""

from __future__ import annotations

from typing import Any

from lakemart.contract.table import Column, Contract, Feed, Limits
from lakemart.contract.types import ColumnType

_FEED_KEYS = ("format", "duplicate_keys", "other")
_TABLE_KEYS = ("unknown_fields", "parent", "route")


def path_of(path: str | list[str] | None) -> tuple[str, ...]:
    """A dotted path, a list of keys, or nothing."""
    if isinstance(path, str):
        return tuple(path.split("."))
    return tuple(path or ())


def column_of(name: str, spec: str | dict[str, Any]) -> Column:
    """`type`, or a mapping of the column's options; the path is the name unless it says otherwise."""
    options = {"type": spec} if isinstance(spec, str) else dict(spec)
    kind = ColumnType.parse(options.pop("type", "date"))
    path = () if "date_of" in options else path_of(options.pop("path", name))
    renamed = {"min": "minimum", "max": "maximum"}
    rest: dict[str, Any] = {renamed.get(key, key): value for key, value in options.items()}
    if "values" in rest:
        rest["values"] = tuple(rest["values"])
    if "redact" in rest:
        rest["redact"] = tuple(path_of(path) for path in rest["redact"])
    return Column(name=name, type=kind, path=path, **rest)


def contract_of(name: str, spec: dict[str, Any]) -> Contract:
    """One table: `columns`, `unknown_fields` (ignore unless said), and of a child `parent` and `explode`."""
    columns = tuple(column_of(column, options) for column, options in spec["columns"].items())
    given = {key: spec[key] for key in _TABLE_KEYS if key in spec}
    explode = path_of(spec.get("explode"))
    return Contract(table=name, columns=columns, explode=explode, **{"unknown_fields": "ignore", **given})


def feed_of(spec: dict[str, Any]) -> Feed:
    """A feed with the table `t` of `columns`, or with `tables`."""
    tables = spec.get("tables") or {"t": spec}
    skip = tuple((path_of(path), tuple(values)) for path, values in spec.get("skip", {}).items())
    given: dict[str, Any] = {key: spec[key] for key in _FEED_KEYS if key in spec}
    return Feed(
        tables=tuple(contract_of(name, table) for name, table in tables.items()),
        records_path=path_of(spec.get("records")),
        skip=skip,
        route=path_of(spec.get("by")),
        limits=Limits(**spec.get("limits", {})),
        **given,
    )
