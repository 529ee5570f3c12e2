"""One chunk of lines as the native decoder gave it, joined with what the reference made of the records it handed back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from lakemart.decode.frames import Frame
from lakemart.decode.native_late import settled
from lakemart.decode.native_plan import is_unread, kept_columns
from lakemart.decode.pieces import rejected
from lakemart.decode.plan import FeedPlan
from lakemart.decode.record import FaultError
from lakemart.decode.reference import decode_record
from lakemart.decode.result import REJECTS, Counts, Decoded, Keys, Reject, keys_schema
from lakemart.decode.tables import Census, batch_of, rejects_of
from lakemart.decode.unknown import pointer


def piece_of(lines: Any, plan: FeedPlan, record: int) -> Decoded:
    """The rows, rejects and counts of a chunk; `record` is the number of its first. Raises RuntimeError when the extension fails."""
    contract = plan.main.contract
    shape = _shape(plan, None)
    found, rows = _taken(lines, plan, record, shape)
    slow = _slow(found["left"], plan)
    if slow.rows:
        rows = _in_order(rows, batch_of(contract, slow.rows, slow.offsets), "_offset")
    rejects = imported(found["rejects"], REJECTS)
    return Decoded(
        rows={contract.table: rows},
        rejects=_in_order(rejects, rejects_of(slow.rejects), "offset") if slow.rejects else rejects,
        census=_census(found["census"], slow.unknown, contract.table),
        counts=_counts(found, slow),
    )


def with_rejects(piece: Decoded, rejects: list[Reject]) -> Decoded:
    """The piece with rejects that the framing made."""
    if not rejects:
        return piece
    more = Counts(records=len(rejects), quarantined=len(rejects))
    return replace(
        piece,
        rejects=_in_order(piece.rejects, rejects_of(rejects), "offset"),
        counts=piece.counts.plus(more),
    )


def keys_of(lines: Any, plan: FeedPlan, wanted: tuple[str, ...], record: int) -> Keys:
    """The columns `wanted` of a chunk's good records; otherwise as `piece_of`."""
    contract = plan.main.contract
    shape = _shape(plan, wanted)
    found, rows = _taken(lines, plan, record, shape)
    slow = _slow(found["left"], plan)
    if slow.rows:
        decoded = batch_of(contract, slow.rows, slow.offsets)
        arrays = [*(decoded.column(name) for name in (*wanted, "_offset")), pa.array(slow.numbers, pa.int64())]
        rows = _in_order(rows, pa.RecordBatch.from_arrays(arrays, schema=shape.wanted), "_offset")
    return Keys(rows={contract.table: rows}, counts=_counts(found, slow))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """The schema in which the extension gives rows, and the one that is wanted."""

    given: pa.Schema
    wanted: pa.Schema


@lru_cache(maxsize=64)
def _shape(plan: FeedPlan, wanted: tuple[str, ...] | None) -> _Shape:
    contract = plan.main.contract
    kept = None if wanted is None else kept_columns(plan, wanted)
    result = contract.schema if wanted is None else keys_schema(contract.schema, wanted)
    own = [
        pa.field(c.column.name, pa.string() if is_unread(c, plan.main) else c.column.type.arrow)
        for c in plan.main.columns
        if kept is None or c.column.name in kept
    ]
    beside = [result.field(name) for name in ("_extra", "_record") if name in result.names]
    return _Shape(given=pa.schema([*own, *beside, result.field("_offset")]), wanted=result)


def _taken(lines: Any, plan: FeedPlan, record: int, shape: _Shape) -> tuple[dict[str, Any], pa.RecordBatch]:
    """What the extension gave, and its rows, less those that a column refuses afterwards: these are handed back too."""
    found = lines.decode(record, [])
    columns, refused = settled(imported(found["rows"], shape.given), plan)
    if refused:
        found = lines.decode(record, refused)
        columns, _ = settled(imported(found["rows"], shape.given), plan)
    return found, pa.RecordBatch.from_arrays([columns[name] for name in shape.wanted.names], schema=shape.wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slow:
    """What the reference makes of the records that were handed back; rows are of one table, each with offset and number."""

    rows: list[tuple[object, ...]]
    offsets: list[int]
    numbers: list[int]
    unknown: list[tuple[int, str, str, int]]
    rejects: list[Reject]
    filtered: int


def _slow(left: list[tuple[int, int, bytes]], plan: FeedPlan) -> _Slow:
    rows: list[tuple[object, ...]] = []
    offsets: list[int] = []
    numbers: list[int] = []
    unknown: list[tuple[int, str, str, int]] = []
    rejects: list[Reject] = []
    filtered = 0
    for number, offset, raw in left:
        try:
            decoded = decode_record(raw, plan)
        except FaultError as fault:
            rejects.append(rejected(Frame(offset, len(raw), raw), number, fault, plan))
            continue
        filtered += decoded is None
        for row in decoded or ():
            rows.append(row.values)
            offsets.append(offset)
            numbers.append(number)
            unknown += [(offset, pointer(field.path), field.type, 1) for field in row.unknown]
    return _Slow(rows=rows, offsets=offsets, numbers=numbers, unknown=unknown, rejects=rejects, filtered=filtered)


def _counts(found: dict[str, Any], slow: _Slow) -> Counts:
    return Counts(
        records=found["records"],
        good=found["good"] + len(slow.rows),
        quarantined=found["quarantined"] + len(slow.rejects),
        filtered=found["filtered"] + slow.filtered,
        blank=found["blank"],
    )


def _census(fast: list[tuple[int, str, str, int]], slow: list[tuple[int, str, str, int]], table: str) -> pa.RecordBatch:
    """Both parts in order of their first records; each is in the order of appearance already."""
    census = Census()
    for offset, path, kind, count in sorted([*fast, *slow], key=lambda entry: entry[0]):
        census.add(table, path, kind, offset, count)
    return census.batch()


def _in_order(fast: pa.RecordBatch, slow: pa.RecordBatch, by: str) -> pa.RecordBatch:
    """Both batches as one, in order of the offsets in column `by`."""
    if not slow.num_rows:
        return fast
    if not fast.num_rows:
        return slow
    both = pa.concat_batches([fast, slow])
    offsets = both.column(by).to_pylist()
    return both.take(pa.array(sorted(range(len(offsets)), key=offsets.__getitem__), pa.int64()))


@dataclass(frozen=True, slots=True)
class _Exported:
    """An array of the extension with its schema, as the Arrow PyCapsule interface has them."""

    schema: pa.Schema
    capsule: object

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        return self.schema.__arrow_c_schema__(), self.capsule


def imported(capsule: object, schema: pa.Schema) -> pa.RecordBatch:
    """The record batch that a capsule of the extension holds; nothing is copied."""
    return pa.record_batch(_Exported(schema, capsule))
