"""Keys alone: some columns of decoded pieces, with every row's offset and the number of its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import pyarrow as pa

from lakemart.decode.frames import Frames
from lakemart.decode.plan import FeedPlan
from lakemart.decode.result import Decoded, Keys, keys_schema

Way = Callable[[Frames, FeedPlan, int], Decoded]
"""Decodes framed records, of which the first has this number."""
Wanted = Mapping[str, tuple[str, ...]]
"""Columns by table."""


def key_pieces(pieces: Iterable[Frames], plan: FeedPlan, wanted: Wanted, way: Way) -> Iterator[Keys]:
    """The wanted columns, piece by piece."""
    record = 0
    for frames in pieces:
        yield picked(way(frames, plan, record), frames, record, wanted)
        record += len(frames.frames)


def picked(decoded: Decoded, frames: Frames, record: int, wanted: Wanted) -> Keys:
    """The wanted columns of a piece that was decoded from these frames."""
    numbers = {frame.offset: record + index for index, frame in enumerate(frames.frames) if not frame.reason}
    rows = {}
    for table, names in wanted.items():
        batch = decoded.rows[table]
        own = pa.array([numbers[offset] for offset in batch.column("_offset").to_pylist()], pa.int64())
        arrays = [*(batch.column(name) for name in (*names, "_offset")), own]
        rows[table] = pa.RecordBatch.from_arrays(arrays, schema=keys_schema(batch.schema, names))
    return Keys(rows=rows, counts=decoded.counts)
