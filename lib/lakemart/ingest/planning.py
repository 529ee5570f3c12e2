"""What goes into the next batch of a source: what discovery finds, or what a person asked for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal

import structlog

from lakemart.config.source import ObjectRules, Source
from lakemart.errors import ConfigError, DataError, TransientError
from lakemart.ingest.discover import Discovery, Search, discover
from lakemart.ingest.listing import Dates
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance, Backfill, Replay
from lakemart.ingest.tables import quarantine_table
from lakemart.lake.read import read_files, snapshot
from lakemart.ledger.known import refresh_index
from lakemart.ledger.records import Json, Record
from lakemart.ledger.standing import standing
from lakemart.storage.opening import open_store

if TYPE_CHECKING:
    from lakemart.ingest.stage import SourceStage

log = structlog.get_logger()

BATCH_OBJECTS = 50_000
"""How many objects one batch takes: what it freezes stays small however many wait, and the run goes on with the next."""

NAMED = 100
"""How many objects that went wrong are told one by one."""

Kind = Literal["new", "replace", "accept", "replay", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The objects of a batch, its kind, why, and which of them take their earlier rows out."""

    kind: Kind
    objects: tuple[RawObject, ...]
    takes_out: tuple[str, ...] = ()
    reason: str = ""
    open_since: datetime | None = None
    left: int | None = None
    """Both of what discovery found: see `Discovery`; None where nothing was listed."""


@dataclass(slots=True)
class Turn:
    """What one run has done of a source so far: how much it took, what it tried in vain and why, what it left waiting."""

    objects: int = 0
    bytes: int = 0
    given_up: dict[tuple[str, str], str] = field(default_factory=dict)
    left: int = 0

    def forget(self, keys: Collection[str]) -> None:
        """These keys are tried anew, as another version than the one that was given up."""
        self.given_up = {one: reason for one, reason in self.given_up.items() if one[0] not in keys}


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
        _tell_given_up(stage, at_end=True)
        if turn.left:
            log.warning("more waits for the next run", source=stage.source.name, taken=turn.objects, left=turn.left)
        return None
    known = refresh_index(stage.lake, stage.writer)
    found = discover(open_store(stage.raw), rules, known, stage.now, room)
    turn.left = found.left
    objects = tuple(
        replace(raw, order=number) for raw in sorted((*found.new, *found.replaced), key=lambda raw: raw.key)
    )
    turn.forget({raw.key for raw in objects})
    _tell_overwritten(stage, found)
    _tell_given_up(stage, at_end=not objects)
    if not objects:
        return None
    turn.objects += len(objects)
    turn.bytes += sum(raw.size for raw in objects)
    return Chosen(
        kind="replace" if found.replaced else "new",
        objects=objects,
        takes_out=tuple(raw.key for raw in found.replaced),
        open_since=found.open_since,
        left=found.left,
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
    if last.plan.get("open_of") != _dated_by(source.objects):
        return None  # under other rules other objects are the source's: all are looked at once
    dates = Dates(rules=source.objects)
    unread = [one["key"] for one in (last.decision or {}).get("objects", ()) if one["status"] == "unread"]
    found = [date for key in unread if (date := dates.of(key)) is not None]
    return min([datetime.fromisoformat(last.plan["open_since"]), *found])


def dates_in_plan(source: Source, since: datetime | None) -> Json:
    """What each plan of a source says of the dates that need no listing: up to which, and under which rules."""
    return {"open_since": None if since is None else since.isoformat(), "open_of": _dated_by(source.objects)}


def left_waiting(last: Record | None) -> int:
    """How many objects the source's bounds left for a later run, when what is there was listed last."""
    return 0 if last is None else int(last.plan.get("objects_left", 0))


def _dated_by(rules: ObjectRules) -> list[str]:
    """What decides which objects are the source's and when a date is closed."""
    return [rules.prefix, rules.pattern, str(rules.closed_after)]


def _tell_overwritten(stage: SourceStage, found: Discovery) -> None:
    """Tells of objects that were overwritten, where the source's policy is that they must not be."""
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


def _tell_given_up(stage: SourceStage, *, at_end: bool) -> None:
    """Tells of the objects that this run tried in vain, be they there still or gone; of many, how many more at the end."""
    more = len(stage.turn.given_up) - NAMED
    if at_end and more > 0:
        stage.tell(
            TransientError(
                f"{more} more object(s) could not be read",
                where=f"source {stage.source.name}",
                next_step="Nothing of them was taken; the next run tries them again. The ledger's table `objects` names all.",
            )
        )
    for (key, _), reason in islice(stage.turn.given_up.items(), NAMED):
        stage.tell(
            TransientError(
                f"object {key!r} could not be read: it {reason}",
                where=f"source {stage.source.name}",
                next_step="Nothing of it was taken; the next run tries it again, if it is there.",
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
    kept = snapshot(stage.lake, quarantine_table(feed.tables[0].table))
    if kept is None:
        return None
    root = stage.lake.child(kept.table)
    pieces = read_files(root, kept.files, kept.schema, columns=["resolved_by"])
    if not any(rows.column("resolved_by").null_count for rows in pieces):
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
