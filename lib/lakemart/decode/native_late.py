"""What is done to the columns that the native decoder gave: reading what it only cut out, patterns, personal data."""

from __future__ import annotations

import hashlib
import hmac

import pyarrow as pa
import pyarrow.compute as pc

from lakemart.decode.native_plan import is_unread
from lakemart.decode.plan import ColumnPlan, FeedPlan
from lakemart.decode.redact import below, redacted
from lakemart.decode.tables import array_of
from lakemart.decode.values import MASK, MismatchError


def settled(batch: pa.RecordBatch, plan: FeedPlan) -> tuple[dict[str, pa.Array], list[int]]:
    """The columns by name as they are wanted, and in order the offsets of the rows that one of them refuses."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    wrong: list[pa.Array] = []
    for column in plan.main.columns:
        name, source = column.column.name, column.column.date_of
        if name not in columns:
            continue
        if source is not None:
            if is_unread(column, plan.main):
                columns[name] = columns[source].cast(pa.date32())
                wrong += [columns[name].is_null()] if column.column.required else []
        elif is_unread(column, plan.main):
            columns[name], odd = _read(columns[name], column)
            wrong.append(odd)
        else:
            wrong += _unmatched(columns[name], column)
            columns[name] = _protected(columns[name], column)
    refused: set[int] = set()
    for mask in wrong:
        refused.update(batch.column("_offset").filter(mask).to_pylist())
    return columns, sorted(refused)


def _read(texts: pa.Array, plan: ColumnPlan) -> tuple[pa.Array, pa.Array]:
    """The values that source texts spell, read by the reference's reader, each text once; and which rows it refuses."""
    hide = below(plan.redact, plan.path)
    coded = texts.dictionary_encode()
    values: list[object] = []
    refused: list[int] = []
    for index, source in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(plan.reader.read(redacted(source, (0, len(source)), hide) if hide else source))
        except MismatchError:
            refused.append(index)
            values.append(None)
    array = array_of(values, plan.column.type.arrow).take(coded.indices)
    return array, pc.is_in(coded.indices, value_set=pa.array(refused, coded.indices.type))


def _unmatched(array: pa.Array, plan: ColumnPlan) -> list[pa.Array]:
    """Which texts a column's pattern refuses, when there are any."""
    match = plan.reader.pattern
    if match is None:
        return []
    texts = pc.unique(array)
    wrong = pa.array([text for text in texts.to_pylist() if text is not None and not match(text)], pa.string())
    return [pc.is_in(array, value_set=wrong)] if len(wrong) else []


def _protected(array: pa.Array, plan: ColumnPlan) -> pa.Array:
    """The column with `pii: hash` and `mask` applied."""
    if plan.column.pii == "mask":
        return pc.if_else(pc.is_valid(array), pa.scalar(MASK), pa.scalar(None, pa.string()))
    key = plan.reader.key
    if plan.column.pii != "hash" or key is None:
        return array
    coded = array.dictionary_encode()
    hashes = [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for text in coded.dictionary.to_pylist()]
    return pa.array(hashes, pa.string()).take(coded.indices)
