"""The demo project's marts computed from the raw files with plain Python: no lakemart, no Spark, no Arrow.

What the tests compare with. Rows are tuples in the order of the model's columns, sorted.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

Event = dict[str, Any]
Rows = list[tuple[Any, ...]]


def events(files: Iterable[Path]) -> list[Event]:
    """Every event of the files that is one JSON object a line, in order."""
    return [event for path in files for event in _lines(path)]


def _lines(path: Path) -> Iterator[Event]:
    stored = path.read_bytes()
    for line in (gzip.decompress(stored) if path.suffix == ".gz" else stored).split(b"\n"):
        if line.strip():
            yield json.loads(line)


def _at(event: Event) -> datetime:
    return datetime.fromisoformat(event["created_at"]).astimezone(UTC)


def hourly_activity(found: list[Event]) -> Rows:
    """event_date, event_hour, event_type, events, actors, repos"""
    counts: dict[tuple[date, int, str], int] = defaultdict(int)
    actors = defaultdict(set)
    repos = defaultdict(set)
    for event in found:
        at = _at(event)
        group = (at.date(), at.hour, event["type"])
        counts[group] += 1
        login, name = event.get("actor", {}).get("login"), event.get("repo", {}).get("name")
        actors[group] |= {login} - {None}
        repos[group] |= {name} - {None}
    return sorted((*group, count, len(actors[group]), len(repos[group])) for group, count in counts.items())


def repository_days(found: list[Event]) -> Rows:
    """event_date, repo_name, pushes, commits, watchers_gained, pushers"""
    totals: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    pushers = defaultdict(set)
    for event in found:
        name = event.get("repo", {}).get("name")
        if name is None:
            continue
        group = (_at(event).date(), name)
        total = totals[group]
        if event["type"] == "PushEvent":
            total[0] += 1
            total[1] += event["payload"].get("size") or 0
            pushers[group] |= {event.get("actor", {}).get("login")} - {None}
        elif event["type"] == "WatchEvent" and event["payload"].get("action") == "started":
            total[2] += 1
    return sorted((*group, *total, len(pushers[group])) for group, total in totals.items())


def push_share(found: list[Event]) -> Rows:
    """event_date, repo_name, pushes, day_pushes, share"""
    days: dict[date, int] = defaultdict(int)
    for event in found:
        days[_at(event).date()] += event["type"] == "PushEvent"
    rows = []
    for day, name, pushes, *_ in repository_days(found):
        if pushes:
            share = (Decimal(pushes) / Decimal(days[day])).quantize(Decimal("0.000001"), ROUND_HALF_UP)
            rows.append((day, name, pushes, days[day], share))
    return rows


MARTS = {"hourly_activity": hourly_activity, "repository_days": repository_days, "push_share": push_share}
