"""Samples as bytes → their format, and their records as Python values with numbers as source text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from lakemart.contract.table import Limits
from lakemart.decode.documents import array, chunked, concatenated
from lakemart.decode.frames import Frame, Frames, lines
from lakemart.decode.inflate import inflated
from lakemart.decode.records import records as documents_records
from lakemart.decode.result import DamagedError
from lakemart.decode.strict import BadJsonError, scan, space
from lakemart.decode.window import Window
from lakemart.infer.scalars import Numeral

LIMITS: Final = Limits()
_LONG_NUMBER = re.compile(rb"[0-9][0-9.eE+-]{900}").search
_MAGIC: Final = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2"}

FormatName = Literal["ndjson", "concatenated", "array", "records"]


@dataclass(frozen=True, slots=True)
class Format:
    """How bytes hold records; `path` is where the array of `{records: PATH}` stands."""

    name: FormatName
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample: its file's name, and its stored bytes in blocks, each time from the beginning."""

    name: str
    blocks: Callable[[], Iterable[bytes]]

    @property
    def compression(self) -> str:
        """What the first bytes say: gzip, zstd, bzip2 or an empty text."""
        head = next(iter(self.blocks()), b"")
        return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


@contextmanager
def located(sample: Sample) -> Iterator[None]:
    """Damage that is found within says which sample it is of."""
    try:
        yield
    except DamagedError as error:
        error.where = sample.name
        error.next_step = "Give a sample that is whole."
        raise


def frames(blocks: Iterable[bytes], form: Format) -> Iterator[Frame]:
    """The frames of decompressed bytes, those that framing itself rejects among them."""
    for piece in _pieces(blocks, form):
        yield from piece.frames


def _pieces(blocks: Iterable[bytes], form: Format) -> Iterator[Frames]:
    limit = LIMITS.record_bytes
    if form.name == "ndjson":
        return lines(blocks, offset=0, limit=limit)
    window = Window(blocks, 0)
    if form.name == "concatenated":
        return chunked(concatenated(window, limit))
    if form.name == "array":
        return chunked(array(window, limit))
    return chunked(documents_records(window, form.path, limit, keep=False))


class Reader:
    """Reads records; `repeated` says whether a key stood twice in some object of a record."""

    def __init__(self) -> None:
        self.repeated = False
        self._twice = False
        self._decode = json.JSONDecoder(
            parse_int=Numeral, parse_float=Numeral, parse_constant=_refuse, object_pairs_hook=self._object
        ).decode

    def records(self, sample: Sample, form: Format) -> Iterator[dict[str, Any]]:
        """The records of a sample that are JSON objects; what is none is passed over. Raises DamagedError."""
        return (value for value in self.values(sample, form) if isinstance(value, dict))

    def values(self, sample: Sample, form: Format) -> Iterator[Any]:
        """The JSON values in the place of records, null left out. Raises DamagedError."""
        for frame in frames(inflated(sample.blocks(), size=None), form):
            value = self.value(frame.raw) if frame.raw is not None and not frame.reason else None
            if value is not None:
                yield value

    def value(self, raw: bytes) -> Any:
        """The JSON value that decoding takes these bytes for; None when it refuses them."""
        self._twice = False
        try:
            text = raw.decode()
            value = self._decode(text)
        except (ValueError, RecursionError):
            return None
        if self._is_doubtful(raw) and not _is_sound(text):
            return None
        self.repeated = self.repeated or (self._twice and isinstance(value, dict))
        return value

    def _object(self, members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        self._twice = self._twice or len(found) < len(members)
        return found

    @staticmethod
    def _is_doubtful(raw: bytes) -> bool:
        """Whether the record may have a flaw that Python's reader takes: half a surrogate pair, depth, long numbers."""
        deep = raw.count(b"[") + raw.count(b"{") > LIMITS.depth
        return deep or b"\\u" in raw or _LONG_NUMBER(raw) is not None


def _is_sound(text: str) -> bool:
    try:
        flaws = scan(text, 0, depth=LIMITS.depth, digits=LIMITS.digits)
    except BadJsonError:
        return False
    return space(text, flaws.end) == len(text) and flaws.surrogate < 0 and flaws.long_number < 0


def _refuse(name: str) -> object:
    raise ValueError(name)
