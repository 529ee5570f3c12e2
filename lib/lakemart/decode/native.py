"""The native decoder, where its extension is built: blocks of `ndjson`, or records, in; Arrow batches and rejects out.

It takes feeds of one table (see `native_plan.py`); single records that it is not sure about it hands back, and
`reference.py` decodes them, so that both give the same in every case. Feeds it does not take go the other way as a whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from lakemart.decode.frames import CHUNK_BYTES, Frame, Frames, too_large
from lakemart.decode.native_piece import keys_of, piece_of, with_rejects
from lakemart.decode.native_plan import native_feed
from lakemart.decode.pieces import rejected
from lakemart.decode.plan import FeedPlan
from lakemart.decode.record import FaultError
from lakemart.decode.result import Decoded, Keys, Reject

Slowly = Callable[[Frames, FeedPlan, int], Decoded]
"""Decodes frames by the other decoders; the number of the first record comes last."""
SlowKeys = Callable[[Frames, FeedPlan, int, Mapping[str, tuple[str, ...]]], Keys]
"""The same of some columns by table."""


@lru_cache(maxsize=1)
def extension() -> Any | None:
    """The module `_native`, None where it is not built."""
    try:
        return importlib.import_module("lakemart.decode._native")
    except ImportError:
        return None


@lru_cache(maxsize=64)
def decoder_of(plan: FeedPlan, kept: tuple[str, ...] | None = None) -> Any | None:
    """The native decoder of a feed; None when there is no extension or the feed holds something it does not know.

    With `kept` it gives only these columns, and every record's number.
    """
    module = extension()
    feed = native_feed(plan, kept) if module is not None else None
    if module is None or feed is None:
        return None
    try:
        return module.Decoder({**feed, "chunk_bytes": CHUNK_BYTES})
    except (UnicodeEncodeError, OverflowError):
        return None


def takes(plan: FeedPlan) -> bool:
    """Whether the native decoder is there and decodes this feed's lines."""
    return plan.feed.format == "ndjson" and takes_records(plan)


def takes_records(plan: FeedPlan) -> bool:
    """Whether it is there and decodes this feed's records, however they are framed."""
    return decoder_of(plan) is not None


def pieces(blocks: Iterable[bytes], plan: FeedPlan, offset: int, record: int, slowly: Slowly) -> Iterator[Decoded]:
    """Decodes `ndjson` from its blocks, a piece per chunk and at least one; `record` is the number of the first."""
    decoder = decoder_of(plan)
    assert decoder is not None  # noqa: S101 - takes() saw to it
    lines = decoder.lines(offset)
    for _ in _gathered(lines, blocks):
        try:
            piece = piece_of(lines, plan, record)
        except RuntimeError:
            # The decoder failed, the data did not: the others take the chunk.
            piece = slowly(_frames(lines, plan), plan, record)
        record += piece.counts.records
        yield piece


def framed(frames: Frames, plan: FeedPlan, record: int, slowly: Slowly) -> Decoded:
    """Decodes records that were framed elsewhere; `record` is the number of the first."""
    decoder = decoder_of(plan)
    assert decoder is not None  # noqa: S101 - takes_records() saw to it
    lines = decoder.lines(0)
    given: list[tuple[int, int, bytes]] = []
    rejects: list[Reject] = []
    for index, frame in enumerate(frames.frames):
        if frame.raw is not None and not frame.reason:
            given.append((frame.offset, len(rejects), frame.raw))
        else:
            rejects.append(rejected(frame, record + index, FaultError(frame.reason, frame.message), plan))
    lines.put(given)
    try:
        piece = piece_of(lines, plan, record)
    except RuntimeError:
        return slowly(frames, plan, record)
    return with_rejects(piece, rejects)


def keys(blocks: Iterable[bytes], plan: FeedPlan, kept: tuple[str, ...], slowly: SlowKeys) -> Iterator[Keys]:
    """Of `ndjson` from its blocks the columns `kept`, by table, with offset and number of every good record."""
    decoder = decoder_of(plan, kept)
    assert decoder is not None  # noqa: S101 - takes() saw to it
    lines = decoder.lines(0)
    record = 0
    for _ in _gathered(lines, blocks):
        try:
            found = keys_of(lines, plan, kept, record)
        except RuntimeError:
            found = slowly(_frames(lines, plan), plan, record, {plan.main.contract.table: kept})
        record += found.counts.records
        yield found


def _gathered(lines: Any, blocks: Iterable[bytes]) -> Iterator[None]:
    """Feeds the blocks; comes back for every chunk that is complete."""
    for block in blocks:
        place = 0
        while place < len(block):
            place += lines.take(block, place)
            while lines.gather(False):  # noqa: FBT003 - the extension's functions take no names
                yield
    if lines.gather(True):  # noqa: FBT003 - as above
        yield


def _frames(lines: Any, plan: FeedPlan) -> Frames:
    """The chunk's lines as frames for the other decoders."""
    limit = plan.feed.limits.record_bytes
    frames: list[Frame] = []
    found, blank = lines.raw()
    for offset, length, raw in found:
        if raw is None or length > limit:
            frames.append(too_large(offset, length, limit))
        elif raw.strip(b" \t\r"):
            frames.append(Frame(offset, length, raw))
        else:
            blank += 1
    return Frames(frames, blank)
