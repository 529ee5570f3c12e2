"""Typed values become Arrow: rows, rejects and the census, in the schemas that the contract and `result.py` fix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pyarrow as pa

from lakemart.contract.table import Contract
from lakemart.decode.result import CENSUS, CENSUS_PATHS, REJECTS, Reject

_COUNTED_AS = {"date32[day]": pa.int32(), "timestamp[us, tz=UTC]": pa.int64()}


def array_of(values: Sequence[object], wanted: pa.DataType) -> pa.Array:
    """Typed values (None for null) as an array of the lake's type; days and microseconds become dates and timestamps."""
    if pa.types.is_list(wanted):
        counted = _COUNTED_AS.get(str(wanted.value_type), wanted.value_type)
        return pa.array(values, pa.list_(pa.field("element", counted))).cast(wanted)
    counted = _COUNTED_AS.get(str(wanted))
    return pa.array(values, wanted) if counted is None else pa.array(values, counted).cast(wanted)


def batch_of(contract: Contract, rows: Sequence[Sequence[object]], offsets: Sequence[int]) -> pa.RecordBatch:
    """Rows of a table, each with the offset of its record, as one batch of the contract's schema."""
    schema = contract.schema
    columns = list(zip(*rows, strict=True)) if rows else [()] * (len(schema) - 1)
    arrays = [array_of(values, field.type) for values, field in zip([*columns, offsets], schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def rejects_of(rejects: Iterable[Reject]) -> pa.RecordBatch:
    """Rejects as one batch of the schema REJECTS."""
    found = list(rejects)
    arrays = [pa.array([getattr(reject, field.name) for reject in found], field.type) for field in REJECTS]
    return pa.RecordBatch.from_arrays(arrays, schema=REJECTS)


class Census:
    """Counts unknown fields by table, path and JSON type; paths beyond CENSUS_PATHS a table are not listed."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list[int]] = {}
        self._paths: dict[str, set[str]] = {}

    def add(self, table: str, path: str, json_type: str, offset: int, count: int = 1) -> None:
        """Unknown fields of good rows, the first in the record at `offset`; called in order of offset."""
        entry = self._found.get((table, path, json_type))
        if entry is not None:
            entry[0] += count
            return
        paths = self._paths.setdefault(table, set())
        if path in paths or len(paths) < CENSUS_PATHS:
            paths.add(path)
            self._found[(table, path, json_type)] = [count, offset]

    def batch(self) -> pa.RecordBatch:
        """What was counted, as one batch of the schema CENSUS."""
        rows = [(*key, count, offset) for key, (count, offset) in self._found.items()]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(CENSUS)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, CENSUS, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=CENSUS)
