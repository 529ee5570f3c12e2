"""The quarantine as people look at it: reasons with counts and samples, and the exact bytes on request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.config.secrets import resolve
from lakemart.config.source import Source
from lakemart.errors import ConfigError
from lakemart.ingest.evidence import read_evidence
from lakemart.ingest.tables import quarantine_table
from lakemart.lake.read import read_files, snapshot
from lakemart.ledger.records import last_versions
from lakemart.pipeline.context import Context
from lakemart.storage.opening import open_store

_SAMPLES = 3
_SAMPLE_BYTES = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineSample:
    """One rejected record: where it stands and the beginning of it, as text with what cannot be shown escaped."""

    object: str
    offset: int
    length: int
    message: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineGroup:
    """The rejects of one source with the same reason and column. `samples` are the first few."""

    source: str
    reason: str
    column: str | None
    count: int
    samples: tuple[QuarantineSample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineReport:
    """The groups of the sources asked for, by source, the most frequent reason first."""

    groups: tuple[QuarantineGroup, ...]

    def as_json(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return asdict(self)


def quarantine(context: Context, source: str | None = None) -> QuarantineReport:
    """Groups what is open in quarantine; resolved records are not shown. Raises ConfigError for a source the project does not have."""
    groups: list[QuarantineGroup] = []
    for one in _sources(context, source):
        groups += sorted(_groups(one, _rows(context, one)), key=lambda group: -group.count)
    return QuarantineReport(groups=tuple(groups))


def export_quarantine(context: Context, source: str | None, sink: BinaryIO) -> int:
    """Writes the exact bytes of every rejected record that is open, in the order they were read, each with a newline after it.

    Returns how many records were written. Raises ConfigError when they are sealed and the source's key is not to be had.
    """
    count = 0
    for one in _sources(context, source):
        store = open_store(context.lake.child(quarantine_table(one.feed.tables[0].table)))
        key = resolve(one.pii_key).reveal().encode() if one.pii_key else None
        parts = list(_rows(context, one))
        if not parts:
            continue
        table = pa.concat_tables(parts).sort_by([(name, "ascending") for name in ("batch", "object", "offset")])
        for row in table.select(["raw", "raw_object", "cipher"]).to_pylist():
            sink.writelines(read_evidence(store, row, key))
            sink.write(b"\n")
            count += 1
    return count


def _sources(context: Context, name: str | None) -> list[Source]:
    sources = context.project.sources
    if name is None:
        return list(sources.values())
    if name not in sources:
        raise ConfigError(
            f"there is no source {name!r}", next_step=f"The project has {', '.join(sources) or 'no sources'}."
        )
    return [sources[name]]


def _rows(context: Context, source: Source) -> Iterator[pa.Table]:
    """The open rows of the quarantine at the version of the last committed batch, a table a file."""
    name = quarantine_table(source.feed.tables[0].table)
    version = last_versions(context.store, f"source/{source.name}").get(name)
    found = snapshot(context.lake, name, version) if version is not None else None
    if found is not None:
        for rows in read_files(context.lake.child(name), found.files, found.schema):
            yield rows.filter(pc.is_null(rows.column("resolved_by")))


def _groups(source: Source, tables: Iterator[pa.Table]) -> list[QuarantineGroup]:
    counts: dict[tuple[str, str | None], int] = {}
    samples: dict[tuple[str, str | None], list[QuarantineSample]] = {}
    for table in tables:
        for row in table.select(
            ["object", "offset", "length", "reason", "column", "message", "raw", "cipher"]
        ).to_pylist():
            place = (row["reason"], row["column"])
            counts[place] = counts.get(place, 0) + 1
            if len(samples.setdefault(place, [])) < _SAMPLES:
                samples[place].append(
                    QuarantineSample(
                        object=row["object"], offset=row["offset"], length=row["length"], message=row["message"],
                        text=_shown(row["raw"], row["cipher"]),
                    )
                )  # fmt: skip
    return [
        QuarantineGroup(
            source=source.name, reason=reason, column=column, count=count, samples=tuple(samples[reason, column])
        )
        for (reason, column), count in counts.items()
    ]


def _shown(raw: bytes | None, cipher: str | None) -> str:
    if cipher is not None:
        return f"(sealed, {cipher})"
    if raw is None:
        return "(too long to show)"
    text = raw[:_SAMPLE_BYTES].decode("utf-8", "backslashreplace")
    shown = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    return shown + ("…" if len(raw) > _SAMPLE_BYTES else "")
