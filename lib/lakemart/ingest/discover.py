"""What is there to read: the raw zone's listing against what the ledger knows, by etag and never by time.

An object is known when its etag equals the last one of its key that was read (well, or as damaged). A key that was
never read is new. A known key under another etag was overwritten, and the source's policy says what then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate

from lakemart.config.source import ObjectRules
from lakemart.ingest.objects import RawObject
from lakemart.ledger.known import KnownObject
from lakemart.storage.store import ObjectInfo, Store

_DATE_PARTS = {
    "{yyyy}": r"(?P<yyyy>\d{4})",
    "{MM}": r"(?P<MM>\d{2})",
    "{dd}": r"(?P<dd>\d{2})",
    "{HH}": r"(?P<HH>\d{2})",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """A known key whose content was replaced: the etag that was read, and the object as it is now."""

    known_etag: str
    now: RawObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What a listing showed: objects to read in key order, overwritten ones, and how many wait to be complete."""

    new: tuple[RawObject, ...]
    overwritten: tuple[Overwritten, ...]
    waiting: int


def discover(raw: Store, rules: ObjectRules, known: Mapping[str, KnownObject], now: datetime) -> Discovery:
    """Lists the source's objects and compares each with what is known of its key. Reads no object."""
    new: list[RawObject] = []
    overwritten: list[Overwritten] = []
    waiting = 0
    listed = _with_completion(source_objects(raw, rules), rules, now)
    for info, complete in listed:
        before = known.get(info.key)
        if before is not None and before.etag == info.etag:
            continue
        if not complete:
            waiting += 1
            continue
        found = RawObject(key=info.key, etag=info.etag, size=info.size)
        if before is None or not before.read_well:
            new.append(found)
        else:
            overwritten.append(Overwritten(known_etag=before.etag, now=found))
    return Discovery(new=tuple(new), overwritten=tuple(overwritten), waiting=waiting)


def source_objects(raw: Store, rules: ObjectRules) -> Iterator[ObjectInfo]:
    """The objects under the source's prefix, in key order, without hidden keys and folder markers.

    Markers of completion are among them, for they say which folders are whole.
    """
    static = rules.prefix.partition("{")[0]
    for info in raw.list(static):
        if not _is_hidden(info.key, static) and not info.key.endswith("/"):
            yield info


def _is_hidden(key: str, static: str) -> bool:
    """Segments that begin with `_` or `.` hide an object; those the user named in the prefix himself do not."""
    below = key[static.rfind("/") + 1 :]
    return any(segment.startswith(("_", ".")) for segment in below.split("/"))


def _with_completion(
    listed: Iterable[ObjectInfo], rules: ObjectRules, now: datetime
) -> Iterator[tuple[ObjectInfo, bool]]:
    """Each data object with whether it may be read now."""
    wanted = key_pattern(rules)
    if rules.complete.marker is None:
        for info in listed:
            if wanted.fullmatch(info.key):
                yield info, rules.complete.after is None or now - info.modified >= rules.complete.after
        return
    folders: dict[str, list[ObjectInfo]] = {}
    whole: set[str] = set()
    for info in listed:
        folder, _, name = info.key.rpartition("/")
        if name == rules.complete.marker:
            whole.add(folder)
        elif wanted.fullmatch(info.key):
            folders.setdefault(folder, []).append(info)
    for folder, infos in folders.items():
        for info in infos:
            yield info, folder in whole


def key_pattern(rules: ObjectRules) -> re.Pattern[str]:
    """The expression that a data object's whole key matches: the prefix with its dates, then the glob.

    >>> rules = ObjectRules(prefix="{yyyy}/{MM}/", pattern="*.json.gz")
    >>> bool(key_pattern(rules).fullmatch("2015/01/a.json.gz")), bool(key_pattern(rules).fullmatch("x/01/a.json.gz"))
    (True, False)
    """
    prefix = re.escape(rules.prefix)
    for text, expression in _DATE_PARTS.items():
        escaped = re.escape(text)
        prefix = prefix.replace(escaped, expression, 1).replace(escaped, f"(?P={text[1:-1]})")
    glob = translate(rules.pattern).removeprefix("(?s:").removesuffix(")\\Z")
    return re.compile(f"{prefix}(?:{glob})", re.DOTALL)
