"""What one COPY or UNLOAD did, filled while it runs so that a failure can say how far it came, and its rows in the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from localshift.history import Entry, History, Who

# Redshift's log of load errors shows no more of a line and of a field.
RAW_LENGTH = 1024
INSERT_ROWS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A row that was not loaded, as the load-error tables show it. `line` counts from 1, `position` from 0."""

    file: str
    line: int
    code: int
    reason: str
    column: str = ""
    kind: str = ""
    length: str = ""
    position: int = 0
    raw_line: str = ""
    raw_field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedFile:
    """One file that was read or written: its rows, the lines and bytes of the object, the rows refused, and when."""

    url: str
    rows: int
    lines: int
    size: int
    started: datetime
    errors: int = 0
    slice: int = 0
    ended: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True, kw_only=True)
class Load:
    """A COPY on its way: its files, the rows it refused (the first are kept), the file it is at. `dry` loads count no rows."""

    table: str
    source: str
    file_format: str
    dry: bool = False
    table_id: int = 0
    expected: list[tuple[str, int]] = field(default_factory=list)
    files: list[MovedFile] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    rejected: int = 0
    current: str = ""

    @property
    def rows(self) -> int:
        """The rows loaded so far."""
        return 0 if self.dry else sum(file.rows for file in self.files)


@dataclass(slots=True, kw_only=True)
class Unloaded:
    """An UNLOAD on its way: the files it has written."""

    location: str
    file_format: str
    compression: str
    files: list[MovedFile] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """The rows written so far."""
        return sum(file.rows for file in self.files)


async def record_load(history: History, entry: Entry, who: Who, load: Load) -> None:
    """Write the rows of a finished COPY: its own, one a file, one a refused row; a failure without one gets a row too."""
    failed = bool(entry.error)
    scanned = sum(file.size for file in load.files)
    values: list[object] = [entry.query_id, who.user, who.database, who.transaction, who.pid]
    values += ["aborted" if failed else "completed", load.table, _time(entry.started), _time(datetime.now(UTC))]
    values += [load.source, load.file_format, 0 if failed else load.rows, 0 if failed or load.dry else scanned]
    values += [len(load.expected), sum(size for _, size in load.expected), len(load.files), scanned]
    values += [load.rejected, entry.error[:512]]
    await history.insert("load_history", [values])
    rejects = load.rejects
    if failed and not rejects:
        rejects = [Reject(file=load.current or load.source, line=0, code=0, reason=entry.error)]
    await _insert(history, "load_errors", [_reject(entry, who, load, reject) for reject in rejects])
    await _insert(
        history,
        "load_files",
        [_file(entry, who, load, file, committed=not failed and not load.dry) for file in load.files],
    )


async def record_unload(history: History, entry: Entry, who: Who, unload: Unloaded) -> None:
    """Write the rows of a finished UNLOAD: its own and one a file; a failed one shows the files it left behind."""
    values: list[object] = [entry.query_id, who.user, who.database, who.transaction, who.pid]
    values += ["aborted" if entry.error else "completed", _time(entry.started), _time(datetime.now(UTC))]
    values += [unload.file_format, unload.compression, unload.location, unload.rows, len(unload.files)]
    values += [sum(file.size for file in unload.files), entry.error[:512]]
    await history.insert("unload_history", [values])
    head = [entry.query_id, who.user, who.transaction, who.pid]
    await _insert(
        history,
        "unload_files",
        [
            [*head, file.url, unload.file_format.lower(), file.slice, file.lines, file.size, *_times(file)]
            for file in unload.files
        ],
    )


async def _insert(history: History, table: str, rows: Sequence[list[object]]) -> None:
    for start in range(0, len(rows), INSERT_ROWS):
        await history.insert(table, rows[start : start + INSERT_ROWS])


def _file(entry: Entry, who: Who, load: Load, file: MovedFile, *, committed: bool) -> list[object]:
    values: list[object] = [entry.query_id, who.user, file.url, load.file_format.lower(), file.lines, file.size]
    return [*values, file.errors, "t" if committed else "f", *_times(file)]


def _times(file: MovedFile) -> tuple[str, str]:
    return _time(file.started), _time(file.ended)


def _reject(entry: Entry, who: Who, load: Load, reject: Reject) -> list[object]:
    values: list[object] = [entry.query_id, who.user, who.database, who.transaction, who.pid, load.table_id]
    values += [
        _time(entry.started),
        reject.file,
        reject.line,
        reject.column[:127],
        reject.kind[:10],
        reject.length[:10],
    ]
    values += [reject.position, _ascii(reject.raw_line), _ascii(reject.raw_field), reject.code, reject.reason[:512]]
    return values


def _ascii(text: str) -> str:
    """Return the text as the log shows it: multi-byte characters are periods."""
    return "".join(char if char.isascii() and char != "\0" else "." for char in text[:RAW_LENGTH])


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
