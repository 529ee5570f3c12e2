"""Which format samples have: told from the beginning of each, and one for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from lakemart.decode.frames import BOM
from lakemart.decode.inflate import inflated
from lakemart.errors import ConfigError
from lakemart.infer.samples import Format, Reader, Sample, frames, located

HEAD_BLOCKS: Final = 2
"""So many MiB of each sample tell its format."""

LIST_NAMES: Final = frozenset({
    "records", "items", "data", "results", "result", "events", "value", "values", "rows", "entries", "hits", "logs",
    "messages", "objects", "elements",
})  # fmt: skip
"""What documents call the array that holds their records."""

_IDENTITIES: Final = frozenset({"id", "_id", "uuid", "guid"})
_BEGINS_LIST = re.compile(rb'\s*\{(?:[^\[{]*,)?\s*"(\w+)"\s*:\s*\[\s*\{', re.ASCII).match
_SPACE: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class _Head:
    """The beginning of one sample's decompressed bytes, and whether it is all of them."""

    data: bytes
    whole: bool


def format_of(samples: Sequence[Sample]) -> Format:
    """The one format of all samples. Raises ConfigError when they have two, or none holds a byte."""
    heads = [head for sample in samples if (head := _head(sample)).data.strip(_SPACE)]
    if not heads:
        raise ConfigError("the samples hold nothing", next_step="Give files with at least one record.")
    arrays = [_is_array(head) for head in heads]
    if all(arrays):
        return Format("array")
    if any(arrays):
        raise ConfigError(
            "some samples are one JSON array, others are not",
            next_step="Give samples of one format: they become one source.",
        )
    by_line = all(_reads_by_line(head) for head in heads)
    form = Format("ndjson" if by_line else "concatenated")
    documents = [list(_documents(head, form)) for head in heads]
    path = _records_path(documents) or _cut_path(heads, documents)
    return Format("records", path) if path else form


def _head(sample: Sample) -> _Head:
    with located(sample):
        blocks = list(islice(inflated(sample.blocks(), size=None), HEAD_BLOCKS + 1))
    data = b"".join(blocks[:HEAD_BLOCKS]).removeprefix(BOM)
    return _Head(data, len(blocks) <= HEAD_BLOCKS)


def _is_array(head: _Head) -> bool:
    """Whether the object is one array: it begins with a bracket, and no line but the last could be a record."""
    data = head.data.strip(_SPACE)
    if not data.startswith(b"["):
        return False
    first = data.partition(b"\n")[0]
    return first == data or not isinstance(Reader().value(first), list)


def _reads_by_line(head: _Head) -> bool:
    """Whether fewer bytes are lost when every line is a record than when values stand one after another."""
    by_line = _lost(head, Format("ndjson"))
    return by_line == 0 or by_line <= _lost(head, Format("concatenated"))


def _lost(head: _Head, form: Format) -> int:
    """How many bytes are in no JSON value of the head; its cut end does not count."""
    reader = Reader()
    lost = 0
    for frame in frames([head.data], form):
        if not head.whole and frame.offset + frame.length >= len(head.data):
            continue
        if frame.raw is None or frame.reason or reader.value(frame.raw) is None:
            lost += frame.length
    return lost


def _documents(head: _Head, form: Format) -> Iterator[Any]:
    reader = Reader()
    for frame in frames([head.data], form):
        value = reader.value(frame.raw) if frame.raw is not None else None
        if value is not None:
            yield value


def _records_path(samples: list[list[Any]]) -> tuple[str, ...]:
    """The path at which every document has an array of objects that is what the document is about; empty when none is.

    It is when nothing stands beside it, or when each sample is one document, and the array has a usual name.
    """
    documents = [document for sample in samples for document in sample]
    if not documents or not all(isinstance(document, dict) for document in documents):
        return ()
    single = all(len(sample) == 1 for sample in samples)
    first: dict[str, Any] = next((document for document in documents if document), {})
    for path in _paths(first):
        found = [_at(document, path) for document in documents]
        elements = [element for each in found if isinstance(each, list) for element in each]
        if not all(isinstance(each, list) for each in found) or not all(isinstance(one, dict) for one in elements):
            continue
        usual = path[-1].lower() in LIST_NAMES
        alone = all(_is_alone(document, path) for document in documents)
        many = len(elements) > 1 and len(elements) >= len(documents)
        anonymous = not any(_IDENTITIES & set(document) for document in documents)
        if many and ((alone and (usual or single)) or (single and usual and anonymous)):
            return path
    return ()


def _cut_path(heads: Sequence[_Head], documents: Sequence[list[Any]]) -> tuple[str, ...]:
    """The path of the records when every sample is one document, larger than its head: the array that it begins with."""
    if any(head.whole for head in heads) or any(documents):
        return ()
    found = {match[1].decode() if (match := _BEGINS_LIST(head.data)) else "" for head in heads}
    name = found.pop()
    return (name,) if not found and name.lower() in LIST_NAMES else ()


def _paths(document: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in document.items():
        if isinstance(value, list):
            yield (key,)
    for key, value in document.items():
        if isinstance(value, dict):
            yield from ((key, inner) for inner, below in value.items() if isinstance(below, list))


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _is_alone(document: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if len(document) != 1:
            return False
        document = document[key]
    return True
