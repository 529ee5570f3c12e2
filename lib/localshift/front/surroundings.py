"""What all sessions of a server share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localshift.faults import Faults
from localshift.history import History
from localshift.loading.load import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all sessions of a server share; `writers` are the transactions that last wrote to tables, by their numbers."""

    history: History
    stores: Stores
    builtins: frozenset[str]
    columns: Mapping[str, frozenset[str]]
    faults: Faults | None = None
    isolation: str = "Snapshot Isolation"
    writers: dict[int, int] = field(default_factory=dict)
