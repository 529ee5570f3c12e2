"""The door of the room: `decode` for one piece of records, `decode_object` for a whole object from its stored blocks."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

from lakemart.contract.table import Feed
from lakemart.decode import native
from lakemart.decode.documents import array, chunked, concatenated
from lakemart.decode.fast import Accepted, accept, eligible
from lakemart.decode.frames import Frame, Frames, lines, too_large
from lakemart.decode.inflate import inflated
from lakemart.decode.keys import Wanted, Way, key_pieces, picked
from lakemart.decode.pieces import Pieces, joined, rejected
from lakemart.decode.plan import FeedPlan, plan_of
from lakemart.decode.record import FaultError, Record, read_record
from lakemart.decode.records import records
from lakemart.decode.reference import Row, decode_record
from lakemart.decode.result import Decoded, Keys
from lakemart.decode.salvage import Readable
from lakemart.decode.window import Window
from lakemart.errors import ConfigError

Decoder = Literal["auto", "reference", "native"]


def decode(  # noqa: PLR0913 - the position, the decoder and the key have defaults
    data: bytes | memoryview,
    feed: Feed,
    *,
    offset: int = 0,
    record: int = 0,
    decoder: Decoder = "auto",
    pii_key: bytes | None = None,
) -> Decoded:
    """The rows and rejects of decompressed bytes that begin and end on record bounds.

    `offset` is where they begin in the decompressed object, `record` the number of their first record there. Of the
    formats `array` and `records` the bytes are whole objects. Nothing is read but the arguments; equal arguments give
    equal results.
    """
    _refuse_unbuilt(decoder)
    plan = plan_of(feed, pii_key)
    if _natively(decoder, plan):
        return joined(native.pieces([bytes(data)], plan, offset, record, _decoded))
    return joined(_pieces(_frames([bytes(data)], plan, offset), plan, record, _way(decoder, plan)))


def decode_object(  # noqa: PLR0913 - as above
    blocks: Iterable[bytes],
    feed: Feed,
    *,
    size: int | None = None,
    decoder: Decoder = "auto",
    pii_key: bytes | None = None,
    salvage: bool = False,
) -> Iterator[Decoded]:
    """The rows and rejects of a whole object, piece by piece in order of offset, with bounded memory.

    `blocks` are its stored bytes, cut anywhere; `size` is how many there must be. Raises DamagedError when the object
    is damaged as a whole: the caller then throws away every piece it got. With `salvage` the readable part is decoded
    instead, and a last piece holds one reject for the rest.
    """
    _refuse_unbuilt(decoder)
    plan = plan_of(feed, pii_key)
    content = _content(blocks, feed, size=size, salvage=salvage)
    record = 0
    if _natively(decoder, plan):
        found = native.pieces(content, plan, 0, 0, _decoded)
    else:
        found = _pieces(_frames(content, plan, 0), plan, 0, _way(decoder, plan))
    for piece in found:
        record += piece.counts.records
        yield piece
    if lost := _lost(content, plan):
        yield _decoded(lost, plan, record)


def decode_keys(  # noqa: PLR0913 - as above
    blocks: Iterable[bytes],
    feed: Feed,
    columns: Mapping[str, Sequence[str]],
    *,
    size: int | None = None,
    decoder: Decoder = "auto",
    pii_key: bytes | None = None,
    salvage: bool = False,
) -> Iterator[Keys]:
    """Of the rows that `decode_object` gives, only some columns, with every row's offset and record number.

    `columns` names them by table: the tables that are wanted, of each at least one column that it keeps. The rows are
    exactly those of the full decode, in its order, and the counts are its counts. Other arguments and DamagedError as there.
    """
    _refuse_unbuilt(decoder)
    plan = plan_of(feed, pii_key)
    content = _content(blocks, feed, size=size, salvage=salvage)
    wanted = {table: tuple(dict.fromkeys(names)) for table, names in columns.items()}
    table = plan.main.contract.table
    if _natively(decoder, plan) and wanted.keys() == {table}:
        found = native.keys(content, plan, wanted[table], _keys)
    else:
        found = key_pieces(_frames(content, plan, 0), plan, wanted, _way(decoder, plan))
    record = 0
    for piece in found:
        record += piece.counts.records
        yield piece
    if lost := _lost(content, plan):
        yield _keys(lost, plan, record, wanted)


def decode_records(cut: Iterable[tuple[int, bytes]], feed: Feed, *, pii_key: bytes | None = None) -> Decoded:
    """The rows and rejects of single records that were cut out of an object before: (offset, exact bytes) each, in order.

    Whatever the feed's format; columns of the enclosing document are null, for the document is not there.
    """
    plan = plan_of(feed, pii_key)
    limit = feed.limits.record_bytes
    frames = [
        Frame(offset, len(raw), raw) if len(raw) <= limit else too_large(offset, len(raw), limit) for offset, raw in cut
    ]
    return _decoded(Frames(frames), plan, 0)


def cut_records(  # noqa: PLR0913 - as above
    blocks: Iterable[bytes],
    feed: Feed,
    wanted: Container[int],
    *,
    size: int | None = None,
    pii_key: bytes | None = None,
    salvage: bool = False,
) -> Iterator[tuple[int, bytes]]:
    """Offset and exact bytes of the records that begin at the `wanted` offsets of an object, in order.

    Arguments and DamagedError as of `decode_object`.
    """
    content = _content(blocks, feed, size=size, salvage=salvage)
    for frames in _frames(content, plan_of(feed, pii_key), 0):
        for frame in frames.frames:
            if frame.raw is not None and frame.offset in wanted:
                yield frame.offset, frame.raw


def _content(blocks: Iterable[bytes], feed: Feed, *, size: int | None, salvage: bool) -> Iterable[bytes]:
    """The decompressed bytes; with `salvage` those that can be read."""
    content = inflated(blocks, size=size)
    return Readable(content, by_line=feed.format == "ndjson") if salvage else content


def _lost(content: Iterable[bytes], plan: FeedPlan) -> Frames | None:
    """What of a damaged object could not be read, as one frame; None when there was no damage."""
    if not isinstance(content, Readable) or content.damage is None:
        return None
    return Frames([content.rest(plan.feed.limits.record_bytes)])


def _natively(decoder: Decoder, plan: FeedPlan) -> bool:
    """Whether the native decoder takes the feed; `reference` is everything else, its fast path included."""
    return decoder != "reference" and native.takes(plan)


def _way(decoder: Decoder, plan: FeedPlan) -> Way:
    """How framed records are decoded."""
    if decoder == "reference" or plan.feed.format == "ndjson" or not native.takes_records(plan):
        return _decoded
    return lambda frames, plan, record: native.framed(frames, plan, record, _decoded)


def _refuse_unbuilt(decoder: Decoder) -> None:
    """`auto` is the fastest decoder that is built and takes the feed."""
    if decoder == "native" and native.extension() is None:
        raise ConfigError("the native decoder is not built here", next_step="Choose the decoder `auto` or `reference`.")


def _frames(blocks: Iterable[bytes], plan: FeedPlan, offset: int) -> Iterator[Frames]:
    feed, limit = plan.feed, plan.feed.limits.record_bytes
    if feed.format == "ndjson":
        return lines(blocks, offset=offset, limit=limit)
    window = Window(blocks, offset)
    if feed.format == "concatenated":
        return chunked(concatenated(window, limit))
    if feed.format == "array":
        return chunked(array(window, limit))
    return chunked(records(window, feed.records_path, limit, keep=plan.uses_document))


def _pieces(pieces: Iterable[Frames], plan: FeedPlan, record: int, way: Way) -> Iterator[Decoded]:
    for frames in pieces:
        yield way(frames, plan, record)
        record += len(frames.frames)


def _keys(frames: Frames, plan: FeedPlan, record: int, wanted: Wanted) -> Keys:
    """The wanted columns of a piece."""
    return picked(_decoded(frames, plan, record), frames, record, wanted)


def _decoded(frames: Frames, plan: FeedPlan, record: int) -> Decoded:
    """The piece's rows, rejects and counts: the fast path takes what it can, the reference decides the rest."""
    taken = accept(frames.frames, plan) if eligible(plan) else Accepted()
    pieces = Pieces(plan, taken)
    done = {*taken.rows, *taken.filtered}
    pieces.filtered = len(taken.filtered)
    for index, frame in enumerate(frames.frames):
        if index in done:
            continue
        try:
            found = _rows(frame, plan)
        except FaultError as fault:
            pieces.rejects.append(rejected(frame, record + index, fault, plan))
            continue
        if found is None:
            pieces.filtered += 1
        else:
            pieces.add(index, frame.offset, found)
    return pieces.decoded(frames)


def _rows(frame: Frame, plan: FeedPlan) -> list[Row] | None:
    if frame.reason or frame.raw is None:
        raise FaultError(frame.reason, frame.message)
    return decode_record(frame.raw, plan, _document(frame.document, plan) if frame.document is not None else None)


@lru_cache(maxsize=4)
def _document(skeleton: bytes, plan: FeedPlan) -> Record:
    """The enclosing document's fields, read once for all of its records."""
    return read_record(skeleton, plan)
