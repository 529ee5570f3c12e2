"""What identifies a record and what a table is partitioned by: chosen when certain, else only spoken of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from lakemart.contract.types import ColumnType
from lakemart.infer.columns import Found, Table
from lakemart.infer.kinds import Kind
from lakemart.infer.naming import free

IDENTITIES: Final = ("id", "uuid", "guid")
RECORD_WORDS: Final = frozenset({"event", "record", "message"})
OTHER: Final = len(IDENTITIES) + 2
ENOUGH: Final = 20
"""With fewer records than these, that a column `…_id` has no value twice says little."""

_TIMES: Final = (
    "occurred_at", "event_time", "event_timestamp", "event_at", "created_at", "timestamp", "time", "ts", "datetime",
    "created", "updated_at",
)  # fmt: skip
"""Names of the time at which the thing happened that a record tells of, the best first."""

_SUFFIXES: Final = ("_datetime", "_timestamp", "_time", "_at", "_ts", "_ts_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The key column, if one is certain, and the columns that could be one."""

    column: str = ""
    candidates: tuple[str, ...] = ()


def key_of(table: Table) -> Key:
    """The key: a unique `id`, or the only unique `…_id` at the top of enough records. Id-like candidates come first."""
    unique = sorted((c for c in table.columns if c.unique), key=lambda c: (_rank(c), len(c.path)))
    names = tuple(column.name for column in unique)
    top = [column for column in unique if len(column.path) == 1]
    if table.records < 2 or not top:
        return Key(candidates=names if table.records > 1 else ())
    best = top[0]
    rivals = [column for column in top if _rank(column) == _rank(best)]
    named = _rank(best) < OTHER and len(rivals) == 1
    certain = named and (best.name in IDENTITIES or table.records >= ENOUGH)
    chosen = best.name if certain else ""
    return Key(column=chosen, candidates=tuple(name for name in names if name != chosen))


def _rank(column: Found) -> int:
    """How much the name says that the column identifies the record itself: 0 most, OTHER nothing."""
    if column.name in IDENTITIES and len(column.path) == 1:
        return IDENTITIES.index(column.name)
    stem, _, last = column.name.rpartition("_")
    if last not in IDENTITIES:
        return OTHER
    return OTHER - 2 if stem in RECORD_WORDS else OTHER - 1


def with_partition(table: Table) -> tuple[tuple[Found, ...], str]:
    """The columns with the day of the best time among them, and the one to partition by, empty when none is sure."""
    times = [c for c in table.columns if c.required and c.kind.type.kind == "timestamp"]
    if not times:
        days = [c.name for c in table.columns if c.required and c.kind.type.kind == "date"]
        return table.columns, days[0] if days else ""
    best = min(times, key=lambda c: (len(c.path), _TIMES.index(c.name) if c.name in _TIMES else len(_TIMES)))
    name = free(_day_name(best.name), [column.name for column in table.columns])
    kind = Kind(type=ColumnType("date"))
    day = Found(name=name, path=(), kind=kind, seen=best.seen, required=False, date_of=best.name)
    at = table.columns.index(best) + 1
    return (*table.columns[:at], day, *table.columns[at:]), name


def in_order(columns: Iterable[Found], key: str, partition_by: str) -> tuple[Found, ...]:
    """The key, the day with its time before it, then all others as they stand in the records."""
    found = tuple(columns)
    time = next((column.date_of for column in found if column.name == partition_by), "")
    first = [name for name in dict.fromkeys([key, time, partition_by]) if name]
    return tuple(sorted(found, key=lambda column: first.index(column.name) if column.name in first else len(first)))


def _day_name(time: str) -> str:
    """The name of the day of a time column.

    >>> _day_name("created_at"), _day_name("timestamp"), _day_name("event_date")
    ('created_date', 'event_date', 'event_date_day')
    """
    stem = next((time.removesuffix(end) for end in _SUFFIXES if time.endswith(end)), "")
    if time.endswith("_date") or time == "date":
        return f"{time}_day"
    return f"{stem or 'event'}_date"
