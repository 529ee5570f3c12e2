"""Delimited text and CSV as records: lines put together where a record spans several, and cut into fields. No I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from localshift.loading.files import MAX_ROW
from localshift.loading.reading import Reading


class Record(NamedTuple):
    """One record: the number of its last line, its text, its fields; or why it could not be cut, in `code` and `reason`."""

    line: int
    raw: str
    fields: list[str | None]
    code: int = 0
    reason: str = ""


class Rows(NamedTuple):
    """Rows that PostgreSQL may read as they stand: the number of their last line, how many, their bytes."""

    line: int
    rows: int
    data: bytes


# Takes the rows that need no second look, as bytes.
Take = Callable[[], bytes]


class RowTooLong(Exception):  # noqa: N818 - names the fact; the reader of the file makes an SQL error of it
    """A record of several lines grew beyond what Redshift takes as a row."""


def csv_records(lines: Iterator[str], reading: Reading, take: Take | None = None) -> Iterator[Record | Rows]:
    """Yield the records of a CSV file; a quoted field may hold line ends. RowTooLong for one without end.

    `take` returns the bytes of the simple rows that come next.
    """
    quote, delimiter = re.escape(reading.quote), re.escape(reading.delimiter)
    blank = r"[ \t]*" if reading.delimiter not in " \t" else ""
    body = f"(?:[^{quote}]|{quote}{quote})*"
    field = re.compile(f"(?:{blank}{quote}({body}){quote}{blank}|([^{quote}{delimiter}]*))(?={delimiter}|\\Z)")
    begun = re.compile(f"{blank}{quote}{body}\\Z")
    for number, line in _numbered(lines, reading, take):
        if isinstance(line, Rows):
            yield line
            continue
        raw, text = line, line.removesuffix("\r")
        if reading.quote not in text:
            yield Record(number[0], text, list(text.split(reading.delimiter)))
            continue
        record = _cut(text, field, reading, number[0])
        while record is None and begun.match(text, _last_start(text, field)):
            longer = _continued(lines, number, raw, reading.quote)
            if longer == raw:
                break
            raw = longer
            text = raw.removesuffix("\r")
            record = _cut(text, field, reading, number[0])
        yield record or Record(number[0], text, [], 1214, "Invalid quote formatting for CSV")


def _continued(lines: Iterator[str], number: list[int], raw: str, until: str) -> str:
    """Return a record with the lines that follow it, up to one that holds `until`; itself at the end of the file."""
    pieces, size = [raw], len(raw)
    for more in lines:
        number[0] += 1
        pieces.append(more.removesuffix("\n"))
        size += len(more)
        if size > MAX_ROW:
            raise RowTooLong
        if until in more:
            break
    return "\n".join(pieces)


def _last_start(raw: str, field: re.Pattern[str]) -> int:
    """Return where the first field begins that does not match."""
    position = 0
    while (found := field.match(raw, position)) is not None and found.end() < len(raw):
        position = found.end() + 1
    return position


def _cut(raw: str, field: re.Pattern[str], reading: Reading, line: int) -> Record | None:
    fields: list[str | None] = []
    position = 0
    while (found := field.match(raw, position)) is not None:
        quoted = found.group(1)
        fields.append(found.group(2) if quoted is None else quoted.replace(reading.quote * 2, reading.quote))
        if found.end() == len(raw):
            return Record(line, raw, fields)
        position = found.end() + 1
    return None


def text_records(lines: Iterator[str], reading: Reading, take: Take | None = None) -> Iterator[Record | Rows]:
    """Yield the records of delimited text; with ESCAPE a line end behind a backslash belongs to the field.

    `take` returns the bytes of the simple rows that come next.
    """
    plain = not reading.escape and not reading.remove_quotes
    for number, line in _numbered(lines, reading, take):
        if isinstance(line, Rows):
            yield line
            continue
        raw = line.removesuffix("\r")
        while reading.escape and (len(raw) - len(raw.rstrip("\\"))) % 2:
            longer = _continued(lines, number, raw, "").removesuffix("\r")
            if longer == raw:
                break
            raw = longer
        if plain:
            yield Record(number[0], raw, list(raw.split(reading.delimiter)))
        else:
            yield _cut_text(raw, reading, number[0])


def _numbered(lines: Iterator[str], reading: Reading, take: Take | None) -> Iterator[tuple[list[int], str | Rows]]:
    """Yield each line without its end and the count of lines so far, in a cell the caller adds to when it takes more."""
    number = [0]
    while True:
        if take is not None and number[0] >= reading.ignore_header and (data := take()):
            count = data.count(b"\n")
            number[0] += count
            # PostgreSQL wants all lines of a COPY to end alike.
            yield number, Rows(number[0], count, data.replace(b"\r\n", b"\n"))
            continue
        line = next(lines, None)
        if line is None:
            return
        number[0] += 1
        if number[0] <= reading.ignore_header:
            continue
        if reading.ignore_blank_lines and not line.strip("\r\n"):
            continue
        yield number, line.removesuffix("\n")


def _cut_text(raw: str, reading: Reading, line: int) -> Record:
    fields: list[str | None] = []
    position = 0
    while True:
        if reading.remove_quotes and raw[position : position + 1] in ("'", '"') and raw[position : position + 1]:
            value, position = _quoted(raw, position, reading)
            if position < 0:
                return Record(line, raw, [], 1214, "Delimited value missing end quote")
        else:
            value, position = _unquoted(raw, position, reading)
        fields.append(value)
        if position >= len(raw):
            return Record(line, raw, fields)
        position += 1
        if position == len(raw):
            return Record(line, raw, [*fields, ""])


def _unquoted(raw: str, start: int, reading: Reading) -> tuple[str | None, int]:
    """Return the field that begins here and where its delimiter stands."""
    if not reading.escape:
        end = raw.find(reading.delimiter, start)
        end = len(raw) if end < 0 else end
        return raw[start:end], end
    end = start
    while end < len(raw) and raw[end] != reading.delimiter:
        end += 2 if raw[end] == "\\" else 1
    return _unescaped(raw[start:end], reading), min(end, len(raw))


def _quoted(raw: str, start: int, reading: Reading) -> tuple[str | None, int]:
    """Return the content of the quoted field that begins here and where its delimiter stands; -1 without an end quote."""
    end = start + 1
    while end < len(raw):
        if reading.escape and raw[end] == "\\":
            end += 2
            continue
        if raw[end] == raw[start] and (end + 1 == len(raw) or raw[end + 1] == reading.delimiter):
            text = raw[start + 1 : end]
            return (_unescaped(text, reading) if reading.escape else text), end + 1
        end += 1
    return None, -1


def _unescaped(text: str, reading: Reading) -> str | None:
    if reading.null == "\\N" and text in ("\\N", "\\\\N"):
        return None
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL) if "\\" in text else text
