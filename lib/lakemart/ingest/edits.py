"""Rows that leave a table, or change their mark, by rewriting the files that hold them: copy on write.

An object's rows all go when it is replaced or read again; single records go when they move elsewhere; quarantined
records get the number that resolved them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakemart.lake.actions import AddedFile
from lakemart.lake.read import read_files
from lakemart.lake.write import FileTarget, PartitionedFiles
from lakemart.steps import step

Positions = Mapping[str, Collection[int]]
"""Records by their object's key and their offsets in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditTask:
    """Files of one table that may hold rows to go or to be marked, and which rows those are. Picklable.

    `place` names the table's columns for object and offset.
    """

    target: FileTarget
    files: tuple[AddedFile, ...]
    place: tuple[str, str]
    gone: frozenset[str] = frozenset()
    moved: Positions = field(default_factory=dict)
    resolved: Positions = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReport:
    """The files that were rewritten, what they became, and what came out: rows of objects that are gone, by object.

    Of a quarantine only open rows are counted there, for the others stand in the books as what they became; `rows` is
    the number of all that came out.
    """

    removes: tuple[AddedFile, ...]
    adds: tuple[AddedFile, ...]
    rows: int
    out: Mapping[str, int]
    marked: int


def edit_files(task: EditTask) -> EditReport:
    """Rewrites the files that hold such rows; the others are left alone."""
    removes: list[AddedFile] = []
    out: dict[str, int] = {}
    rows = marked = 0
    with step("ingest.files"):
        files = PartitionedFiles(task.target)
        for file in task.files:
            table = next(read_files(task.target.root, [file], task.target.schema))
            going = _going(task, table)
            marks = _positions(table, task.place, task.resolved) & ~going
            if not going.any() and not marks.any():
                continue
            removes.append(file)
            rows += int(going.sum())
            marked += int(marks.sum())
            _count(table.filter(pa.array(going)), task, out)
            staying = _marked(table, marks, task.target.number).filter(pa.array(~going))
            for batch in staying.combine_chunks().to_batches():
                files.add(batch)
        adds = files.close()
    return EditReport(removes=tuple(removes), adds=tuple(adds), rows=rows, out=out, marked=marked)


def _going(task: EditTask, table: pa.Table) -> np.ndarray:
    objects = table.column(task.place[0])
    whole: np.ndarray = pc.is_in(objects, pa.array(sorted(task.gone), pa.string())).to_numpy()
    going: np.ndarray = whole | _positions(table, task.place, task.moved)
    return going


def _positions(table: pa.Table, place: tuple[str, str], wanted: Positions) -> np.ndarray:
    mask = np.zeros(table.num_rows, dtype=bool)
    objects = table.column(place[0])
    offsets = table.column(place[1]).to_numpy()
    for key in set(pc.unique(objects).to_pylist()) & wanted.keys():
        mask |= pc.equal(objects, key).to_numpy() & np.isin(offsets, np.array(list(wanted[key]), dtype=np.int64))
    return mask


def _marked(table: pa.Table, marks: np.ndarray, number: int) -> pa.Table:
    index = table.schema.get_field_index("resolved_by")
    if index < 0 or not marks.any():
        return table
    by = pc.if_else(pa.array(marks), pa.scalar(number, pa.int64()), table.column("resolved_by"))
    return table.set_column(index, table.schema.field(index), by)


def _count(going: pa.Table, task: EditTask, out: dict[str, int]) -> None:
    """Adds the rows of objects that are gone, without rejects that were resolved before."""
    rows = going.filter(pc.is_in(going.column(task.place[0]), pa.array(sorted(task.gone), pa.string())))
    if "resolved_by" in rows.column_names:
        rows = rows.filter(pc.is_null(rows.column("resolved_by")))
    for item in pc.value_counts(rows.column(task.place[0])).to_pylist():
        out[item["values"]] = out.get(item["values"], 0) + item["counts"]


def merged_positions(moves: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """Records gathered by object."""
    found: dict[str, list[int]] = {}
    for key, offset in moves:
        found.setdefault(key, []).append(offset)
    return found
