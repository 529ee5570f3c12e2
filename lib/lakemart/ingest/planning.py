"""What goes into the next batch of a source: what discovery finds, or what a person asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lakemart.errors import ConfigError, DataError, TransientError
from lakemart.ingest.discover import Discovery, Overwritten, discover
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance, Backfill, Replay
from lakemart.ledger.known import known_objects
from lakemart.ledger.standing import standing
from lakemart.storage.store import open_store

if TYPE_CHECKING:
    from lakemart.ingest.stage import SourceStage

Kind = Literal["new", "replace", "accept", "replay", "backfill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The objects of a batch, its kind, why, and which of them take their earlier rows out."""

    kind: Kind
    objects: tuple[RawObject, ...]
    takes_out: tuple[str, ...] = ()
    reason: str = ""


def chosen(stage: SourceStage, number: int) -> Chosen | None:
    """What the next number is to do; None when there is nothing. Reads listings and the ledger, no object."""
    request = stage.request
    if request is None:
        return _discovered(stage, number)
    if isinstance(request, Replay):
        return _replay(stage)
    if isinstance(request, Backfill):
        return _backfill(stage, request)
    return _accepted(stage, request, number)


def _discovered(stage: SourceStage, number: int) -> Chosen | None:
    found = _discovery(stage)
    replacing = stage.source.objects.overwritten == "replace"
    overwritten = [one.now for one in found.overwritten] if replacing else []
    objects = tuple(
        RawObject(key=raw.key, etag=raw.etag, size=raw.size, order=number)
        for raw in sorted((*found.new, *overwritten), key=lambda raw: raw.key)
        if not _is_given_up(stage, raw)
    )
    if not objects:
        return None
    out = {raw.key for raw in overwritten} & {raw.key for raw in objects}
    return Chosen(kind="replace" if out else "new", objects=objects, takes_out=tuple(sorted(out)))


def _discovery(stage: SourceStage) -> Discovery:
    """What the raw zone holds for the source now; overwritten objects are told where policy says so."""
    known = known_objects(stage.lake, stage.writer)
    found = discover(open_store(stage.raw), stage.source.objects, known, stage.now)
    if found.overwritten and stage.source.objects.overwritten == "error":
        stage.tell(_overwritten(stage.source.name, found.overwritten))
    return found


def _overwritten(source: str, found: tuple[Overwritten, ...]) -> DataError:
    first = found[0]
    return DataError(
        f"{len(found)} object(s) changed after they were read, the first is {first.now.key!r}: "
        f"read as {first.known_etag}, now {first.now.etag}",
        where=f"source {source}",
        next_step="Raw objects are immutable by agreement; `overwritten: replace` takes the new content in place of the "
        "old, `overwritten: ignore` keeps what was read first.",
    )


def _is_given_up(stage: SourceStage, raw: RawObject) -> bool:
    """Whether this run has tried the object in vain; it is told, and left to the next run."""
    reason = stage.given_up.get((raw.key, raw.etag))
    if reason is None:
        return False
    stage.tell(
        TransientError(
            f"object {raw.key!r} could not be read: it {reason}",
            where=f"source {stage.source.name}",
            next_step="Nothing of it was taken; the next run tries it again.",
        )
    )
    return True


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
