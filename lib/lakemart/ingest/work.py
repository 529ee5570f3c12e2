"""From a planned batch to everything that may be committed of it, weighed: the story of the passes in their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from lakemart.errors import DataError
from lakemart.ingest.balance import Weighed, unbalanced
from lakemart.ingest.batch import (
    Batch,
    decode_tasks,
    losers_of,
    read_batch_keys,
    removed,
    rewritten,
    write_kept_records,
    write_objects,
)
from lakemart.ingest.census import UnknownField, merged
from lakemart.ingest.edits import EditReport
from lakemart.ingest.files import merged_files
from lakemart.ingest.kept import KeptReport, Move
from lakemart.ingest.objects import ObjectBooks, total
from lakemart.ingest.outgoing import Outgoing, take_out
from lakemart.ingest.returning import bereaved, kept_bytes, quarantined
from lakemart.ingest.tables import resolutions_schema, resolutions_table
from lakemart.lake.actions import AddedFile
from lakemart.lake.write import FileTarget, write_files
from lakemart.ledger.protocol import Refusal
from lakemart.ledger.standing import Standing, standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A batch whose files are written.

    `books` are of its objects, `adjustments` of others it changes; `read` are the sums over what it decoded, whatever it
    takes out for it.
    """

    batch: Batch
    books: tuple[ObjectBooks, ...]
    adjustments: tuple[ObjectBooks, ...]
    read: Mapping[str, int]
    unknown: tuple[UnknownField, ...]
    files: Mapping[str, tuple[AddedFile, ...]]
    edits: Mapping[str, Sequence[EditReport]]
    before: Mapping[str, Standing]

    def adds(self, table: str) -> tuple[AddedFile, ...]:
        """The files that come into a table."""
        return (*self.files.get(table, ()), *rewritten(self.edits, table))

    def removes(self, table: str) -> tuple[AddedFile, ...]:
        """The files that go out of it."""
        return removed(self.edits, table)

    def payload(self) -> dict[str, Any]:
        """What the decision says of it, besides the tables' changes."""
        return {
            "objects": [book.as_json() for book in self.books],
            "adjustments": [book.as_json() for book in self.adjustments],
            "books": total([*self.books, *self.adjustments]),
            "read": dict(self.read),
            "unknown": [asdict(field) for field in self.unknown],
        }

    def unbalanced(self) -> list[str]:
        """The equations that do not hold."""
        weighed = Weighed(
            feed=self.batch.feed,
            books=[*self.books, *self.adjustments],
            files=self.files,
            edits=self.edits,
            before=self.before,
        )
        return unbalanced(weighed)


def work(batch: Batch) -> Done | Refusal:
    """Does a batch up to the gate.

    Refuses when an object could be read in one pass and not in the other, for then losers were chosen wrongly, and when
    a record that would come back was kept without its bytes.
    """
    tasks, size = decode_tasks(batch)
    keyed = read_batch_keys(batch, tasks, size)
    try:
        kept = quarantined(batch) if batch.plan["kind"] == "replay" else bereaved(batch, keyed)
    except DataError as error:
        return Refusal(reasons=(error.what, error.next_step), payload={})
    size_kept = kept_bytes(kept)
    losers = {} if keyed is None else losers_of(batch, keyed, kept, size_kept)
    reports = write_objects(batch, tasks, losers, size)
    books = tuple(book for report in reports for book in report.books)
    read = frozenset(book.key for book in books if book.status == "read")
    if keyed is not None and keyed.readable != read:
        changed = ", ".join(sorted(keyed.readable ^ read))
        return Refusal(reasons=(f"objects changed while they were read: {changed}",), payload={}, stops=False)
    again = write_kept_records(batch, kept, losers, size_kept)
    moves = tuple(move for report in again for move in report.moves)
    gone = batch.takes_out & read
    before = standing(batch.target.lake, f"source/{batch.source}", gone) if gone else {}
    edits = take_out(batch, Outgoing(gone=gone, moves=moves))
    resolved = _resolutions(batch, moves) if batch.plan["kind"] == "replay" else {}
    adjusted = [book for report in again for book in report.books]
    return Done(
        batch=batch,
        books=books,
        adjustments=(*(_taken_out(one) for one in before.values()), *adjusted),
        read=_read(books, again) if batch.plan["kind"] == "replay" else total(books),
        unknown=merged(field for report in reports for field in report.unknown),
        files=merged_files([*(report.files for report in reports), *(report.files for report in again), resolved]),
        edits=edits,
        before=before,
    )


def _taken_out(one: Standing) -> ObjectBooks:
    """The adjusting entry that takes out all that the ledger holds of an object."""
    counts: dict[str, Any] = {name: -count for name, count in one.counts.items()}
    return ObjectBooks(
        key=one.key, etag=one.etag, size=one.size, order=one.order, status="replaced", reason="read anew", **counts
    )


def _read(books: Sequence[ObjectBooks], again: Sequence[KeptReport]) -> dict[str, int]:
    """What a replay decoded, and what it came to."""
    sums = total(books)
    for report in again:
        sums["records"] += report.records
        sums["quarantined"] += report.stayed
        for move in report.moves:
            sums[move.becomes] += 1
    return sums


def _resolutions(batch: Batch, moves: Sequence[Move]) -> dict[str, tuple[AddedFile, ...]]:
    """The rows that say which quarantined records the batch resolved."""
    if not moves:
        return {}
    table, schema, target = resolutions_table(batch.target.main), resolutions_schema(), batch.target
    rows = [
        {
            "batch": target.number, "run": target.run, "object": move.key, "offset": move.offset,
            "outcome": move.becomes, "contract": target.feed.version,
        }
        for move in moves
    ]  # fmt: skip
    place = FileTarget(root=target.lake.child(table), schema=schema, partition_by=None, number=target.number)
    batches = pa.Table.from_pylist(rows, schema=schema).to_batches()
    return {table: tuple(write_files(batches, place))}
