"""Objects of the raw zone as ingest's records hold them, and what became of each. Grain: one object of one batch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["read", "damaged", "unread"]
"""`read`: its records are accounted for. `damaged`: read under its etag and unusable as a whole. `unread`: changed or
gone since it was planned; it is not known and comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawObject:
    """An object as it was planned: every read of it is conditional on this etag."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectBooks:
    """The books of one object: records = good + quarantined + duplicate + filtered, all of them zero unless `read`.

    `good` counts the rows that reached the main table(s), duplicates not among them; `children` the rows of child
    tables, which are not records. `reason` says why an object is damaged or unread.
    """

    key: str
    etag: str
    size: int
    status: Status
    records: int = 0
    good: int = 0
    quarantined: int = 0
    duplicate: int = 0
    filtered: int = 0
    children: int = 0
    reason: str = ""

    @property
    def balanced(self) -> bool:
        """Whether the equation holds."""
        return self.records == self.good + self.quarantined + self.duplicate + self.filtered

    def as_json(self) -> dict[str, Any]:
        """The books as plain JSON values."""
        return asdict(self)


def total(books: Iterable[ObjectBooks]) -> dict[str, int]:
    """The sums over objects that a run document shows for a source, without its batches."""
    listed = list(books)
    sums = {
        name: sum(getattr(one, name) for one in listed)
        for name in ("records", "good", "quarantined", "duplicate", "filtered")
    }
    return {
        "objects": sum(one.status != "unread" for one in listed),
        "damaged": sum(one.status == "damaged" for one in listed),
        **sums,
    }
