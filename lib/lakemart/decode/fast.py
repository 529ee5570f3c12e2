"""The fast accept path: many records at once, and only those of which it can be shown that the reference agrees.

The proof rests on orjson's writer: when writing what was read gives back the record byte for byte, the record is JSON as
that writer writes it. So it is strict, without a repeated key, white space, long number or half pair; every number's text
is the shortest one of its value; and the slice of any value is what writing that value gives. A record that is
not of this form, or a value that a column's vector reader does not take as it is, goes to `reference.py`: this module
never rejects. Feeds with routes, child tables or `$` columns are decoded by the reference alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any, Final

import orjson
import pyarrow as pa

from lakemart.decode.columns import column_array
from lakemart.decode.frames import Frame
from lakemart.decode.numbers import Number
from lakemart.decode.plan import Branch, ColumnPlan, FeedPlan, Path, Skip
from lakemart.decode.redact import below, redacted
from lakemart.decode.unknown import extra_object, pointer

_LARGEST: Final = 1024 * 1024
"""Larger records go to the reference, which builds no tree: parsed JSON takes many times its bytes."""
_TOGETHER: Final = 400
"""So many records are read at a time: what they become in Python should fit into the processor's cache."""
_WRITER_DEPTH: Final = 254
_WRITER_DIGITS: Final = 32
_JSON_TYPES: Final[dict[type, str]] = {
    str: "string", dict: "object", list: "array", bool: "boolean", type(None): "null", int: "number", float: "number",
}  # fmt: skip
_NOTHING: Final[dict[str, Any]] = {}


@dataclass(slots=True)
class Accepted:
    """What the fast path took of some frames, by index: rows in order with their arrays, filtered ones, unknown fields."""

    rows: list[int] = field(default_factory=list)
    arrays: list[pa.Array] = field(default_factory=list)
    filtered: list[int] = field(default_factory=list)
    unknown: dict[int, list[tuple[str, str]]] = field(default_factory=dict)
    """Of a row with unknown fields: pointer and JSON type of each."""


def eligible(plan: FeedPlan) -> bool:
    """Whether records of the feed can go this way at all."""
    limits = plan.feed.limits
    return (
        len(plan.feed.tables) == 1
        and not plan.feed.route
        and not plan.uses_document
        and limits.depth >= _WRITER_DEPTH
        and plan.digits >= _WRITER_DIGITS
    )


def accept(frames: Sequence[Frame], plan: FeedPlan) -> Accepted:
    """Decodes what it can of the frames; whatever is neither in `rows` nor in `filtered` is left to the reference."""
    parts = [_accepted(frames[start : start + _TOGETHER], plan, start) for start in range(0, len(frames), _TOGETHER)]
    whole = Accepted()
    for part in parts:
        whole.rows += part.rows
        whole.filtered += part.filtered
        whole.unknown |= part.unknown
    whole.arrays = [pa.concat_arrays(arrays) for arrays in zip(*(part.arrays for part in parts), strict=True)]
    return whole


def _accepted(frames: Sequence[Frame], plan: FeedPlan, first: int) -> Accepted:
    """The same of some of the frames, of which the first has the index `first`."""
    accepted = Accepted()
    indices, objects = _canonical(frames, first)
    if plan.skips:
        skipped = {index for index, value in zip(indices, objects, strict=True) if _skipped(value, plan.skips)}
        accepted.filtered = sorted(skipped)
        kept = [(i, o) for i, o in zip(indices, objects, strict=True) if i not in skipped]
        indices, objects = [i for i, _ in kept], [o for _, o in kept]
    levels = _Levels(objects)
    contract = plan.main.contract
    by_name = {c.column.name: _column(c, levels) for c in plan.main.columns if c.origin != "date_of"}
    for column in contract.columns:
        if column.date_of is not None:
            by_name[column.name] = by_name[column.date_of].cast(pa.date32())
            if column.required:
                levels.doubt_nulls(by_name[column.name])
    extra: list[str | None] = []
    if contract.unknown_fields != "ignore":
        extra = _extras(levels, plan, indices, accepted)
    kept_arrays = [by_name[column.name] for column in contract.columns if column.pii != "drop"]
    if contract.unknown_fields == "extra":
        kept_arrays.append(pa.array(extra, pa.string()))
    accepted.rows = indices
    if levels.doubtful:
        mask = pa.array([row not in levels.doubtful for row in range(len(indices))], pa.bool_())
        kept_arrays = [array.filter(mask) for array in kept_arrays]
        accepted.rows = [index for row, index in enumerate(indices) if row not in levels.doubtful]
    accepted.arrays = kept_arrays
    return accepted


def _canonical(frames: Sequence[Frame], first: int) -> tuple[list[int], list[dict[str, Any]]]:
    """Index and value of the frames that are objects in the writer's own form, without NUL."""
    loads, dumps = orjson.loads, orjson.dumps
    indices: list[int] = []
    objects: list[dict[str, Any]] = []
    for index, frame in enumerate(frames, first):
        raw = frame.raw
        if raw is None or frame.reason or len(raw) > _LARGEST or b"\\u0000" in raw:
            continue
        try:
            value = loads(raw)
            if type(value) is dict and dumps(value) == raw:
                indices.append(index)
                objects.append(value)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError):
            continue
    return indices, objects


class _Levels:
    """The objects at every path of the contract, one per record, and the rows that the reference must look at."""

    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self.doubtful: set[int] = set()
        self._objects: dict[Path, list[dict[str, Any]]] = {(): objects}

    def objects(self, path: Path) -> list[dict[str, Any]]:
        """The object at `path` of every record: empty where it is missing or null; anything else makes a row doubtful."""
        if path not in self._objects:
            values = self.values(path)
            if set(map(type, values)) != {dict}:
                self.doubt(row for row, value in enumerate(values) if value is not None and type(value) is not dict)
                values = [value if type(value) is dict else _NOTHING for value in values]
            self._objects[path] = values
        return self._objects[path]

    def values(self, path: Path) -> list[Any]:
        """The value at `path` of every record, None where it is missing or null."""
        objects = self.objects(path[:-1])
        try:
            return list(map(itemgetter(path[-1]), objects))
        except KeyError:
            key = path[-1]
            return [value.get(key) for value in objects]

    def doubt(self, rows: Any) -> None:
        """Leaves these rows to the reference."""
        self.doubtful.update(rows)

    def doubt_nulls(self, array: pa.Array) -> None:
        """Leaves the rows with a null in a required column to the reference."""
        if array.null_count:
            self.doubt(row for row, null in enumerate(array.is_null().to_pylist()) if null)


def _column(column: ColumnPlan, levels: _Levels) -> pa.Array:
    """The array of a column with a path; rows whose value it did not take become doubtful."""
    array = column_array(column, levels.values(column.path), levels.doubt)
    if column.column.required:
        levels.doubt_nulls(array)
    return array


def _skipped(value: dict[str, Any], skips: tuple[Skip, ...]) -> bool:
    for skip in skips:
        found: Any = value
        for key in skip.path:
            found = found.get(key) if type(found) is dict else None
        if _listed(found, skip):
            return True
    return False


def _listed(found: Any, skip: Skip) -> bool:
    if found is None:
        return skip.null
    if type(found) is str:
        return found in skip.texts
    if type(found) in (int, float):
        return bool(skip.numbers) and Number.read(orjson.dumps(found).decode()) in skip.numbers
    return type(found) is bool and orjson.dumps(found).decode() in skip.literals


def _extras(levels: _Levels, plan: FeedPlan, indices: list[int], accepted: Accepted) -> list[str | None]:
    """The `_extra` of every row; under `reject` the rows with unknown fields become doubtful."""
    tree = plan.main.tree
    rows: set[int] = set()
    for path, branch in _looked_into(tree, ()):
        known = frozenset(branch.children)
        rows.update(row for row, value in enumerate(levels.objects(path)) if not known.issuperset(value))
    extra: list[str | None] = [None] * len(indices)
    if plan.main.contract.unknown_fields == "reject":
        levels.doubt(rows)
        return extra
    writer = _ExtraWriter(plan)
    records = levels.objects(())
    for row in sorted(rows - levels.doubtful):
        found: dict[str, Any] = {}
        writer.gather(records[row], tree, (), found)
        extra[row] = writer.text(found)
        accepted.unknown[indices[row]] = [(path, _JSON_TYPES[type(item)]) for path, item in found.items()]
    return extra


def _looked_into(branch: Branch, path: Path) -> list[tuple[Path, Branch]]:
    """The objects whose keys may be unknown: those on the way to a column that nothing covers."""
    if branch.covered:
        return []
    below_it = [found for key, child in branch.children.items() for found in _looked_into(child, (*path, key))]
    return [(path, branch), *below_it]


class _ExtraWriter:
    """Gathers unknown fields and writes `_extra`, remembering the pointer of every path it met."""

    def __init__(self, plan: FeedPlan) -> None:
        self._private = plan.private
        self._pointers: dict[Path, str] = {}
        self._paths: dict[str, Path] = {}

    def gather(self, value: dict[str, Any], branch: Branch, path: Path, found: dict[str, Any]) -> None:
        """Puts the unknown fields of an object into `found` by pointer, in source order."""
        children = branch.children
        for key, item in value.items():
            known = children.get(key)
            if known is None:
                full = (*path, key)
                text = self._pointers.get(full)
                if text is None:
                    text = self._pointers[full] = pointer(full)
                    self._paths[text] = full
                found[text] = item
            elif type(item) is dict and not known.covered:
                self.gather(item, known, (*path, key), found)

    def text(self, found: dict[str, Any]) -> str:
        """The `_extra` of a row: what was gathered, personal data redacted."""
        if not self._private:
            return orjson.dumps(found).decode()
        return extra_object((path, self._redacted(orjson.dumps(item).decode(), path)) for path, item in found.items())

    def _redacted(self, source: str, path: str) -> str:
        return redacted(source, (0, len(source)), below(self._private, self._paths[path]))
