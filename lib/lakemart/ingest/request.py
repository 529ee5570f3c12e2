"""What a person may ask of a source beyond what is new: to accept, to replay its quarantine, to read slices again."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from lakemart.ingest.objects import RawObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """Objects to take as far as they can be read and whatever is rejected, and why.

    With `leaves_lost`, duplicates that would come back and can be read nowhere any more stay what they are.
    """

    objects: tuple[RawObject, ...]
    reason: str
    leaves_lost: bool = False

    @property
    def kind(self) -> Literal["accept"]:
        """The kind of batch this asks for."""
        return "accept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The open records of the quarantine, to be decoded again under today's contract."""

    @property
    def kind(self) -> Literal["replay"]:
        """The kind of batch this asks for."""
        return "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The slices from `first` to `last`, both included, to be read again from raw; None is without a bound."""

    first: str | None
    last: str | None

    @property
    def kind(self) -> Literal["backfill"]:
        """The kind of batch this asks for."""
        return "backfill"

    def wants(self, slices: Collection[str | None]) -> bool:
        """Whether an object with records in these slices is to be read again; one with none, all rejected, is."""
        return not slices or any(self._holds(value) for value in slices)

    def _holds(self, value: str | None) -> bool:
        if value is None:
            return False
        bounds = [bound for bound in (self.first, self.last) if bound is not None]
        if _are_integers([value, *bounds]):
            low, high = (None if bound is None else int(bound) for bound in (self.first, self.last))
            return (low is None or low <= int(value)) and (high is None or int(value) <= high)
        return (self.first is None or self.first <= value) and (self.last is None or value <= self.last)


Request = Acceptance | Replay | Backfill


def _are_integers(texts: Iterable[str]) -> bool:
    return all(text.removeprefix("-").isdecimal() for text in texts)
