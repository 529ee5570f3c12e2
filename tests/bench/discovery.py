"""How long a run takes to find 20,000 new objects beside a million known ones, in how much memory; and
how long one with dated keys takes to find nothing.

The raw zone is a listing made up on the fly, so that what is measured is lakemart's walk and its index. Run it by
`python tests/bench/discovery.py`; arguments: known objects, new objects.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from lakemart.config.source import ObjectRules
from lakemart.ingest.discover import Search, discover
from lakemart.ledger import index
from lakemart.ledger.index import Reading
from lakemart.ledger.known import known_stream
from lakemart.storage.local import LocalStore
from lakemart.storage.opening import open_store
from lakemart.storage.store import Location, ObjectInfo

WRITER = "source/s"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)
DATED = ObjectRules(prefix="events/{yyyy}/{MM}/{dd}/", closed_after=timedelta(days=7))


class Listing(LocalStore):
    """A raw zone of so many keys, every n-th of which is new."""

    def __init__(self, keys: int, every: int) -> None:
        super().__init__(Location(uri=tempfile.gettempdir()))
        self._keys, self._every = keys, every

    def list(self, prefix: str = "", *, start_after: str = "") -> Iterator[ObjectInfo]:
        for number in range(bisect_right(range(self._keys), start_after, key=name), self._keys):
            key = name(number)
            if key.startswith(prefix):
                etag = "new" if number % self._every == 0 else f"etag-of-{number:032d}"
                yield ObjectInfo(key=f"{key}-new" if etag == "new" else key, size=1000, etag=etag, modified=NOW)


def name(number: int) -> str:
    """The key of one object."""
    day = FIRST_DAY + timedelta(days=number // 1_000)
    return f"events/{day:%Y/%m/%d}/part-{number:09d}.json.gz"


def main(known: int, new: int) -> None:
    """Prints figures of one discovery."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Location(uri=folder)
        readings = ((name(n), Reading(f"etag-of-{n:032d}", 1, f"etag-of-{n:032d}")) for n in range(known))
        began = time.process_time()
        index.write(open_store(lake), WRITER, 1, readings)
        written = time.process_time() - began
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.process_time()
        found = discover(
            Listing(known, known // new), ObjectRules(), known_stream(lake, WRITER), NOW, Search(objects=50_000)
        )
        spent = time.process_time() - began
        began = time.process_time()
        last_week = FIRST_DAY + timedelta(days=known // 1_000 - 7)
        open_dates = Search(objects=50_000, since=last_week)
        dated = discover(Listing(known, known), DATED, known_stream(lake, WRITER), NOW, open_dates)
        spent_dated = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"known {known:,}, new {len(found.new):,}")
    print(f"index written in {written:.1f} s of CPU, discovery in {spent:.1f} s")
    print(f"of a dated prefix, with a week open and {len(dated.new)} new: {spent_dated:.1f} s")
    print(f"peak memory of the process {peak / 1024:.0f} MB, {before / 1024:.0f} MB before the discovery")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3] or ("1000000", "20000")))
