"""JSON whose lines are alike: objects of the same flat keys in the same order, made into CSV many at a time.

What a line must look like is learned from one that went the slow way. Whatever differs (an escape in a string, a nested
value, a value its column would not take as it is) goes the slow way too. No I/O.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from localshift.loading.columns import Column
from localshift.loading.files import MAX_ROW, Lines
from localshift.loading.reading import Reading
from localshift.loading.simple import DIGITS, field_value

# How many lines are looked at before the file is taken for one without a common shape.
LESSONS = 8
LONGEST_UNKNOWN = 1000
# Begins the group of what goes into a column; no pattern holds it otherwise.
KEPT = "(\0"
NUMBER = r"-?(?:0|[1-9]\d{0,8})(?:\.\d{1,6})?"
BINARY = r"-?(?:0|[1-9]\d{0,7})"
BARE = {"double precision": BINARY + r"(?:\.\d{1,20})?", "real": BINARY + r"(?:\.\d{1,7})?", "boolean": "true|false"}
UNKNOWN = rf'(?:"[^"\\\x00-\x1f]{{0,{LONGEST_UNKNOWN}}}"|{NUMBER}|true|false|null)'


class Alike:
    """The shape of a file's lines, once it is known."""

    def __init__(self, columns: Sequence[Column], reading: Reading) -> None:
        self.columns = columns
        self.reading = reading
        self.lessons = 0 if reading.trim_blanks or reading.blanks_as_null else LESSONS
        self.keys: list[str] = []
        self.many: re.Pattern[bytes] | None = None
        self.one: re.Pattern[bytes] | None = None
        self.row = b""

    def take(self, lines: Lines) -> bytes:
        """Return the lines that come next and are of the shape, as CSV with commas."""
        if self.many is None or self.one is None:
            return b""
        return self.one.sub(self.row, lines.take(self.many))

    def learn(self, line: str) -> None:
        """Take the shape from a line of one object, unless it is the known one."""
        if not self.lessons:
            return
        self.lessons -= 1
        try:
            pairs = json.loads(line, object_pairs_hook=list)
        except (ValueError, RecursionError):
            return
        keys = [key for key, _ in pairs]
        if keys != self.keys and len(set(map(str.lower, keys))) == len(keys):
            self.keys = keys
            self.many = self.one = None
            self._compile()

    def _compile(self) -> None:
        ignores_case = self.reading.json == "auto ignorecase"
        names = [key.lower() if ignores_case else key for key in self.keys]
        columns = {column.name: column for column in self.columns}
        values = [_value(columns[name], self.reading) if name in columns else UNKNOWN for name in names]
        absent = [column for column in self.columns if column.name not in names]
        size = sum(column.length if column.is_text else 64 for column in self.columns) + LONGEST_UNKNOWN * len(names)
        written = [json.dumps(key, ensure_ascii=False) for key in self.keys]
        if not all(values) or any(column.not_null for column in absent) or size > MAX_ROW or "\\" in "".join(written):
            return
        members = [f"{re.escape(key)} ?: ?{value}" for key, value in zip(written, values, strict=True)]
        line = r"\{" + ", ?".join(members) + r"\}\r?\n"
        # Of many lines none is remembered: groups in a possessive repeat break Python's re.
        self.many = re.compile(f"(?:{line.replace(KEPT, '(?:')})*+".encode())
        self.one = re.compile(line.replace(KEPT, "(").encode())
        groups = {name: number for number, name in enumerate((name for name in names if name in columns), 1)}
        fields = [f"\\g<{groups[column.name]}>" if column.name in groups else "" for column in self.columns]
        self.row = (",".join(fields) + "\n").encode()


def _value(column: Column, reading: Reading) -> str:
    """Return the pattern of a column's simple values, with what goes into the column in a group; empty where there are none."""
    if column.is_text:
        # What ACCEPTINVCHARS may replace has a second look.
        ascii_only = r"\x80-\xff" if column.kind != "character varying" or reading.invalid else ""
        least = int(reading.empty_as_null)
        value = rf'"[^"\\\x00-\x1f{ascii_only}]{{{least},{column.length}}}+"' if column.length else ""
        value += f"|{NUMBER}" if column.length > len("-123456789.123456") else ""
    else:
        bare, quoted = _bare(column), field_value(column, reading)
        value = "|".join(part for part in (bare, quoted and f'"(?:{quoted})"') if part)
    return value and (f"{KEPT}{value})" if column.not_null else f"(?:{KEPT}{value})|null)")


def _bare(column: Column) -> str:
    """Return the pattern of the numbers and truth values that stand without quotes."""
    if column.kind in DIGITS:
        return rf"-?(?:0|[1-9]\d{{0,{DIGITS[column.kind] - 1}}})"
    if column.kind == "numeric":
        whole = column.length - column.scale
        fraction = rf"(?:\.\d{{1,{column.scale}}})?" if column.scale else ""
        return (rf"-?(?:0|[1-9]\d{{0,{whole - 1}}})" if whole else "-?0") + fraction
    return BARE.get(column.kind, "")
