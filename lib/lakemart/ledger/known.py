"""What is known of each raw object of a source, from the ledger: the last etag read under its key, and how that went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lakemart.lake.append import appended_number, open_appended
from lakemart.lake.read import read_table
from lakemart.ledger import records
from lakemart.ledger.projection import application, table_name
from lakemart.ledger.records import Json
from lakemart.storage.store import Location, open_store


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownObject:
    """The last reading of a key: its etag, the number that read it, and the etag last read well (None: never)."""

    etag: str
    number: int
    good_etag: str | None

    @property
    def read_well(self) -> bool:
        """Whether any version of this key was ever read well; a key that never was is new under another etag."""
        return self.good_etag is not None

    @property
    def is_damaged(self) -> bool:
        """Whether the version last read could not be used."""
        return self.good_etag != self.etag


def known_objects(lake: Location, writer: str) -> dict[str, KnownObject]:
    """What is known of every key that a committed number of the source read, well or as damaged."""
    known: dict[str, KnownObject] = {}
    for number, item in _readings(lake, writer):
        if item["status"] not in ("read", "damaged"):  # an adjusting entry is no reading
            continue
        before = known.get(item["key"])
        good = item["etag"] if item["status"] == "read" else (before.good_etag if before else None)
        known[item["key"]] = KnownObject(etag=item["etag"], number=number, good_etag=good)
    return known


def _readings(lake: Location, writer: str) -> Iterator[tuple[int, Json]]:
    """Every object of every committed number, in order: from the projection as far as it goes, then from the records."""
    table = open_appended(lake, table_name("objects"))
    through = appended_number(table, application(writer))
    if table is not None:
        columns = ["writer", "number", "key", "etag", "status"]
        stored = read_table(lake, table_name("objects"), table.version(), columns=columns).sort_by("number")
        yield from ((row["number"], row) for row in stored.to_pylist() if row["writer"] == writer)
    for record in records.numbers(open_store(lake), writer, after=through):
        if record.committed and record.decision is not None:
            yield from ((record.number, item) for item in record.decision["objects"])
