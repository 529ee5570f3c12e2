"""Accept: what a gate refused or an object's damage held back, taken by explicit word and for a stated reason.

It is a batch like any other: a new number whose objects go through the ledger again, so that nothing which landed
meanwhile is taken twice. The reject limit does not hold for it, and of a damaged object the readable part is taken. Of
a refused batch, duplicates that would come back and can be read nowhere any more stay in their table.
"""

from __future__ import annotations

from lakemart.config.source import Source
from lakemart.errors import ConfigError, DataError
from lakemart.ingest.listing import key_pattern, object_at, source_objects
from lakemart.ingest.objects import RawObject
from lakemart.ingest.request import Acceptance
from lakemart.ledger import records
from lakemart.ledger.known import known_objects
from lakemart.pipeline.context import Context
from lakemart.pipeline.document import RunDocument
from lakemart.pipeline.foreign import accept_table, lake_tables
from lakemart.pipeline.stories import run_requests
from lakemart.storage.opening import open_store


def accept(context: Context, target: str, reason: str) -> RunDocument:
    """Takes the object `target` (its key), the refused batch (`source/number`), or a table that others changed.

    An object is held back when it is damaged, when it was overwritten under `overwritten: error` (its new content takes
    the place of the old), or when it landed in a date that is no longer listed. Returns the document of the run, which builds and publishes what is due for it. A target of which nothing is held
    back is an error in it (kind config); a repeat finds that.
    """
    if target in lake_tables(context):
        return accept_table(context, target, reason)

    def requests() -> list[tuple[Source, Acceptance]]:
        return [_held_back(context, target, reason)]

    return run_requests(context, requests)


def _held_back(context: Context, target: str, reason: str) -> tuple[Source, Acceptance]:
    name, _, number = target.rpartition("/")
    if name in context.project.sources and number.isdigit():
        refused = _refused(context, name, int(number))
        return context.project.sources[name], Acceptance(objects=refused, reason=reason, leaves_lost=True)
    for source in context.project.sources.values():
        found = _object(context, source, target)
        if found is not None:
            return source, Acceptance(objects=(found,), reason=reason)
    raise ConfigError(
        f"{target!r} is neither a refused batch nor an object that is held back",
        next_step="`lakemart status` and `lakemart verify` name them; a batch is written source/number.",
    )


def _object(context: Context, source: Source, key: str) -> RawObject | None:
    """The object as it lies there when it is damaged, or was overwritten, or landed in a closed date; else None."""
    if not key_pattern(source.objects).fullmatch(key):
        return None
    there = object_at(open_store(context.raw), key)
    known = known_objects(context.lake, f"source/{source.name}", [key]).get(key)
    if there is None:
        if known is None or not known.is_damaged:
            return None
        raise ConfigError(f"object {key!r} is there no more", next_step="Land it again: a run takes it afresh.")
    if known is not None and known.etag == there.etag and not known.is_damaged:
        return None
    if known is not None and known.is_damaged and known.etag != there.etag and not known.read_well:
        raise ConfigError(
            f"object {key!r} is no longer the one found damaged", next_step="Run again: it is taken afresh."
        )
    return RawObject(key=key, etag=there.etag, size=there.size)


def _refused(context: Context, name: str, number: int) -> tuple[RawObject, ...]:
    """The objects of a refused batch that nothing read since, as they are now."""
    writer = f"source/{name}"
    record = next(iter(records.numbers(context.store, writer, after=number - 1)), None)
    if record is None or not record.refused:
        raise ConfigError(
            f"batch {number} of source {name!r} was not refused", next_step="`lakemart status` names those that were."
        )
    known = known_objects(context.lake, writer, [raw["key"] for raw in record.plan["objects"]])
    now = {info.key: info for info in source_objects(open_store(context.raw), context.project.sources[name].objects)}
    planned = [RawObject(**raw) for raw in record.plan["objects"]]
    objects = tuple(
        raw
        for raw in planned
        if raw.key in now
        and now[raw.key].etag == raw.etag
        and (raw.key not in known or known[raw.key].etag != raw.etag)
    )
    if not objects:
        raise DataError(
            f"nothing of batch {number} of source {name!r} is held back any more",
            next_step="Its objects were read, replaced or deleted since.",
        )
    return objects
