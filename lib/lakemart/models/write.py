"""Writes a model's rows inside Spark tasks, by the lake's one Parquet writer, and brings home what was written."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own custom

from lakemart.config.model import Model
from lakemart.engine.tasks import Done, Failed, Guarded, result_of
from lakemart.errors import DataError
from lakemart.lake.actions import AddedFile
from lakemart.lake.spark import drop_slices
from lakemart.lake.write import FileTarget, partition_text, write_files
from lakemart.models.types import ResultColumn, conform
from lakemart.steps import step

_NAMED = 10
"""How many stray slices a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a task wrote: the rows it was given and the files they went to."""

    rows: int
    files: tuple[AddedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceWriter:
    """A task's work: rows in Arrow batches to files, of the slices being rebuilt alone (None: of any)."""

    target: FileTarget
    slices: frozenset[str | None] | None

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Written:
        """Writes all rows. Raises DataError that names the slices when a row belongs to none being rebuilt."""
        counted = _Counted(batches, self)
        files = tuple(write_files(counted, self.target))
        return Written(rows=counted.rows, files=files)

    def check(self, batch: pa.RecordBatch) -> None:
        """Raises DataError when a row's slice is none of those being rebuilt."""
        if self.slices is None or self.target.partition_by is None:
            return
        found = {partition_text(value.as_py()) for value in pc.unique(batch.column(self.target.partition_by))}
        stray = sorted(found - self.slices, key=str)
        if stray:
            raise DataError(
                f"the query gives rows of slices that are not being rebuilt: {', '.join(map(str, stray[:_NAMED]))}",
                next_step="A row's slice must be one of its input rows' slices; declare inputs with `slice: none` otherwise.",
            )


class _Counted:
    """Batches, checked and counted as they pass."""

    def __init__(self, batches: Iterable[pa.RecordBatch], writer: SliceWriter) -> None:
        self._batches = batches
        self._writer = writer
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self._writer.check(batch)
            self.rows += batch.num_rows
            yield batch


def shaped(result: DataFrame, model: Model, *, where: str) -> DataFrame:
    """The result with exactly the declared columns and types, in their order. Raises ConfigError that names what differs."""
    given = [ResultColumn(field.name, field.dataType.simpleString()) for field in result.schema.fields]
    columns = conform(given, model.columns, where=where)
    return result.select(
        *(
            F.col(f"`{name}`").cast(declared.spark).alias(column.name)
            for (name, declared), column in zip(columns, model.columns, strict=True)
        )
    )


def write_result(
    rows: DataFrame, writer: SliceWriter, *, key: tuple[str, ...], ignored: frozenset[str | None], attempts: int
) -> list[Written]:
    """Computes the rows and writes them, each slice in as few files as its size asks for; one item for each task.

    Rows of the slices in `ignored` are left out: they were read only to look back. Spark balances the tasks by the
    real size of the slices (small ones share a task, a large one is split), which no count chosen here would do.
    """
    column = writer.target.partition_by
    kept = drop_slices(rows, column=column, slices=ignored) if column is not None else rows
    balanced = kept.hint("rebalance", column) if column is not None else kept.hint("rebalance")
    order = [name for name in dict.fromkeys((column, *key)) if name is not None]
    if order:
        balanced = balanced.sortWithinPartitions(*order)
    guarded: Guarded[Iterable[pa.RecordBatch], Written] = Guarded(function=writer, attempts=attempts)

    def outcomes(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"outcome": pa.array([pickle.dumps(guarded(batches))], pa.binary())})

    with step("build.files"):
        collected = balanced.mapInArrow(outcomes, "outcome binary").collect()
    found: list[Done[Written] | Failed] = [pickle.loads(row.outcome) for row in collected]  # noqa: S301 - our own tasks wrote it
    return [result_of(outcome) for outcome in found]
