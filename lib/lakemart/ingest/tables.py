"""The tables beside a clean table: quarantine, duplicates, resolutions. Their schemas, names, and how rows get into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def quarantine_table(table: str) -> str:
    """The name of the quarantine of a source's main table."""
    return f"{table}_quarantine"


def duplicates_table(table: str) -> str:
    """The name of the table of records that lost as duplicates."""
    return f"{table}_duplicates"


def resolutions_table(table: str) -> str:
    """The name of the table that says which quarantined records were resolved since, and how."""
    return f"{table}_resolutions"


def quarantine_schema() -> pa.Schema:
    """One row a rejected record: where it stands, why it was rejected, and its exact bytes.

    `raw` is null where the bytes lie in the side object `raw_object`; `cipher` is null where they are clear.
    `resolved_by` is the number of the batch that resolved the record, null while it is open.
    """
    return pa.schema(
        [
            ("batch", pa.int64()),
            ("run", pa.string()),
            ("object", pa.string()),
            ("etag", pa.string()),
            ("offset", pa.int64()),
            ("length", pa.int64()),
            ("record", pa.int64()),
            ("table", pa.string()),
            ("reason", pa.string()),
            ("column", pa.string()),
            ("message", pa.string()),
            ("raw", pa.binary()),
            ("raw_object", pa.string()),
            ("cipher", pa.string()),
            ("contract", pa.string()),
            ("resolved_by", pa.int64()),
        ]
    )


def duplicates_schema() -> pa.Schema:
    """One row a record that lost against another of the same key: where it stands, the table it was for, its key's hash.

    `raw` has its exact bytes where the source says `overwritten: replace`, so that it can come back when the winner goes;
    elsewhere it is null, and `length` with it, as it is where a record means nothing without its document. `cipher` is as
    in the quarantine.
    """
    return pa.schema(
        [
            ("batch", pa.int64()),
            ("run", pa.string()),
            ("object", pa.string()),
            ("etag", pa.string()),
            ("offset", pa.int64()),
            ("length", pa.int64()),
            ("table", pa.string()),
            ("hash", pa.binary()),
            ("raw", pa.binary()),
            ("cipher", pa.string()),
        ]
    )


def resolutions_schema() -> pa.Schema:
    """One row a quarantined record that a later batch resolved: where it stands, and what became of it.

    `outcome` is `good`, `duplicate` or `filtered`; `batch` is the number that resolved it, `contract` the one it was
    decoded under. Rows are only ever added.
    """
    return pa.schema(
        [
            ("batch", pa.int64()),
            ("run", pa.string()),
            ("object", pa.string()),
            ("offset", pa.int64()),
            ("outcome", pa.string()),
            ("contract", pa.string()),
        ]
    )


def with_provenance(rows: pa.RecordBatch, schema: pa.Schema, key: str, number: int) -> pa.RecordBatch:
    """Decoded rows as the lake table, of that schema, has them: with their object and the batch that brought them."""
    filled = {
        "_object": pa.repeat(pa.scalar(key), rows.num_rows),
        "_batch": pa.repeat(pa.scalar(number, pa.int64()), rows.num_rows),
    }
    columns = [filled[field.name] if field.name in filled else rows.column(field.name) for field in schema]
    return pa.record_batch(columns, schema=schema)


def quarantine_rows(
    rejects: pa.RecordBatch, evidence: Mapping[str, pa.Array], where: Mapping[str, Any]
) -> pa.RecordBatch:
    """The decoder's rejects as the quarantine has them: with their evidence, and the batch and object they are of."""
    schema = quarantine_schema()
    filled = {
        name: pa.repeat(pa.scalar(value, schema.field(name).type), rejects.num_rows) for name, value in where.items()
    }
    columns = [
        evidence.get(field.name, filled.get(field.name))
        if field.name in {*evidence, *filled}
        else rejects.column(field.name)
        for field in schema
    ]
    return pa.record_batch(columns, schema=schema)
