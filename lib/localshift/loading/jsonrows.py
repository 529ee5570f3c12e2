"""JSON files of a COPY as records: objects one after the other, their keys or jsonpaths onto columns. No I/O."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from localshift.errors import INTERNAL, SqlError, internal_detail
from localshift.loading.alike import Alike
from localshift.loading.columns import Column
from localshift.loading.fielderrors import FieldError
from localshift.loading.files import MAX_ROW, Lines
from localshift.loading.reading import Reading
from localshift.loading.records import Record, Rows, RowTooLong
from localshift.loading.superjson import checked_super

Path = tuple[str | int, ...]
# What ends or begins something: between structures, inside one, inside a string of one.
OUTSIDE = re.compile(r"\S")
INSIDE = re.compile(r'["{}\[\]]')
STRING = re.compile(r'["\\]')
STEP = re.compile(r"\.([^.\[\]'\"*]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
INVALID = "Invalid JSON: no well-formed object or array"


class Number(str):
    """A number as it is written, so that 1.10 reaches a column with its digits."""

    __slots__ = ()


@dataclass(slots=True)
class _Open:
    """A structure that has begun: its text so far and how deep the next character stands."""

    text: list[str]
    size: int = 0
    depth: int = 0
    in_string: bool = False
    garbage: bool = False


def parse_jsonpaths(text: bytes, url: str, columns: int) -> list[Path] | None:
    """Return the paths of a jsonpaths file; None when its key is another word, which means 'auto'. SqlError otherwise."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _bad_paths(f"Invalid JSONPath format: {url} is not JSON") from exc
    if not isinstance(document, dict):
        raise _bad_paths(f"Invalid JSONPath format: {url} is not an object")
    if "jsonpaths" not in document:
        return None
    expressions = document["jsonpaths"]
    if not isinstance(expressions, list) or not all(isinstance(item, str) and item for item in expressions):
        raise _bad_paths("Invalid JSONPath format: an element is empty or not a string")
    if len(expressions) != columns:
        sizes = f"JSONPath size: {len(expressions)}, Number of columns in table or column list: {columns}"
        raise _bad_paths(f"Number of jsonpaths and the number of columns should match. {sizes}")
    return [_path(item) for item in expressions]


def _path(expression: str) -> Path:
    steps: list[str | int] = []
    notations: set[str] = set()
    position = 1
    while expression.startswith("$") and position < len(expression):
        found = STEP.match(expression, position)
        if found is None:
            raise _bad_paths(f"Invalid JSONPath format: {expression}")
        steps.append(
            int(found[2]) if found[2] is not None else next(part for part in found.groups() if part is not None)
        )
        notations.add("dot" if found[1] is not None else "index" if found[2] is not None else "bracket")
        position = found.end()
    if not expression.startswith("$"):
        raise _bad_paths(f"Invalid JSONPath format: {expression}")
    if {"dot", "bracket"} <= notations:
        raise _bad_paths(f"Invalid JSONPath format: {expression} mixes dot and bracket notation")
    return tuple(steps)


def _bad_paths(message: str) -> SqlError:
    return SqlError(INTERNAL, message, detail=internal_detail(message, 8001, "JSONPaths"))


def json_records(
    lines: Iterator[str], columns: Sequence[Column], reading: Reading, paths: list[Path] | None
) -> Iterator[Record | Rows]:
    """Yield one record for each object or array; what is none is a record with a reason. Lines that are alike come together."""
    names = [column.name for column in columns]
    shaped = isinstance(lines, Lines) and reading.json in ("auto", "auto ignorecase") and paths is None
    for line, raw in _structures(lines, reading, Alike(columns, reading) if shaped else None):
        if isinstance(raw, bytes):
            yield Rows(line, raw.count(b"\n"), raw)
            continue
        if not raw.startswith(("{", "[")):
            yield Record(line, raw, [], 1216, INVALID)
            continue
        try:
            document = json.loads(raw, parse_int=Number, parse_float=Number, parse_constant=_no_constant)
            yield Record(line, raw, _fields(document, raw, columns, names, reading, paths))
        except FieldError as error:
            yield Record(line, raw, [], error.code, error.reason)
        except (ValueError, RecursionError):
            yield Record(line, raw, [], 1216, INVALID)


def _no_constant(name: str) -> object:
    raise ValueError(name)


def _fields(  # noqa: PLR0917, PLR0913 - the parts of one record, used here only
    document: object, raw: str, columns: Sequence[Column], names: list[str], reading: Reading, paths: list[Path] | None
) -> list[str | None]:
    if reading.json == "noshred":
        return [raw]
    if paths is not None:
        values = [_at(document, path) for path in paths]
    elif not isinstance(document, dict):
        raise FieldError(1216, "Invalid JSONPath format: Not an object")
    elif reading.json == "auto ignorecase":
        folded = {key.lower(): value for key, value in document.items()}
        values = [folded.get(name) for name in names]
    else:
        values = [document.get(name) for name in names]
    return [_text(value, column) for value, column in zip(values, columns, strict=True)]


def _at(document: object, path: Path) -> object:
    for step in path:
        if isinstance(step, int):
            if not isinstance(document, list) or step >= len(document):
                raise FieldError(1216, "Invalid JSONPath format: Not an array or index out of range.")
            document = document[step]
        elif document is None:
            return None
        elif not isinstance(document, dict):
            raise FieldError(1216, "Invalid JSONPath format: Member is not an object.")
        else:
            document = document.get(step)
    return document


def _text(value: object, column: Column) -> str | None:
    if value is None:
        return None
    if column.kind == "jsonb":
        return checked_super(value, written(value))
    if isinstance(value, str):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else written(value)


def written(value: object) -> str:
    """Return a value as JSON text, numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    # Loops and no comprehensions, which would take two frames of the stack for each level.
    parts: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            parts.append(f"{json.dumps(key)}:{written(item)}")
        return "{" + ",".join(parts) + "}"
    if isinstance(value, list):
        for item in value:
            parts.append(written(item))  # noqa: PERF401 - see above
        return "[" + ",".join(parts) + "]"
    return json.dumps(value, ensure_ascii=False)


def _structures(lines: Iterator[str], reading: Reading, alike: Alike | None) -> Iterator[tuple[int, str | bytes]]:
    """Yield (number of its last line, text) of each top-level structure, and of each piece of text between two.

    Lines that are alike are yielded as the bytes of their rows.
    """
    state = _Open([])
    number = 0
    while True:
        between = not state.text and number >= reading.ignore_header
        if between and alike is not None and isinstance(lines, Lines) and (rows := alike.take(lines)):
            number += rows.count(b"\n")
            yield number, rows
            continue
        line = next(lines, None)
        if line is None:
            break
        number += 1
        if number <= reading.ignore_header:
            continue
        stripped = line.strip()
        if between and stripped.startswith("{") and stripped.endswith("}") and _alone(stripped):
            yield number, stripped
            if alike is not None:
                alike.learn(stripped)
            continue
        for text in _scan(line, state):
            yield number, text
        if state.size > MAX_ROW:
            raise RowTooLong
    rest = "".join(state.text).strip()
    if rest:
        # A structure that never ended is one error, not a structure.
        yield number, rest if state.garbage else "\0" + rest


def _alone(line: str) -> bool:
    """Whether a line is one object: only then its end is where the line ends."""
    return line.count("{") == 1 and line.count("}") == 1


def _mark(state: _Open) -> re.Pattern[str]:
    return STRING if state.in_string else INSIDE if state.depth else OUTSIDE


def _scan(line: str, state: _Open) -> Iterator[str]:
    """Yield the texts that end on this line: whole structures, and what stood between two of them."""
    start = position = 0
    while (found := _mark(state).search(line, position)) is not None:
        position = found.end()
        mark = found.group()
        if state.in_string:
            # What follows a backslash ends no string.
            position += mark == "\\"
            state.in_string = mark != '"'
        elif state.depth == 0:
            state.garbage, ended = mark not in "{[", state.garbage
            if state.garbage:
                continue
            if ended:
                yield _take(state, line[start : found.start()])
            start, state.depth = found.start(), 1
        elif mark == '"':
            state.in_string = True
        else:
            state.depth += 1 if mark in "{[" else -1
            if state.depth == 0:
                yield _take(state, line[start:position])
                start = position
    if state.depth or state.garbage:
        state.text.append(line[start:])
        state.size += len(line) - start


def _take(state: _Open, last: str) -> str:
    text = "".join([*state.text, last]).strip()
    state.text, state.size = [], 0
    return text
