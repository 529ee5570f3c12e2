"""Computes the slices of a model that a plan names, and writes their files. Nothing of it is visible before a commit."""

from __future__ import annotations

from dataclasses import dataclass

from lakemart.engine.failures import Python, spoken
from lakemart.engine.runner import Engine
from lakemart.errors import InternalError
from lakemart.lake.actions import AddedFile
from lakemart.lake.write import FileTarget
from lakemart.models.audit import Failure, failures
from lakemart.models.order import Order, place_of, table_schema
from lakemart.models.query import open_views, run_model
from lakemart.models.write import SliceWriter, shaped, write_result


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was built: rows, the files that hold them, and the checks that failed."""

    rows: int
    files: tuple[AddedFile, ...]
    failures: tuple[Failure, ...]


def build(engine: Engine, order: Order) -> Built:
    """Reads, computes, writes and audits. A re-run writes other files; those of this run are orphans until committed.

    Raises ConfigError for a query or check that is wrong, DataError for values or slices it cannot stand, GoneError
    when an input is no longer readable.
    """
    model = order.model
    root = order.lake.child(model.name)
    spark = engine.isolated()
    with engine.described(f"build {model.name}, number {order.number}"):
        frames = open_views(spark, order.lake, order.views)
        rows = shaped(run_model(spark, model, frames), model, where=place_of(model))
        target = FileTarget(root=root, schema=table_schema(model), partition_by=model.slice, number=order.number)
        python: Python = "the project's" if model.kind == "python" else "ours"
        with spoken(f"model {model.name!r} cannot be built", where=place_of(model), python=python):
            parts = write_result(
                rows,
                SliceWriter(target=target, slices=order.slices),
                key=model.key,
                ignored=order.only_read,
                attempts=engine.attempts,
            )
        files = tuple(sorted((file for part in parts for file in part.files), key=lambda file: file.path))
        count = sum(part.rows for part in parts)
        if count != sum(file.rows for file in files):
            raise InternalError(
                f"model {model.name!r}: {count} rows were computed, {sum(f.rows for f in files)} written"
            )
        return Built(rows=count, files=files, failures=tuple(failures(spark, model, root, files)))
