"""What goes into the next batch of a source: what discovery finds, or what a person asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from lakemart.config.source import Source
from lakemart.errors import ConfigError, DataError, TransientError
from lakemart.ingest.discover import Discovery, Search, discover
from lakemart.ingest.listing import Dates
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance, Backfill, Replay
from lakemart.ledger.known import known_stream, refresh_index
from lakemart.ledger.records import Record
from lakemart.ledger.standing import standing
from lakemart.storage.store import open_store

if TYPE_CHECKING:
    from lakemart.ingest.stage import SourceStage

BATCH_OBJECTS = 50_000
"""How many objects one batch takes: what it freezes stays small however many wait, and the run goes on with the next."""

Kind = Literal["new", "replace", "accept", "replay", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The objects of a batch, its kind, why, and which of them take their earlier rows out."""

    kind: Kind
    objects: tuple[RawObject, ...]
    takes_out: tuple[str, ...] = ()
    reason: str = ""
    open_since: datetime | None = None
    """Of what discovery found: see `Discovery`."""


@dataclass(slots=True)
class Turn:
    """What one run has done of a source so far: how much it took, what it tried in vain and why, what it left waiting."""

    objects: int = 0
    bytes: int = 0
    given_up: dict[tuple[str, str], str] = field(default_factory=dict)
    left: int = 0


def chosen(stage: SourceStage, number: int, last: Record | None) -> Chosen | None:
    """What the next number is to do; None when there is nothing. Reads listings and the ledger, no object."""
    request = stage.request
    if request is None:
        return _discovered(stage, number, last)
    if isinstance(request, Replay):
        return _replay(stage)
    if isinstance(request, Backfill):
        return _backfill(stage, request)
    return _accepted(stage, request, number)


def _discovered(stage: SourceStage, number: int, last: Record | None) -> Chosen | None:
    turn, rules = stage.turn, stage.source.objects
    room = _room(stage, last)
    if room.objects == 0:
        return None
    refresh_index(stage.lake, stage.writer)
    known = known_stream(stage.lake, stage.writer)
    found = discover(open_store(stage.raw), rules, known, stage.now, room)
    _tell(stage, found)
    turn.left = found.left
    objects = tuple(
        replace(raw, order=number) for raw in sorted((*found.new, *found.replaced), key=lambda raw: raw.key)
    )
    if not objects:
        return None
    turn.objects += len(objects)
    turn.bytes += sum(raw.size for raw in objects)
    return Chosen(
        kind="replace" if found.replaced else "new",
        objects=objects,
        takes_out=tuple(raw.key for raw in found.replaced),
        open_since=found.open_since,
    )


def _room(stage: SourceStage, last: Record | None) -> Search:
    """What of the run's bounds is left for the next batch."""
    turn, rules = stage.turn, stage.source.objects
    objects = BATCH_OBJECTS if rules.max_objects is None else min(BATCH_OBJECTS, rules.max_objects - turn.objects)
    size = None if rules.max_bytes is None else rules.max_bytes - turn.bytes
    if size is not None and size <= 0 and turn.objects:
        objects = 0
    return Search(
        objects=max(objects, 0),
        bytes=size,
        replacing=rules.overwritten == "replace",
        not_now=turn.given_up.keys(),
        since=open_since(stage.source, last),
    )


def open_since(source: Source, last: Record | None) -> datetime | None:
    """The date before which a dated prefix is no longer listed: all of it was taken. None before the first batch.

    `last` is the source's last committed number: what it could not read comes again, whatever its date.
    """
    if not source.objects.dated or last is None or last.plan.get("open_since") is None:
        return None
    dates = Dates(rules=source.objects)
    unread = [one["key"] for one in (last.decision or {}).get("objects", ()) if one["status"] == "unread"]
    found = [date for key in unread if (date := dates.of(key)) is not None]
    return min([datetime.fromisoformat(last.plan["open_since"]), *found])


def _tell(stage: SourceStage, found: Discovery) -> None:
    """Tells what keeps objects that are there from being taken."""
    first = found.first_overwritten
    if first is not None and stage.source.objects.overwritten == "error":
        stage.tell(
            DataError(
                f"{found.overwritten} object(s) changed after they were read, the first is {first.now.key!r}: "
                f"read as {first.known_etag}, now {first.now.etag}",
                where=f"source {stage.source.name}",
                next_step="Raw objects are immutable by agreement; `overwritten: replace` takes the new content in place "
                "of the old, `overwritten: ignore` keeps what was read first, and `lakemart accept KEY` takes one by word.",
            )
        )
    for raw in found.not_now:
        stage.tell(
            TransientError(
                f"object {raw.key!r} could not be read: it {stage.turn.given_up[raw.key, raw.etag]}",
                where=f"source {stage.source.name}",
                next_step="Nothing of it was taken; the next run tries it again.",
            )
        )


def _accepted(stage: SourceStage, request: Acceptance, number: int) -> Chosen | None:
    if not request.objects:
        return None
    before = standing(stage.lake, stage.writer, [raw.key for raw in request.objects])
    objects = tuple(RawObject(key=raw.key, etag=raw.etag, size=raw.size, order=number) for raw in request.objects)
    return Chosen(kind="accept", objects=objects, takes_out=tuple(sorted(before)), reason=request.reason)


def _replay(stage: SourceStage) -> Chosen | None:
    feed = stage.source.feed
    if feed.reads_document:
        raise ConfigError(
            "its columns read the document around a record, which the quarantine does not hold",
            where=f"source {stage.source.name}",
            next_step="Read the slices again from raw: `lakemart backfill --from … --to …`.",
        )
    if not any(one.counts["quarantined"] for one in standing(stage.lake, stage.writer).values()):
        return None
    return Chosen(kind="replay", objects=())


def _backfill(stage: SourceStage, request: Backfill) -> Chosen | None:
    found = [one for one in standing(stage.lake, stage.writer).values() if one.etag and request.wants(one.slices)]
    if not found:
        return None
    objects = tuple(
        RawObject(key=one.key, etag=one.etag, size=one.size, order=one.order)
        for one in sorted(found, key=lambda one: one.key)
    )
    reason = f"slices {request.first or '…'} to {request.last or '…'}"
    return Chosen(kind="backfill", objects=objects, takes_out=tuple(raw.key for raw in objects), reason=reason)
