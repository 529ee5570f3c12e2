"""One record's text: read strictly, or refused with the first fault; then values found in it by path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lakemart.decode.plan import FeedPlan, Path
from lakemart.decode.redact import spans_at
from lakemart.decode.slices import Span, fields, value_end
from lakemart.decode.strict import BadJsonError, Flaws, scan, space
from lakemart.decode.unknown import pointer
from lakemart.decode.values import MismatchError, shown


class FaultError(Exception):
    """Why a record is rejected: the first fault in the order of checks."""

    def __init__(self, reason: str, message: str, *, table: str = "", column: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.message = message
        self.table = table
        self.column = column


@dataclass(slots=True)
class Record:
    """A record's text that the strict scanner accepted, with the objects on the way to its columns looked up once."""

    text: str
    start: int
    hidden: bool = False
    _objects: dict[int, dict[str, Span]] = field(default_factory=dict)

    def find(self, span: Span | None, path: Path) -> Span | None:
        """The value at `path` below the value at `span`: None when missing or null, or when something above it is.

        Raises MismatchError when a value on the way is neither an object nor null.
        """
        for depth, key in enumerate(path):
            if span is None or self.is_null(span):
                return None
            if self.text[span[0]] != "{":
                value = "the value" if self.hidden else shown(self.slice(span))
                raise MismatchError("wrong_type", f"{value} at {pointer(path[:depth]) or '/'} is not an object")
            span = self.fields(span[0]).get(key)
        return span

    def fields(self, start: int) -> dict[str, Span]:
        """The value's span by key of the object at `start`."""
        if start not in self._objects:
            self._objects[start] = fields(self.text, start)
        return self._objects[start]

    def slice(self, span: Span) -> str:
        """The exact source text of the value."""
        return self.text[span[0] : span[1]]

    def is_null(self, span: Span) -> bool:
        """Whether the value is JSON's null."""
        return self.text[span[0]] == "n"

    @property
    def root(self) -> Span:
        """The record's whole value."""
        return self.start, value_end(self.text, self.start)


def read_record(raw: bytes, plan: FeedPlan) -> Record:
    """The record as strict JSON text whose value is an object. Raises FaultError."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise FaultError("invalid_utf8", f"not UTF-8 at byte {error.start}") from None
    try:
        flaws = scan(text, 0, depth=plan.feed.limits.depth, digits=plan.digits)
    except BadJsonError as error:
        raise _syntax_fault(error, text, plan) from None
    rest = space(text, flaws.end)
    if rest < len(text):
        raise FaultError("trailing_content", f"more after the JSON value at byte {_byte(text, rest)}")
    _refuse_flaws(text, flaws, plan)
    start = space(text, 0)
    if text[start] != "{":
        value = "the value" if plan.hidden else shown(text[start : flaws.end])
        raise FaultError("not_an_object", f"{value} is not an object")
    return Record(text, start, plan.hidden)


def _syntax_fault(error: BadJsonError, text: str, plan: FeedPlan) -> FaultError:
    position = _byte(text, error.position)
    if error.reason == "too_deep":
        return FaultError("too_deep", f"nested deeper than {plan.feed.limits.depth} at byte {position}")
    if error.position == len(text):
        return FaultError("invalid_json", f"ends inside a JSON value at byte {position}")
    return FaultError("invalid_json", f"not JSON at byte {position}")


def _refuse_flaws(text: str, flaws: Flaws, plan: FeedPlan) -> None:
    if flaws.duplicate >= 0 and plan.feed.duplicate_keys == "reject":
        key = "a key" if plan.hidden else f"key {shown(text[flaws.duplicate : flaws.duplicate_end])}"
        raise FaultError("duplicate_key", f"{key} again at byte {_byte(text, flaws.duplicate)}")
    if flaws.surrogate >= 0:
        raise FaultError("lone_surrogate", f"half a surrogate pair at byte {_byte(text, flaws.surrogate)}")
    for position in _unstripped(text, flaws, plan):
        raise FaultError("nul_character", f"NUL at byte {_byte(text, position)}")
    if flaws.long_number >= 0:
        count, position = flaws.long_number_digits, _byte(text, flaws.long_number)
        raise FaultError("number_too_long", f"{count} digits at byte {position}, more than {plan.digits}")


def _unstripped(text: str, flaws: Flaws, plan: FeedPlan) -> Iterator[int]:
    """The positions of NUL escapes that stand in no value of a column with `nul: strip`."""
    if not flaws.nuls:
        return
    start = space(text, 0)
    spans = list(spans_at(text, (start, flaws.end), plan.strips)) if plan.strips else []
    yield from (nul for nul in flaws.nuls if not any(start <= nul < end for start, end in spans))


def _byte(text: str, position: int) -> int:
    return len(text[:position].encode())
