"""Putting together what the fast path and the reference took of some frames, in order of offset."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from lakemart.contract.table import Contract
from lakemart.decode.fast import Accepted
from lakemart.decode.frames import Frame, Frames
from lakemart.decode.plan import FeedPlan
from lakemart.decode.record import FaultError
from lakemart.decode.reference import Row
from lakemart.decode.result import Counts, Decoded, Reject
from lakemart.decode.tables import Census, batch_of, rejects_of
from lakemart.decode.unknown import pointer


class Pieces:
    """The rows of one piece as they come: the fast path's all at once, the reference's record by record."""

    def __init__(self, plan: FeedPlan, taken: Accepted) -> None:
        self.rejects: list[Reject] = []
        self.filtered = 0
        self._plan = plan
        self._taken = taken
        self._good = len(taken.rows)
        self._children = 0
        self._indices: list[int] = []
        self._rows: dict[str, list[tuple[object, ...]]] = {contract.table: [] for contract in plan.feed.tables}
        self._offsets: dict[str, list[int]] = {contract.table: [] for contract in plan.feed.tables}
        self._unknown: list[tuple[int, str, str, str]] = [
            (index, plan.main.contract.table, path, kind)
            for index, fields in taken.unknown.items()
            for path, kind in fields
        ]

    def add(self, index: int, offset: int, rows: list[Row]) -> None:
        """Takes the rows of one record, the frame with this index."""
        self._good += 1
        self._children += len(rows) - 1
        self._indices.append(index)
        for row in rows:
            self._rows[row.table].append(row.values)
            self._offsets[row.table].append(offset)
            self._unknown += [(index, row.table, pointer(field.path), field.type) for field in row.unknown]

    def decoded(self, frames: Frames) -> Decoded:
        """Everything taken, as one value."""
        census = Census()
        for index, table, path, kind in sorted(self._unknown, key=lambda entry: entry[0]):
            census.add(table, path, kind, frames.frames[index].offset)
        batches = {contract.table: self._batch(contract, frames) for contract in self._plan.feed.tables}
        counts = Counts(
            records=len(frames.frames),
            good=self._good,
            quarantined=len(self.rejects),
            filtered=self.filtered,
            blank=frames.blank,
            child_rows=self._children,
        )
        return Decoded(rows=batches, rejects=rejects_of(self.rejects), census=census.batch(), counts=counts)

    def _batch(self, contract: Contract, frames: Frames) -> pa.RecordBatch:
        slow = batch_of(contract, self._rows[contract.table], self._offsets[contract.table])
        if not self._taken.rows:
            return slow
        offsets = pa.array([frames.frames[index].offset for index in self._taken.rows], pa.int64())
        fast = pa.RecordBatch.from_arrays([*self._taken.arrays, offsets], schema=slow.schema)
        if not slow.num_rows:
            return fast
        both = pa.concat_batches([fast, slow])
        indices = [*self._taken.rows, *self._indices]
        return both.take(pa.array(sorted(range(len(indices)), key=indices.__getitem__), pa.int64()))


def rejected(frame: Frame, number: int, fault: FaultError, plan: FeedPlan) -> Reject:
    """The reject of one record."""
    return Reject(
        offset=frame.offset,
        length=frame.length,
        record=number,
        table=fault.table or plan.main.contract.table,
        reason=fault.reason,
        column=fault.column,
        message=fault.message,
        raw=frame.raw,
    )


def joined(pieces: Iterable[Decoded]) -> Decoded:
    """Consecutive pieces of one object as one."""
    first, *others = pieces
    if not others:
        return first
    counts, census = first.counts, Census()
    for piece in others:
        counts = counts.plus(piece.counts)
    for piece in (first, *others):
        for entry in piece.census.to_pylist():
            census.add(entry["table"], entry["path"], entry["type"], entry["first_offset"], entry["count"])
    return Decoded(
        rows={name: pa.concat_batches([piece.rows[name] for piece in (first, *others)]) for name in first.rows},
        rejects=pa.concat_batches([piece.rejects for piece in (first, *others)]),
        census=census.batch(),
        counts=counts,
    )
