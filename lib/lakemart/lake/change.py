"""How a table's change is made from its present state: which columns are new, and what may not change."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from lakemart.errors import ConfigError
from lakemart.lake.actions import NEW_TABLE, AddedFile, TableChange, schema_to_json
from lakemart.lake.read import Snapshot


def table_change(  # noqa: PLR0913 - a change, by name
    table: str,
    schema: pa.Schema,
    base: Snapshot | None,
    *,
    partition_by: str | None = None,
    adds: Sequence[AddedFile] = (),
    removes: Sequence[AddedFile] = (),
) -> TableChange:
    """The change that brings `adds` into the table, and its columns up to `schema`, against the version `base`.

    Columns the table lacks are added at its end; columns only the table has stay and are null in new rows. Raises
    ConfigError when a column changed its type or the partition column changed: that takes a new table.
    """
    if base is None:
        return TableChange(
            table=table, base_version=NEW_TABLE, schema=schema_to_json(schema), partition_by=partition_by,
            adds=tuple(adds), removes=tuple(removes),
        )  # fmt: skip
    for field in schema:
        index = base.schema.get_field_index(field.name)
        if index >= 0 and not same_type(base.schema.field(index).type, field.type):
            raise ConfigError(
                f"column {field.name!r} is {base.schema.field(index).type} in table {table!r}, now declared {field.type}",
                where=f"table {table}",
                next_step="Give the column, or the table, a new name.",
            )
    if base.partition_by != partition_by:
        raise ConfigError(
            f"table {table!r} is partitioned by {base.partition_by!r}, now declared {partition_by!r}",
            where=f"table {table}",
            next_step="Give the table a new name.",
        )
    added = [field for field in schema if base.schema.get_field_index(field.name) < 0]
    return TableChange(
        table=table,
        base_version=base.version,
        schema=schema_to_json(pa.schema([*base.schema, *added])),
        partition_by=partition_by,
        adds=tuple(adds),
        removes=tuple(removes),
        added_columns=tuple(field.name for field in added),
    )


def same_type(one: pa.DataType, other: pa.DataType) -> bool:
    """Whether two types are one in Delta, which does not keep the name of a list's element.

    >>> same_type(pa.list_(pa.field("element", pa.int64())), pa.list_(pa.field("item", pa.int64())))
    True
    """
    if pa.types.is_list(one) and pa.types.is_list(other):
        return same_type(one.value_type, other.value_type)
    return bool(one == other)
