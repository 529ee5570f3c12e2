"""Compares a mart in the warehouse with its lake table, slice by slice, by one fingerprint computed on both sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from lakemart.config.model import Model
from lakemart.config.project import Warehouse
from lakemart.lake.read import Snapshot, read_files, snapshot
from lakemart.lake.write import partition_text
from lakemart.ledger import records
from lakemart.publish import fingerprint
from lakemart.publish.client import Opener, Session, connect
from lakemart.publish.due import standing_version
from lakemart.publish.fingerprint import Fingerprint
from lakemart.publish.mart import Mart, MartColumn, is_super
from lakemart.publish.preflight import structure_faults
from lakemart.publish.prepare import describe
from lakemart.publish.statements import Fingerprint as ReadFingerprint
from lakemart.publish.warehouse import Tag, WarehouseTarget, app_version
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location

CLOSE = 1e-9
"""How far sums of doubles may differ, relative to their size: the order of adding is nobody's to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One slice that differs. `differing` says of each part of the fingerprint what lake and warehouse hold."""

    slice: str | None
    differing: dict[str, tuple[Any, Any]]

    def __str__(self) -> str:
        parts = ", ".join(
            f"{name}: lake {lake}, warehouse {warehouse}" for name, (lake, warehouse) in self.differing.items()
        )
        return f"slice {self.slice}: {parts}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MartVerdict:
    """What comparing a mart found. `rows` are the lake's at the published version; no findings: the mart equals it."""

    rows: int
    findings: tuple[str, ...]
    drift: tuple[Drift, ...] = ()


def verify_mart(  # noqa: PLR0913 - what a run is, by name
    model: Model,
    *,
    project: str,
    lake: Location,
    warehouse: Callable[[], Warehouse],
    run: str,
    user: str,
    opener: Opener | None = None,
) -> MartVerdict:
    """Compares every slice of the mart with the lake table at the version last published. Changes nothing.

    A mart that was never published is equal to nothing. Raises what reading lake and warehouse raises.
    """
    store = open_store(lake)
    last = records.last_committed(store, f"mart/{model.name}")
    if last is None or last.done is None:
        return MartVerdict(rows=0, findings=())
    mart = Mart.from_json(last.done["mart"])
    found = snapshot(lake, mart.model, standing_version(store, last.done))
    if found is None:
        return MartVerdict(rows=0, findings=(f"the lake has no table {mart.model!r}",))
    if opener is None:
        tag = Tag(version=app_version(), project=project, model=model.name, run=run, user=user)
        opener = partial(connect, WarehouseTarget.of(warehouse()), tag)
    with closing(opener()) as session:
        live = describe(session, mart)
        if live is None:
            return MartVerdict(rows=found.rows, findings=(f"the warehouse has no table {mart.table}",))
        lacking = structure_faults(
            mart.table, tuple(sorted(mart.columns, key=lambda c: c.name)), tuple(sorted(live, key=lambda c: c.name))
        )
        if lacking:
            return MartVerdict(rows=found.rows, findings=tuple(map(str, lacking)))
        there = in_warehouse(session, mart)
    here = in_lake(lake, found, mart)
    drift = compare(_retained(here, there, last.done.get("retained_before")), there)
    return MartVerdict(rows=found.rows, findings=tuple(map(str, drift)), drift=drift)


def _retained(
    lake: dict[str | None, Fingerprint], warehouse: dict[str | None, Fingerprint], before: str | None
) -> dict[str | None, Fingerprint]:
    """The lake's slices without those that `retain` took out; one that came back since is compared like any other."""
    return {
        value: found
        for value, found in lake.items()
        if before is None or value is None or value >= before or value in warehouse
    }


def in_warehouse(session: Session, mart: Mart) -> dict[str | None, Fingerprint]:
    """The fingerprint of each slice the warehouse holds; of a mart without slices one, under None."""
    column = mart.column(mart.slice) if mart.slice is not None else None
    measures = _measures(mart)
    statement = ReadFingerprint(
        table=mart.table, slice=column, only=None, key=fingerprint.hashed(mart), measures=measures
    )
    rows = session.execute(statement)
    if column is None:
        return {None: fingerprint.from_row(rows[0], measures)}
    return {_slice_text(row[0], column): fingerprint.from_row(row[1:], measures) for row in rows}


def in_lake(lake: Location, found: Snapshot, mart: Mart) -> dict[str | None, Fingerprint]:
    """The fingerprint of each slice the lake table holds. Memory: one data file."""
    key, measures = fingerprint.hashed(mart), _measures(mart)
    names = list(dict.fromkeys([*(c.name for c in mart.columns if not is_super(c.type)), *(c.name for c in measures)]))
    whole: dict[str | None, Fingerprint] = {}
    if found.partition_by is None:
        whole[None] = fingerprint.of_table(found.schema.empty_table(), key, measures)
    tables = read_files(lake.child(found.table), found.files, found.schema, columns=names)
    for file, table in zip(found.files, tables, strict=True):
        value = file.partition[found.partition_by] if found.partition_by is not None else None
        one = fingerprint.of_table(table, key, measures)
        whole[value] = fingerprint.merged(whole[value], one) if value in whole else one
    return whole


def compare(lake: dict[str | None, Fingerprint], warehouse: dict[str | None, Fingerprint]) -> tuple[Drift, ...]:
    """The slices that differ, those one side lacks among them, in order."""
    drift = []
    for value in sorted({*lake, *warehouse}, key=lambda value: (value is not None, value or "")):
        here, there = lake.get(value), warehouse.get(value)
        if here is None or there is None:
            rows = ((here or {"rows": 0})["rows"], (there or {"rows": 0})["rows"])
            differing = {"rows": rows} if rows[0] != rows[1] else {}
        else:
            differing = {name: (here[name], there[name]) for name in here if not _equal(here[name], there[name])}
        if differing:
            drift.append(Drift(slice=value, differing=differing))
    return tuple(drift)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) or isinstance(other, float):
        if one is None or other is None:
            return one is other
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=CLOSE, abs_tol=CLOSE)
    return bool(one == other)


def _measures(mart: Mart) -> tuple[MartColumn, ...]:
    return tuple(column for column in mart.columns if column.name != mart.slice)


def _slice_text(value: Any, column: MartColumn) -> str | None:
    """A slice the warehouse answered, as Delta's log writes it."""
    if column.type.kind in {"timestamp", "timestamptz"} and value is not None and value.tzinfo is None:
        return f"{value}+00:00"
    if column.type.kind == "decimal" and value is not None:
        return f"{value:.{column.type.scale}f}"
    return partition_text(value)
