"""The values of one source: where its objects lie, how they are taken, and the feed (contracts) they are read under."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from lakemart.contract.table import Contract, Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """When an object may be read: at once (both None), when a `marker` object stands beside it, or `after` this age."""

    marker: str | None = None
    after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRules:
    """Which keys under the project's `raw` belong to the source.

    `prefix` may hold `{yyyy} {MM} {dd} {HH}` (UTC); `pattern` is a glob on what follows the prefix. `closed_after` is set
    exactly when the prefix is dated: a dated prefix older than this is not listed by a plain run. `max_objects` and
    `max_bytes` (as stored) bound what one run takes, the oldest first; None is without a bound.
    """

    prefix: str = ""
    pattern: str = "*"
    complete: Completion = field(default_factory=Completion)
    closed_after: timedelta | None = None
    overwritten: Literal["error", "ignore", "replace"] = "error"
    max_objects: int | None = None
    max_bytes: int | None = None

    @property
    def dated(self) -> bool:
        """Whether the prefix holds a date."""
        return "{" in self.prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectLimit:
    """How many rejected records a batch may have: the greater of a fraction of its records and a number.

    >>> RejectLimit(fraction=Decimal("0.01"), at_least=10).allowed(5_000)
    50
    >>> RejectLimit(fraction=Decimal("0.01"), at_least=10).allowed(200)
    10
    """

    fraction: Decimal = Decimal("0.01")
    at_least: int = 10

    def allowed(self, records: int) -> int:
        """The greatest number of rejects with which a batch of so many records is published."""
        return max(int(self.fraction * records), self.at_least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One raw feed. `feed` holds everything that decides what a record becomes; the rest decides what is read when.

    `lookback` is in whole days. `latest_by` None: the first by (object, offset) wins within a batch. `pii_key` is a
    reference. `descriptions` maps `table.column` to what the user wrote about it.
    """

    name: str
    description: str = ""
    owner: str = ""
    objects: ObjectRules
    feed: Feed
    lookback: timedelta = timedelta(days=7)
    latest_by: str | None = None
    reject_limit: RejectLimit = field(default_factory=RejectLimit)
    pii_key: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)

    @property
    def tables(self) -> Mapping[str, Contract]:
        """The lake tables the source fills, by name; the first is the main one."""
        return {contract.table: contract for contract in self.feed.tables}
