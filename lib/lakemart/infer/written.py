"""The contract as YAML, aligned and commented as a person would have written it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from lakemart.infer.columns import Found, Table
from lakemart.infer.keys import Key
from lakemart.infer.samples import Format

_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_]*").fullmatch
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_NAME_WIDTH: Final = 32
_TEXT_WIDTH: Final = 96
_UNPRINTABLE = re.compile(r'[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|["\\]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that the file says."""

    name: str
    prefix: str
    pattern: str
    files: int
    format: Format
    compression: tuple[str, ...]
    table: Table
    columns: tuple[Found, ...]
    key: Key
    partition_by: str
    repeated_keys: bool
    refused: Mapping[str, int] = field(default_factory=dict)
    """Records of the samples that no contract can take, by reason."""
    widths: Mapping[str, int] = field(default_factory=dict)
    """Of text and json columns: bytes of the longest value."""


def contract_text(draft: Draft) -> str:
    """The source's file. It loads with `config.load_project`."""
    return "\n".join([*_head(draft), *_keys(draft), *_columns(draft)]) + "\n"


def quoted(text: str) -> str:
    r"""A text in YAML's double quotes; `${` stands for itself.

    >>> quoted('a"b'), quoted("${x}")
    ('"a\\"b"', '"$${x}"')
    """
    return f'"{_UNPRINTABLE.sub(_escape, text.replace("${", "$${"))}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character in '"\\' else f"\\U{ord(character):08X}"


def path_text(path: tuple[str, ...]) -> str:
    """A path as people write it, `a.b`, or as a list of quoted keys when a key is no plain word."""
    plain = all(map(_BARE, path)) and not (len(path) == 1 and path[0].lower() in _WORDS)
    return ".".join(path) if plain else f"[{', '.join(map(quoted, path))}]"


def _head(draft: Draft) -> list[str]:
    files = f"{draft.files:,} file{'s' if draft.files != 1 else ''}"
    form = draft.format
    return [
        f"# Written by `lakemart new source {draft.name}` from {files} with {_counted(draft.table.records, 'record')}.",
        *_refusals(draft.refused),
        f"source: {draft.name}",
        "objects:",
        *_aligned([
            (f"  prefix: {quoted(draft.prefix)}", "where its objects lie, under the project's raw"),
            (f"  pattern: {quoted(draft.pattern)}", " and ".join(draft.compression)),
        ]),
        f"format: {form.name}" if form.name != "records" else f"format: {{records: {path_text(form.path)}}}",
        *(["duplicate_keys: last  # in some records a key stands twice"] if draft.repeated_keys else []),
        f"table: {draft.name}",
    ]  # fmt: skip


def _refusals(refused: Mapping[str, int]) -> list[str]:
    if not refused:
        return [
            "# It takes every one of them. What they cannot show, such as wider numbers to come, is yours to judge."
        ]
    counts = ", ".join(f"{reason} {count:,}" for reason, count in sorted(refused.items()))
    return [f"# Besides, {_counted(sum(refused.values()), 'record')} would go to quarantine: {counts}."]


def _keys(draft: Draft) -> list[str]:
    key, table = draft.key, draft.table
    lines = []
    if key.column:
        lines.append(f"key: [{key.column}]  # no value twice in {_counted(table.records, 'record')}")
    elif key.candidates:
        lines.append(f"# key: [{key.candidates[0]}]  # no value twice in the samples; duplicates by key are dropped")
    others = key.candidates if key.column else key.candidates[1:]
    if others:
        more = " …" if len(others) > 5 else ""
        lines.append(f"# no value twice either: {', '.join(others[:5])}{more}")
    if draft.partition_by:
        lines.append(f"partition_by: {draft.partition_by}")
    extra = (
        f"  # {_counted(table.unnamed, 'field')} of the samples without a column of their own" if table.unnamed else ""
    )
    return [*lines, f"unknown_fields: extra{extra}"]


def _columns(draft: Draft) -> list[str]:
    longest = max(len(column.name) for column in draft.columns)
    width = min(longest, _NAME_WIDTH) + 2
    rows = [
        (f"  {f'{column.name}: '.ljust(width)}{_column(column)}", "; ".join(_notes(column, draft)))
        for column in draft.columns
    ]
    return ["columns:", *_aligned(rows)]


def _column(column: Found) -> str:
    if column.date_of:
        return f"{{date_of: {column.date_of}}}"
    kind = column.kind
    spelled = f'"{kind.type}"' if kind.type.kind == "decimal" else str(kind.type)
    options = [
        f"path: {path_text(column.path)}",
        f"type: {spelled}",
        *([f"unit: {kind.unit}"] if kind.unit else []),
        *(["round: true"] if kind.round else []),
        *(["lenient: true"] if kind.lenient else []),
        *(["nul: strip"] if column.seen.nul and kind.type.kind in {"string", "json"} else []),
        *(["required: true"] if column.required else []),
    ]
    return f"{{{', '.join(options)}}}"


def _notes(column: Found, draft: Draft) -> Iterable[str]:
    if column.date_of:
        return
    width = draft.widths.get(column.name)
    if width is not None:
        yield f"up to {_counted(width, 'byte')}" if width else "always empty"
    yield from column.kind.notes
    if not column.required and column.seen.values:
        yield _presence(column.seen.values, draft.table.records)


def _presence(count: int, records: int) -> str:
    """In how many of the records a value stands.

    >>> _presence(7000, 10000), _presence(3, 4074), _presence(9999, 10000)
    ('in 70 %', 'in 3 of 4,074', 'in 9,999 of 10,000')
    """
    share = round(100 * count / records)
    return f"in {share} %" if 1 <= share <= 99 and records >= 100 else f"in {count:,} of {records:,}"


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Lines with their comments under one another; a line that is too long stands out alone."""
    fitting = [len(text) for text, comment in rows if comment and len(text) <= _TEXT_WIDTH]
    width = max(fitting, default=0)
    return [f"{text.ljust(width)}  # {comment}" if comment else text for text, comment in rows]
