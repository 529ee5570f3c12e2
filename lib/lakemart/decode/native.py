"""The native decoder, where its extension is built: chunks of `ndjson` lines in, Arrow batches and rejects out.

It takes feeds of one table with plain columns (see `takes`); single records that it is not sure about it hands back, and
`reference.py` decodes them, so that both give the same in every case. Feeds it does not take go the other way as a whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from lakemart.decode.frames import CHUNK_BYTES, Frame, Frames, lines
from lakemart.decode.native_plan import native_feed, protected, unmatched
from lakemart.decode.plan import FeedPlan
from lakemart.decode.record import FaultError
from lakemart.decode.reference import decode_record
from lakemart.decode.result import REJECTS, Counts, Decoded, Reject
from lakemart.decode.tables import Census, batch_of, rejects_of
from lakemart.decode.unknown import pointer

Slowly = Callable[[Frames, FeedPlan, int], Decoded]
"""Decodes frames by the other decoders; the number of the first record comes last."""

_MOST_HELD = 4 * CHUNK_BYTES
"""Bytes that wait for a chunk's end: reached only where most bytes are blank lines."""


@lru_cache(maxsize=1)
def extension() -> Any | None:
    """The module `_native`, None where it is not built."""
    try:
        return importlib.import_module("lakemart.decode._native")
    except ImportError:
        return None


@lru_cache(maxsize=64)
def decoder_of(plan: FeedPlan) -> Any | None:
    """The native decoder of a feed; None when there is no extension or the feed holds something it does not know."""
    module = extension()
    feed = native_feed(plan) if module is not None else None
    if module is None or feed is None:
        return None
    try:
        return module.Decoder({**feed, "chunk_bytes": CHUNK_BYTES})
    except (UnicodeEncodeError, OverflowError):
        return None


def takes(plan: FeedPlan) -> bool:
    """Whether the native decoder is there and decodes this feed."""
    return plan.feed.format == "ndjson" and decoder_of(plan) is not None


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Whole lines at some offset in the object, or a line that is longer than the limit, framed already."""

    offset: int
    data: bytes
    frames: Frames | None = None


def pieces(blocks: Iterable[bytes], plan: FeedPlan, offset: int, record: int, slowly: Slowly) -> Iterator[Decoded]:
    """Decodes `ndjson` from its blocks, a piece per chunk and at least one; `record` is the number of the first."""
    for chunk in _chunks(iter(blocks), plan, offset):
        if chunk.frames is not None:
            piece = slowly(chunk.frames, plan, record)
        else:
            piece = _decoded(chunk, plan, record, slowly)
        record += piece.counts.records
        yield piece


def _chunks(blocks: Iterator[bytes], plan: FeedPlan, offset: int) -> Iterator[_Chunk]:
    """Cuts blocks behind the lines at which frames.lines() ends its chunks."""
    decoder, limit = decoder_of(plan), plan.feed.limits.record_bytes
    assert decoder is not None  # noqa: S101 - takes() saw to it
    held: list[bytes] = []
    size = tail = 0
    wanted = CHUNK_BYTES
    for block in blocks:
        held.append(block)
        size += len(block)
        newline = block.rfind(b"\n")
        tail = tail + len(block) if newline < 0 else len(block) - newline - 1
        if size < wanted and tail <= limit + 1:
            continue
        data = b"".join(held)
        while len(data) >= CHUNK_BYTES:
            end = decoder.cut(data, offset == 0) or (len(data) - tail if len(data) > _MOST_HELD else 0)
            if not end:
                break
            yield _Chunk(offset, data[:end])
            offset, data = offset + end, data[end:]
        if tail > limit + 1:
            if len(data) > tail:
                yield _Chunk(offset, data[: len(data) - tail])
            offset += len(data) - tail
            long = _Line(data[len(data) - tail :], blocks)
            yield from (_Chunk(offset, b"", frames) for frames in lines(long, offset=offset, limit=limit))
            offset, data = offset + long.length, long.rest
            tail = len(data) - data.rfind(b"\n") - 1
        held, size = [data], len(data)
        wanted = max(CHUNK_BYTES, size + size // 2)
    yield _Chunk(offset, b"".join(held))


class _Line:
    """The blocks of one line with its end; `length` of what was given, and behind it `rest`, once they are exhausted."""

    def __init__(self, begun: bytes, blocks: Iterator[bytes]) -> None:
        self.length = 0
        self.rest = b""
        self._block = begun
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        block: bytes | None = self._block
        self._block = b""
        while block is not None:
            end = block.find(b"\n") + 1
            self.rest = block[end:] if end else b""
            part = block[:end] if end else block
            self.length += len(part)
            yield part
            block = None if end else next(self._blocks, None)


def _decoded(chunk: _Chunk, plan: FeedPlan, record: int, slowly: Slowly) -> Decoded:
    """The rows, rejects and counts of a chunk of lines."""
    decoder, schema = decoder_of(plan), plan.main.contract.schema
    assert decoder is not None  # noqa: S101 - takes() saw to it
    try:
        found = decoder.lines(chunk.data, chunk.offset, record, [])
        fast, refused = _rows(found["rows"], plan)
        if refused:
            found = decoder.lines(chunk.data, chunk.offset, record, refused)
            fast, _ = _rows(found["rows"], plan)
    except RuntimeError:
        # The decoder failed, the data did not: the others take the chunk.
        framed = lines([chunk.data], offset=chunk.offset, limit=plan.feed.limits.record_bytes)
        frames = list(framed)
        return slowly(Frames([f for part in frames for f in part.frames], sum(p.blank for p in frames)), plan, record)
    slow = _Slow(plan)
    for number, start, end in found["left"]:
        slow.decode(Frame(chunk.offset + start, end - start, chunk.data[start:end]), number)
    rejects = imported(found["rejects"], REJECTS)
    counts = Counts(
        records=found["records"],
        good=found["good"] + len(slow.rows),
        quarantined=found["quarantined"] + len(slow.rejects),
        filtered=found["filtered"] + slow.filtered,
        blank=found["blank"],
    )
    rows = batch_of(plan.main.contract, slow.rows, slow.offsets)
    table = plan.main.contract.table
    return Decoded(
        rows={table: _in_order(fast, rows, schema.names.index("_offset"))},
        rejects=_in_order(rejects, rejects_of(slow.rejects), 0),
        census=_census(found["census"], slow.unknown, table),
        counts=counts,
    )


def _rows(capsule: object, plan: FeedPlan) -> tuple[pa.RecordBatch, list[int]]:
    """The rows with personal data protected, and the offsets of those that some pattern refuses."""
    schema = plan.main.contract.schema
    own = [pa.field(c.name, c.type.arrow) for c in plan.main.contract.columns]
    batch = imported(capsule, pa.schema([*own, *(schema.field(n) for n in ("_extra", "_offset") if n in schema.names)]))
    refused: set[int] = set()
    arrays = []
    for array, column in zip(batch.columns, plan.main.columns, strict=False):
        wrong = unmatched(array, column)
        if wrong is not None:
            refused.update(batch.column(batch.num_columns - 1).filter(wrong).to_pylist())
        if column.column.pii != "drop":
            arrays.append(protected(array, column))
    arrays += batch.columns[len(own) :]
    return pa.RecordBatch.from_arrays(arrays, schema=schema), sorted(refused)


class _Slow:
    """What the reference makes of the records that were handed back."""

    def __init__(self, plan: FeedPlan) -> None:
        self.rows: list[tuple[object, ...]] = []
        self.offsets: list[int] = []
        self.unknown: list[tuple[int, str, str, int]] = []
        self.rejects: list[Reject] = []
        self.filtered = 0
        self._plan = plan

    def decode(self, frame: Frame, number: int) -> None:
        """Decodes one record."""
        assert frame.raw is not None  # noqa: S101 - only records within the limit are handed back
        try:
            rows = decode_record(frame.raw, self._plan)
        except FaultError as fault:
            self._reject(frame, number, fault)
            return
        self.filtered += rows is None
        for row in rows or ():
            self.rows.append(row.values)
            self.offsets.append(frame.offset)
            self.unknown += [(frame.offset, pointer(field.path), field.type, 1) for field in row.unknown]

    def _reject(self, frame: Frame, number: int, fault: FaultError) -> None:
        self.rejects.append(
            Reject(
                offset=frame.offset,
                length=frame.length,
                record=number,
                table=fault.table or self._plan.main.contract.table,
                reason=fault.reason,
                column=fault.column,
                message=fault.message,
                raw=frame.raw,
            )
        )


def _census(fast: list[tuple[int, str, str, int]], slow: list[tuple[int, str, str, int]], table: str) -> pa.RecordBatch:
    """Both parts in order of their first records; each is in the order of appearance already."""
    census = Census()
    for offset, path, kind, count in sorted([*fast, *slow], key=lambda entry: entry[0]):
        census.add(table, path, kind, offset, count)
    return census.batch()


def _in_order(fast: pa.RecordBatch, slow: pa.RecordBatch, by: int) -> pa.RecordBatch:
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
