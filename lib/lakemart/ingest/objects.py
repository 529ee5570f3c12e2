"""Objects of the raw zone as ingest's records hold them, and what became of each. Grain: one object of one batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["read", "damaged", "unread", "replaced", "adjusted"]
"""`read`: its records are accounted for. `damaged`: read under its etag and unusable as a whole. `unread`: changed,
gone, forbidden or broken off since it was planned; it is not known and comes again. The last two are of adjusting
entries: `replaced` takes all out again that earlier batches entered for the object, `adjusted` moves single records."""

COUNTS = ("records", "good", "quarantined", "duplicate", "filtered")


@dataclass(frozen=True, slots=True, kw_only=True)
class RawObject:
    """An object as it was planned: every read of it is conditional on this etag.

    `order` is the number of the batch that first read this version, 0 while that is not planned: of two records with the
    same key the one of the lower order wins, also when a later batch reads the object again.
    """

    key: str
    etag: str
    size: int
    order: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectBooks:
    """The books of one object: records = good + quarantined + duplicate + filtered, all of them zero unless `read`.

    `good` counts the rows that reached the main table(s), duplicates not among them; `children` the rows of child
    tables, which are not records; `slices` are the partition values its records go to, duplicates included. `reason`
    says why an object is damaged or unread. Of an adjusting entry the counts are signed, and the equation holds too.
    """

    key: str
    etag: str
    size: int
    status: Status
    order: int
    records: int = 0
    good: int = 0
    quarantined: int = 0
    duplicate: int = 0
    filtered: int = 0
    children: int = 0
    slices: tuple[str | None, ...] = ()
    reason: str = ""

    @property
    def balanced(self) -> bool:
        """Whether the equation holds."""
        return self.records == self.good + self.quarantined + self.duplicate + self.filtered

    def as_json(self) -> dict[str, Any]:
        """The books as plain JSON values."""
        return asdict(self)


def total(books: Iterable[ObjectBooks]) -> dict[str, int]:
    """The sums over objects and adjusting entries that a run document shows for a source, without its batches."""
    listed = list(books)
    objects = {"read": 1, "damaged": 1, "replaced": -1}
    return {
        "objects": sum(objects.get(one.status, 0) for one in listed),
        "damaged": sum(one.status == "damaged" for one in listed),
        **{name: sum(getattr(one, name) for one in listed) for name in COUNTS},
    }
